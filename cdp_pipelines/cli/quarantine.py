"""``cdp quarantine``: records that could not be mapped, by reference, and asking for them again."""

from typing import Annotated

import typer

from cdp_pipelines.cli import console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Records that could not be mapped.")

_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
_COLUMNS = ["source", "stream", "record", "what is wrong", "attempts", "first seen", "last seen"]


@app.command("list")
def list_records(
    source: Annotated[str | None, typer.Option(help="Only records of this system.")] = None,
    stream: Annotated[str | None, typer.Option(help="Only records of this stream; needs --source.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many to show, those that wait longest first.")] = 100,
    as_json: _Json = False,
) -> None:
    """Show which records wait, by the id they have in their system, and what is wrong with each. Never a value.

    `missing:status` says that the field is not there, `invalid:at:datetime_parsing` that it is there and cannot be
    read; docs/quarantine.md lists all. Look a record up in its system by its id.

    Examples:

      cdp quarantine list

      cdp quarantine list --source zendesk --stream tickets --json
    """
    from cdp_pipelines import database
    from cdp_pipelines.quarantine import streams_named

    if stream is not None and source is None:
        raise typer.BadParameter("--stream needs --source, because two systems may have a stream of that name.")
    streams_named(source, stream)
    with console.installation() as opened:
        count, rows = database.quarantine_list(opened.stores.control, source=source, stream=stream, limit=limit)
    if as_json:
        console.print_json({"waiting": count, "records": rows})
        return
    table = [
        [
            *(row[name] for name in ("source", "stream", "record_id", "error_class", "attempts")),
            *(f"{row[name]:%Y-%m-%d %H:%M}" for name in ("first_seen", "last_seen")),
        ]
        for row in rows
    ]
    wait = "1 record waits" if count == 1 else f"{count:,} records wait"
    of = f" of {source}" if source else ""
    console.print_table(
        f"{wait} in quarantine (times in UTC)", _COLUMNS, table, empty=f"No record{of} waits in quarantine."
    )
    if count > len(rows):
        typer.echo(f"{count - len(rows):,} more are not shown; see them with: cdp quarantine list --limit {count}")


@app.command("retry")
def retry(
    source: Annotated[str | None, typer.Argument(help="Only this system, for example hubspot.")] = None,
    stream: Annotated[str | None, typer.Argument(help="Only this stream of it, for example contacts.")] = None,
    as_json: _Json = False,
) -> None:
    """Ask the systems now for the records that wait, one by one named, and read nothing else.

    Every sync does so by itself; this is for those who have just repaired something. Where a system cannot be asked
    for single records, it says what meets them instead.

    Examples:

      cdp quarantine retry

      cdp quarantine retry zendesk tickets
    """
    from cdp_pipelines import quarantine
    from cdp_pipelines.errors import JobFailedError, rerun_helps
    from cdp_pipelines.installation import clock

    with console.installation() as opened, console.progress("Asking again") as progress:
        outcomes, failures = quarantine.retry(opened, source=source, stream=stream, now=clock, progress=progress)
    if as_json:
        columns = ("source", "stream", "asked", "recovered", "waiting", "advice")
        console.print_json([{column: getattr(one, column) for column in columns} for one in outcomes])
    elif not outcomes:
        typer.echo("No record waits in quarantine.")
    else:
        rows = [[one.source, one.stream, one.asked, one.recovered, one.waiting] for one in outcomes]
        console.print_table("Asked again", ["source", "stream", "asked for", "recovered", "still waiting"], rows)
        for one in outcomes:
            if one.advice:
                typer.echo(one.advice)
    if len(failures) == 1:
        raise failures[0]
    if failures:
        raise JobFailedError("quarantine retry", list(map(str, failures)), rerun_helps=all(map(rerun_helps, failures)))
