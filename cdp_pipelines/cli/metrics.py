"""``cdp metrics``: what is measured, and the latest values with their intervals and status."""

from typing import Annotated

import typer

from cdp_pipelines.cli import console

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
    columns = ["metric", "period", "value", "interval", "n", "status", "unit"]
    console.print_table("Metrics (latest month, all channels)", columns, [_cells(row) for row in rows])


@app.command("show")
def show(
    metric: Annotated[str, typer.Argument(help="Id of the metric, for example csat.")],
    grain: Annotated[str, typer.Option(help="day, week, month, asof or roll90.")] = "month",
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
    typer.echo(f"{found['name']}: {found['definition']}")
    columns = ["period", "channel", "slice", "stat", "value", "interval", "n", "status"]
    rows = [[*(row[c] for c in ("period", "channel", "slice", "stat")), *_cells(row)[2:6]] for row in found["values"]]
    console.print_table(f"{metric} by {grain}", columns, rows)


def _cells(row: dict[str, object]) -> list[object]:
    low, high = row["ci_low"], row["ci_high"]
    interval = f"{_number(low)} to {_number(high)}" if low is not None else ""
    status = row["status"] if row["status_reason"] is None else f"{row['status']} / {row['status_reason']}"
    return [row.get("metric_id"), row["period"], _number(row["value"]), interval, row["n"], status, row["unit"]]


def _number(value: object) -> str:
    return "" if value is None else f"{float(str(value)):,.3g}"
