"""``cdp sources``: which systems are connected, whether their access works, and their credentials."""

import asyncio
import os
from pathlib import Path
from typing import Annotated, Any

import typer

from cdp_pipelines.cli import console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The systems that are connected.")


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
    console.print_table("Sources (times in UTC)", columns, [[row[column] for column in columns] for row in rows])


@app.command("check")
def check(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Ask the system, with one cheap request per stream, whether our access is enough.

    Example: cdp sources check hubspot
    """
    from cdp_pipelines.errors import CheckFailedError
    from cdp_pipelines.installation import clock
    from connectors.connection import Connection

    with console.installation() as opened:
        declaration, settings = opened.source(name)
        token = opened.token(name)

    async def ask() -> Any:
        async with Connection(
            declaration,
            token=token,
            account=settings.account,
            base_url=settings.base_url,
            rate_scale=settings.rate_scale,
            options=settings.options,
            clock=clock,
        ) as connection:
            return await connection.check()

    result = asyncio.run(ask())
    if as_json:
        console.print_json({"source": name, "ok": result.ok, "sentence": result.sentence})
    elif result.ok:
        typer.echo(result.sentence)
    if not result.ok:
        raise CheckFailedError(result.sentence, rerun_helps=result.rerun_helps)


@app.command("login")
def login(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File that holds the credential; else it is asked for."),
    ] = None,
) -> None:
    """Keep a system's credential in the vault, encrypted. It is asked for, never given as an argument.

    Example: cdp sources login hubspot
    """
    from cdp_pipelines import database

    with console.installation() as opened:
        opened.source(name)
        secret = file.read_text().strip() if file else typer.prompt(f"Credential of {name}", hide_input=True)
        database.set_credential(opened.stores, opened.ring, name, secret)
        database.record_audit(
            opened.stores.control, opened.ring, actor=_actor(), action="credential_set", detail={"source": name}
        )
    typer.echo(f"The credential of {name} is in the vault. Now run: cdp sources check {name}")


def _actor() -> str:
    return f"os:{os.getuid()}"
