"""What happens when: syncs, identity, consent views, metrics, the command line and the Dagster definitions."""

import os
import sys

if sys.platform == "linux":
    # Read when Arrow is first used. What it takes by itself, mimalloc, keeps more: 165 MB of a large whole run's peak.
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "jemalloc")
