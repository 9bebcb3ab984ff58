"""``python -m demo.dev``: open the Dagster UI on your own installation, or on the demo's with its sandbox beside it.

With a ``cdp.toml`` here (or one named in ``CDP_CONFIG``) this is ``cdp dev`` and nothing else. Without one it is
the demo's installation: the vendors' stand-ins are served again on the addresses its configuration names, so that
syncs work. The world is generated anew from the same seed and lives on for a day beyond the demo's, so that a
sync has something to find. Ctrl-C ends both.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from cdp_pipelines.config import FILE_NAME, load_settings
from demo.business import CUSTOMERS, SEED, serving
from demo.home import HOME

DAYS = 2
"""The demo's own extra day, and one more."""


def main() -> int:
    """Open the UI and wait for it; the exit code is that of ``cdp dev``."""
    arguments = sys.argv[1:]
    if "CDP_CONFIG" in os.environ or Path(FILE_NAME).exists():
        return _cdp("dev", *arguments)
    config = HOME / FILE_NAME
    if not config.exists():
        raise SystemExit(f"There is neither {FILE_NAME} nor {config}. Run first: make demo (or: cdp init)")
    sources = load_settings(config).sources
    ports = {name: urlsplit(source.base_url or "").port or 0 for name, source in sources.items()}
    with serving(CUSTOMERS, SEED, ports) as business:
        for _ in range(DAYS):
            business.advance(days=1)
        sys.stdout.write(f"The demo's installation: {config}; the stand-ins of its four systems are running.\n")
        sys.stdout.flush()
        return _cdp("--config", str(config), "dev", *arguments)


def _cdp(*arguments: str) -> int:
    with subprocess.Popen([sys.executable, "-m", "cdp_pipelines.cli", *arguments]) as process:
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # Ctrl-C reaches the child too; it ends in its own time
                continue


if __name__ == "__main__":
    sys.exit(main())
