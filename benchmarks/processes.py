"""The processes a benchmark starts: stand-ins on free ports, and measured programs that end with a line of JSON."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

CACHE = Path(".cache/benchmarks")
"""What outlives a run: other programs' environments."""


class PartFailedError(Exception):
    """A measured program failed; the message ends with what it said."""


@dataclass(frozen=True, slots=True)
class StandIns:
    """Stand-ins that are being served.

    Attributes:
        vendors: Addresses and tokens by vendor, as the process announced them.
        control: Address of the control port.
    """

    vendors: dict[str, dict[str, str]]
    control: str

    def log(self) -> list[dict[str, Any]]:
        """Every request answered so far; keys as in ``sandbox.server.Served``."""
        lines: list[dict[str, Any]] = httpx.get(f"{self.control}/_sandbox/requests", timeout=120).json()
        return lines

    def advance(self, days: int = 1) -> None:
        """Let the world live on."""
        httpx.post(f"{self.control}/_sandbox/advance", json={"days": days}, timeout=120).raise_for_status()


@contextmanager
def standing_in(module: str, *options: object) -> Iterator[StandIns]:
    """Run ``python -m module`` (``sandbox`` or ``benchmarks.replay``) until the block ends.

    Raises:
        PartFailedError: It did not start.
    """
    command = [sys.executable, "-m", module, *map(str, options)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            said = process.stdout.readline() if process.stdout else ""
            if not said:
                raise PartFailedError(f"{module} did not start; what it said is above.")
            ready = json.loads(said)
            yield StandIns(control=ready.pop("control")["url"], vendors=ready)
        finally:
            process.terminate()
            process.wait(timeout=10)


def measured(
    command: Sequence[str | Path], *, environment: dict[str, str] | None = None, at_most: float | None = None
) -> dict[str, Any]:
    """Run a measured program and give what it printed last.

    Args:
        command: What to run.
        environment: Its whole environment, if not ours.
        at_most: Seconds after which it is killed, because enough has been seen; the answer is then empty.

    Raises:
        PartFailedError: It failed.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(words, capture_output=True, text=True, env=environment, timeout=at_most, check=False)
    except subprocess.TimeoutExpired:
        return {}
    if done.returncode:
        raise PartFailedError(f"{' '.join(words[:4])} ended with {done.returncode}:\n{done.stderr[-4000:]}")
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def child(module: str, *arguments: object, at_most: float | None = None) -> dict[str, Any]:
    """Run one of our measured modules; see ``measured``."""
    return measured([sys.executable, "-m", module, *map(str, arguments)], at_most=at_most)


def folder(name: str, *, fresh: bool = False) -> Path:
    """A folder in the cache."""
    path = (CACHE / name).resolve()
    if fresh:
        shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True, exist_ok=True)
    return path
