"""How a figure is shown, and docs/performance.md."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

REPORT = Path("docs/performance.md")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number, with the limit that is owed (must) or wished for (aim)."""

    name: str
    value: float
    unit: str
    must: float | None = None
    aim: float | None = None

    @property
    def limit(self) -> str:
        """The limit in words."""
        if self.must is not None:
            return f"must be ≤ {self.must:g}"
        return "" if self.aim is None else f"aim: ≤ {self.aim:g}"

    @property
    def verdict(self) -> str:
        """Whether the limit holds."""
        limit = self.must if self.must is not None else self.aim
        if limit is None:
            return ""
        return "yes" if self.value <= limit else "**no**"

    def line(self) -> str:
        """The figure on the terminal."""
        return f"{self.name:<70} {self.value:>10,.2f} {self.unit:<8} {self.limit:<16} {self.verdict}"


def write_report(figures: Sequence[Figure], machine: str, at: datetime, *, command: str, customers: int) -> None:
    """Put the figures into docs/performance.md, above what people wrote below its second heading."""
    kept = ""
    if REPORT.exists() and "\n## Reading" in REPORT.read_text():
        kept = REPORT.read_text().split("\n## Reading", 1)[1]
    rows = "\n".join(f"| {f.name.strip()} | {f.value:,.2f} {f.unit} | {f.limit} | {f.verdict} |" for f in figures)
    REPORT.write_text(
        "# Performance\n\n"
        f"Measured on {at:%Y-%m-%d} with `{command}` on {machine}.\n"
        f"The large world has {customers:,} customers; sandbox and measured process share the machine.\n"
        "Machines are noisy: compare ratios, and measure again before believing a small difference.\n\n"
        "| What | Measured | Limit | Holds |\n| --- | --- | --- | --- |\n"
        f"{rows}\n\n## Reading{kept or chr(10)}"
    )
