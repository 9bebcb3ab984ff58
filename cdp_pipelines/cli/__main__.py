"""``python -m cdp_pipelines.cli``: the same as ``cdp``."""

from cdp_pipelines.cli import main

main()
