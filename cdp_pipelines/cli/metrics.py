"""``cdp metrics``: what is measured, and the latest values with their intervals and status."""

from typing import Annotated, Any

import typer

from cdp_pipelines.cli import console

MANY = 1000
"""From here on a number is shown whole."""

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The published metrics.")


@app.command("list")
def list_metrics(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List every metric with its latest monthly value.

    Example: cdp metrics list
    """
    from cdp_pipelines import database

    with console.installation() as opened:
        rows = database.metric_overview(opened.stores.mart)
    if as_json:
        console.print_json(rows)
        return
    console.print_table(
        "Metrics (latest month, all channels; in brackets the 95 % interval)",
        ["metric", "period", "n", "value"],
        [[row["metric_id"], row["period"], row["n"], _value(row, unit=_unit(row))] for row in rows],
        empty="There is no metric yet. Work them out with: cdp run",
    )


@app.command("show")
def show(
    metric: Annotated[str, typer.Argument(help="Id of the metric, for example csat.")],
    grain: Annotated[
        str | None,
        typer.Option(help="day, week, month or what docs/metrics.md names; month where the metric has months."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show one metric: what it means and how it went, period by period.

    Examples:

      cdp metrics show csat

      cdp metrics show first_response_time --grain week
    """
    from cdp_pipelines import database

    with console.installation() as opened:
        found = database.metric_history(opened.stores.mart, metric, grain=grain)
    if as_json:
        console.print_json(found)
        return
    unit = _unit(found["values"][0]) if found["values"] else "no values at this grain"
    typer.echo(f"{found['name']} ({unit}): {found['definition']}")
    columns = ["period", "channel", "slice", "stat", "n", "value"]
    rows = [[row["period"], row["channel"], _slice(row), _stat(row), row["n"], _value(row)] for row in found["values"]]
    console.print_table(f"{metric} by {found['grain']} (in brackets the 95 % interval)", columns, rows)


def _slice(row: dict[str, Any]) -> str:
    """What the number is of: everything, a slice, or a group of a segmentation."""
    return ", ".join(part for part in (row["group"], row["slice"]) if part != "all") or "all"


def _stat(row: dict[str, Any]) -> str:
    return str(row["stat"] if row["variant"] == "default" else f"{row['stat']} ({row['variant']})")


def _unit(row: dict[str, Any]) -> str:
    """The unit, which of money is its currency."""
    return str(row["currency"] or row["unit"])


def _value(row: dict[str, Any], *, unit: str = "") -> str:
    """The number with its interval, and its status where that is not simply ok."""
    parts = []
    if row["value"] is not None:
        parts += [_number(row["value"]), unit]
    if row["ci_low"] is not None:
        parts.append(f"({_number(row['ci_low'])} to {_number(row['ci_high'])})")
    if row["status"] != "ok":
        parts += [row["status"], f"/ {row['status_reason']}" if row["status_reason"] else ""]
    return " ".join(part for part in parts if part)


def _number(value: float) -> str:
    return f"{value:,.3g}" if abs(value) < MANY else f"{value:,.0f}"
