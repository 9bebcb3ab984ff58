"""``cdp audit``: prove that the audit log is whole."""

import typer

from cdp_pipelines.cli import console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="The audit log.")


@app.callback()
def options() -> None:
    """The audit log."""


@app.command("verify")
def verify() -> None:
    """Walk the chain of the audit log from its first entry and say whether anything was changed or removed.

    Example: cdp audit verify
    """
    from cdp_pipelines import database

    with console.installation() as opened:
        report = database.verify_audit(opened.stores.control, opened.ring)
    typer.echo(f"The audit log is whole: {report.entries:,} entries, each following from the one before.")
    typer.echo(
        f"Code of the last one: {report.last_code}. Note it with the number somewhere else: that the newest entries "
        "were cut off shows only there."
    )
