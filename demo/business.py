"""The generated business: the sandbox in a process of its own, and what only the demo may ask it."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import httpx

CUSTOMERS, SEED = 5000, 7

RATE_SCALE = 1000
"""The stand-ins' rate limits are the vendors' times this: the demo shows the way, not the waiting."""


@dataclass(frozen=True, slots=True)
class Business:
    """Addresses and tokens of the running stand-ins."""

    hubspot: dict[str, str]
    zendesk: dict[str, str]
    shopify: dict[str, str]
    google_reviews: dict[str, str]
    control: str

    def advance(self, days: int = 1) -> None:
        """Let the world live on."""
        httpx.post(f"{self.control}/_sandbox/advance", json={"days": days}, timeout=120).raise_for_status()

    def truth(self) -> dict[str, Any]:
        """Who is who."""
        answer: dict[str, Any] = httpx.get(f"{self.control}/_sandbox/truth", timeout=120).json()
        return answer

    def values(self) -> list[tuple[str, str]]:
        """Every personal value in clear, as (kind, value)."""
        return [(kind, value) for kind, value in httpx.get(f"{self.control}/_sandbox/values", timeout=120).json()]


@contextmanager
def serving(customers: int, seed: int, ports: Mapping[str, int] | None = None) -> Iterator[Business]:
    """Run the stand-ins until the block ends, on free ports unless ``ports`` names them by vendor."""
    command = [sys.executable, "-m", "sandbox", "--customers", str(customers), "--seed", str(seed)]
    command += [
        word for name, port in (ports or {}).items() for word in (f"--{name.replace('_', '-')}-port", str(port))
    ]
    with subprocess.Popen([*command, "--rate-scale", str(RATE_SCALE)], stdout=subprocess.PIPE, text=True) as process:
        try:
            if process.stdout is None:
                raise RuntimeError("The sandbox has no output to read its addresses from.")
            said = process.stdout.readline()
            if not said:
                raise SystemExit("The stand-ins did not start; what they said is above. Is one of their ports taken?")
            ready = json.loads(said)
            yield Business(control=ready.pop("control")["url"], **ready)
        finally:
            process.terminate()
            process.wait(timeout=10)
