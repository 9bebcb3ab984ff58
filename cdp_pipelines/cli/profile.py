"""``cdp profile show``: one profile, pseudonymous; its values in clear only by an audited reveal."""

import os
from pathlib import Path
from typing import Annotated

import typer

from cdp_pipelines.cli import console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="One customer's profile.")


@app.callback()
def options() -> None:
    """One customer's profile."""


@app.command("show")
def show(
    identifier_file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help="File with a profile id, an e-mail address or a phone number; else it is asked for.",
        ),
    ] = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Show the values in clear; asks why and is audited.")
    ] = False,
    reason_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File with the reason for --reveal; else it is asked for."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show what is known of one customer.

    The identifier is asked for, piped in, or read from a file: arguments end up in the shell's history and in
    the list of processes, so it is never one.

    Examples:

      cdp profile show

      cdp profile show --identifier-file request.txt --reveal
    """
    from cdp_pipelines.installation import clock
    from cdp_pipelines.profiles import find_profile, profile_facts, reveal_profile

    identifier = _line(identifier_file, "Profile id, e-mail address or phone number")
    with console.installation() as opened:
        profile_id = find_profile(opened, identifier)
        facts = profile_facts(opened, profile_id)
        clear = None
        if reveal:
            reason = _line(reason_file, "Why do you need to see it? (kept in the audit log)", hide=False)
            if not reason:
                raise typer.BadParameter("a reveal needs a reason; nothing was shown.")
            clear = reveal_profile(opened, profile_id, actor=f"os:{os.getuid()}", reason=reason, now=clock())
    if as_json:
        console.print_json({**facts, **({"values": clear} if clear is not None else {})})
        return
    known = [[name, fact] for name, fact in facts["customer_360"].items() if fact is not None]
    console.print_table(f"Profile {profile_id} (times in UTC)", ["field", "value"], known)
    console.print_table("Records", ["source", "record", "linked by"], [list(row.values()) for row in facts["records"]])
    console.print_table(
        "Consent", ["purpose", "scope", "state", "since"], [list(row.values()) for row in facts["consent"]]
    )
    if clear is not None:
        columns = ["source", "record", "field", "value"]
        console.print_table("Values (this reveal is in the audit log)", columns, [list(row.values()) for row in clear])


def _line(file: Path | None, question: str, *, hide: bool = True) -> str:
    if file is not None:
        return file.read_text().strip()
    return console.ask(question, hide=hide)
