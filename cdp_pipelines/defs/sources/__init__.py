"""One subsettable multi-asset, job and schedule per source, all from its declaration."""
