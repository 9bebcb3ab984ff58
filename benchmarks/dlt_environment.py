"""dlt in an environment of its own, so that neither its dependencies nor ours decide about the other's."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

from benchmarks.processes import folder

REQUIREMENTS = Path(__file__).with_name("dlt-requirements.txt")


def dlt_version() -> str:
    """The pinned version."""
    pinned = (line for line in REQUIREMENTS.read_text().splitlines() if line.startswith("dlt=="))
    return next(pinned).removeprefix("dlt==").rstrip(" \\")


def dlt_python() -> Path:
    """The Python that has dlt; its environment is made on first use and whenever the pinned versions change."""
    digest = hashlib.sha256(REQUIREMENTS.read_bytes()).hexdigest()[:12]
    home = folder(f"dlt-{digest}")
    python, ready = home / "bin" / "python", home / ".ready"
    if not ready.exists():
        subprocess.run([sys.executable, "-m", "venv", home], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
        subprocess.run([*install, "-r", REQUIREMENTS], check=True, capture_output=True)
        ready.touch()
    return python


def environment(home: Path) -> dict[str, str]:
    """Environment variables for a run whose files stay in ``home`` and that tells nobody about itself."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "DLT_DATA_DIR": str(home / "data"),
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "RUNTIME__LOG_LEVEL": "ERROR",
    }
