"""How a figure is shown, and docs/performance.md: each benchmark owns a section and leaves the rest as it is."""

import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REPORT = Path("docs/performance.md")
_LAST = "## Reading"
"""What people wrote about the figures stays at the end."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, with the limit that is owed (must) or wished for (aim).

    Attributes:
        name: What was measured.
        value: The number.
        unit: Its unit.
        must: It may not be above this.
        at_least: It may not be below this.
        aim: It would be good if it were not above this.
    """

    name: str
    value: float
    unit: str
    must: float | None = None
    at_least: float | None = None
    aim: float | None = None

    @property
    def limit(self) -> str:
        """The limit in words."""
        if self.at_least is not None:
            return f"must be ≥ {self.at_least:g}"
        if self.must is not None:
            return f"must be ≤ {self.must:g}"
        return "" if self.aim is None else f"aim: ≤ {self.aim:g}"

    @property
    def verdict(self) -> str:
        """Whether the limit holds."""
        if self.at_least is not None:
            return "yes" if self.value >= self.at_least else "**no**"
        limit = self.must if self.must is not None else self.aim
        if limit is None:
            return ""
        return "yes" if self.value <= limit else "**no**"

    def line(self) -> str:
        """The figure on the terminal."""
        return f"{self.name:<70} {self.value:>10,.2f} {self.unit:<8} {self.limit:<16} {self.verdict}"


def machine() -> str:
    """What it was measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].split(":", 1)[1].strip() if models else "unknown processor"
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Python {platform.python_version()}, {platform.system()}"
    )


def table(figures: Sequence[Figure]) -> str:
    """The figures as a table."""
    rows = [f"| {f.name.strip()} | {f.value:,.2f} {f.unit} | {f.limit} | {f.verdict} |" for f in figures]
    return "\n".join(["| What | Measured | Limit | Holds |", "| --- | --- | --- | --- |", *rows])


def with_section(page: str, headings: Sequence[str], body: str) -> str:
    """The page with ``body`` under the last heading, which is below those before it; all else as it was.

    A section that is new comes at the end of the one it is in, but before what people wrote about the figures.

    Args:
        page: Markdown.
        headings: Whole heading lines, outermost first, such as ``## Extraction`` and ``### Contacts``.
        body: What is to stand under the last of them.
    """
    heading, *inner = headings
    level = len(heading.partition(" ")[0])
    parts = re.split(rf"^(?=#{{1,{level}}} )", page, flags=re.MULTILINE)
    names = [part.partition("\n")[0] for part in parts]
    if heading not in names:
        place = names.index(_LAST) if _LAST in names else len(names)
        parts.insert(place, heading)
        names.insert(place, heading)
    place = names.index(heading)
    held = parts[place].partition("\n")[2]
    parts[place] = f"{heading}\n\n{(with_section(held, inner, body) if inner else body).strip()}"
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


def write_section(headings: Sequence[str], body: str) -> None:
    """Put ``body`` into docs/performance.md."""
    page = REPORT.read_text() if REPORT.exists() else "# Performance\n"
    REPORT.write_text(with_section(page, headings, body))
