"""``cdp sources``: which systems are connected, and whether their access works."""

from typing import Annotated

import typer

from cdp_pipelines.cli import connect, console, remove

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The systems that are connected.")
app.command("connect")(connect.connect)
app.command("remove")(remove.remove)


@app.command("list")
def list_sources(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List every system we can connect, and what of it is set up.

    Example: cdp sources list
    """
    from cdp_pipelines import database

    with console.installation() as opened:
        rows = database.source_overview(opened.stores.control, opened.settings)
    if as_json:
        console.print_json(rows)
        return
    columns = ["source", "configured", "schedule", "last run", "status", "records", "in quarantine"]
    for row in rows:
        row["last run"] = str(row["last run"] or "")[:16].replace("T", " ")
    headers = ["source", "set up", *columns[2:-1], "quarantined"]  # eighty letters hold no longer ones
    console.print_table("Sources (times in UTC)", headers, [[row[column] for column in columns] for row in rows])


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Ask the system whether our access is enough, and how much a first load would read.

    A few cheap requests; a number the system does not give cheaply is said to be unknown.

    Example: cdp sources check hubspot
    """
    from cdp_pipelines.access import check_access
    from cdp_pipelines.cli import showing
    from cdp_pipelines.errors import CheckFailedError

    with console.installation() as opened:
        access = check_access(opened, name)
    if as_json:
        console.print_json({"source": name, **showing.access_data(access)})
    elif access.result.ok:
        showing.show_access(access)
    if not access.result.ok:
        raise CheckFailedError(access.result.sentence, rerun_helps=access.result.rerun_helps)
