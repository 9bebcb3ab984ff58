"""``cdp sources remove``: take a system's access away, and with ``--purge`` everything it brought."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cdp_pipelines.cli import console

if TYPE_CHECKING:
    from cdp_pipelines.installation import Installation


def remove(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    purge: Annotated[bool, typer.Option("--purge", help="Take away all that the system brought, too.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Take a system's access away: the credential, the section in cdp.toml, the schedule.

    What it brought stays, unless --purge: then its rows in the lake with their older versions, the keys no other
    system needs, cursors, quarantine, ledger, runs go as well, and profiles are worked out anew by the next refresh.
    Nothing brings them back. After a crash, run it again.

    Examples:

      cdp sources remove hubspot

      cdp sources remove hubspot --purge
    """
    from connectors.registry import source

    source(name)
    with console.installation() as opened:
        if purge:
            _purge(opened, name, yes=yes)
        else:
            _remove(opened, name, yes=yes)


def _remove(opened: "Installation", name: str, *, yes: bool) -> None:
    from cdp_pipelines.removal import remove_access

    _ask(f"Take the credential, the settings and the schedule of {name} away? What it brought stays.", yes=yes)
    _audit(opened, "source_removed", name)
    by_hand = remove_access(opened, name)
    typer.echo(f"The credential and the schedule of {name} are gone; what it brought is kept (--purge takes it away).")
    _say_rest(by_hand, name)


def _purge(opened: "Installation", name: str, *, yes: bool) -> None:
    from cdp_pipelines.removal import holdings, purge

    counts = holdings(opened, name)
    console.print_table(f"What goes with {name}", ["what", "rows"], [[what, count] for what, count in counts.items()])
    _ask(f"Take all of it away? It cannot be brought back but by reading {name} again.", yes=yes)
    _audit(opened, "source_purge_begun", name)
    removed = purge(opened, name)
    _audit(opened, "source_purged", name, rows=sum(removed.holdings.values()))
    typer.echo(f"Nothing of {name} is left. Work profiles and metrics out anew with: cdp run --refresh-only")
    _say_rest(removed.by_hand, name)


def _ask(question: str, *, yes: bool) -> None:
    if not yes:
        typer.confirm(question, abort=True)


def _audit(opened: "Installation", action: str, name: str, **counts: int) -> None:
    from cdp_pipelines import database

    database.record_audit(
        opened.stores.control,
        opened.ring,
        actor=f"os:{os.getuid()}",
        action=action,
        detail={"source": name, **counts},
    )


def _say_rest(by_hand: tuple[str, ...], name: str) -> None:
    from cdp_pipelines.credentials import token_variable

    for sentence in by_hand:
        typer.echo(sentence)
    if os.environ.get(token_variable(name)):
        typer.echo(f"Unset {token_variable(name)}; it is no longer used. Withdraw our access at the vendor, too.")
    else:
        typer.echo("Withdraw our access at the vendor, too.")
