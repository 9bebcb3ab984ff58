"""What the demo prints: tables that a shop owner can read."""

from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from cdp_pipelines.jobs import JobReport
from cdp_pipelines.scan import ScanReport
from demo.accuracy import Accuracy

_OUT = Console(width=None if Console().is_terminal else 120, highlight=False)


def heading(text: str) -> None:
    """A new part of the story."""
    _OUT.print(f"\n[bold]{text}[/bold]")


def line(text: str) -> None:
    """One sentence."""
    _OUT.print(text)


def sync(report: JobReport) -> None:
    """Records per stream."""
    table = _table("stream", "records read", "rows written", "unchanged", "deleted", "quarantined", "seconds")
    for asset, data in report.assets.items():
        if "records read" in data:
            keys = ("records read", "rows written", "rows unchanged", "rows deleted", "records quarantined")
            table.add_row(asset, *(f"{data[key]:,}" for key in keys), f"{data['seconds']:.1f}")
    _OUT.print(table)
    for check in report.failed_checks:
        line(f"Look at this check: {check}")


def identity(report: JobReport, result: Accuracy) -> None:
    """Records to profiles, and how right that is."""
    data = report.assets["cdp/identity_link"]
    line(
        f"{data['dagster/row_count']:,} person records → {data['profiles']:,} profiles "
        f"({data['merges']:,} merges, {data['splits']:,} splits, "
        f"{data['keys shared by too many']:,} keys shared by too many to join anybody)"
    )
    line(f"Against the truth, pair by pair: precision {result.precision:.4f}, recall {result.recall:.4f}")


def metrics(rows: list[dict[str, Any]]) -> None:
    """The latest value of every metric, with its interval and status."""
    table = _table("metric", "period", "value", "95 % interval", "n", "status", "unit")
    for row in rows:
        interval = "" if row["ci_low"] is None else f"{row['ci_low']:.4g} to {row['ci_high']:.4g}"
        status = row["status"] if row["status_reason"] is None else f"{row['status']} / {row['status_reason']}"
        value = "" if row["value"] is None else f"{row['value']:,.4g}"
        number = "" if row["n"] is None else f"{row['n']:,}"
        table.add_row(row["metric_id"], str(row["period"]), value, interval, number, status, row["unit"])
    _OUT.print(table)
    line("No number means: nothing connected can feed it yet, or too few people. It is never shown as zero.")


def stages(report: JobReport, seconds: float) -> None:
    """Seconds per stage."""
    parts = ", ".join(f"{step} {spent:.1f} s" for step, spent in report.steps.items())
    line(f"{seconds:.1f} s in all: {parts}; Dagster itself {report.overhead:.1f} s")


def leaks(report: ScanReport) -> None:
    """The verdict of the leak scanner."""
    if report.ok:
        line(f"Nothing found: {report.values:,} values, {report.files:,} files, {report.bytes / 1e6:,.0f} MB decoded.")
        return
    table = _table("file", "place", "kind", "form", "count")
    for finding in report.findings[:50]:
        table.add_row(finding.path, finding.place, finding.kind, finding.form, str(finding.count))
    _OUT.print(table)
    raise SystemExit(f"The leak scan found {len(report.findings)} places; {len(report.skipped)} files not decoded.")


def where_next(home: Path, seconds: float) -> None:
    """Where to look now."""
    heading(f"Done in {seconds:.0f} s. Where to look next:")
    line("  make dev                                     the Dagster UI with these runs")
    line(f"  sqlite3 {home}/data/mart.db                 then: table metric_latest, or metric_wide_month")
    line(f"  .venv/bin/cdp --config {home}/cdp.toml metrics show csat")
    line(f"  .venv/bin/cdp --config {home}/cdp.toml profile show")
    line("  README.md                                    connecting a real account")


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if index == 0 else "right")
    return table
