"""``cdp sweep``: find what a system deleted without telling anybody."""

import os
from typing import TYPE_CHECKING, Annotated

import typer

from cdp_pipelines.cli import console

if TYPE_CHECKING:
    from cdp_pipelines.sweeping import SweptSource


def sweep(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    stream: Annotated[list[str] | None, typer.Option(help="Only this stream; may be repeated.")] = None,
    minutes: Annotated[
        int | None, typer.Option(min=1, help="Stop after so many minutes; the next run goes on there.")
    ] = None,
    accept: Annotated[
        bool, typer.Option("--accept", help="Believe that the many records an earlier sweep found gone are gone.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Find records that vanished from a system without a word, and read those that were missed.

    It takes a small share of the system's budget (sweep_share in cdp.toml), may run beside syncs, and goes on where
    it was stopped.

    Examples:

      cdp sweep hubspot

      cdp sweep zendesk --stream users --minutes 30

      cdp sweep hubspot --stream contacts --accept
    """
    from datetime import timedelta

    from cdp_pipelines import database
    from cdp_pipelines.installation import clock
    from cdp_pipelines.source_run import outcome
    from cdp_pipelines.sweeping import Wanted, sweep_source

    longest = timedelta(minutes=minutes) if minutes else None
    wanted = Wanted(streams=stream or None, longest=longest, accept=accept)
    with console.installation() as opened, console.progress(f"Sweeping {name}") as progress:
        declaration, settings = opened.source(name)
        for one in ([declaration.stream(each).name for each in stream] if stream else ["all"]) if accept else ():
            detail = {"source": name, "stream": one}
            database.record_audit(
                opened.stores.control, opened.ring, actor=f"os:{os.getuid()}", action="sweep_accepted", detail=detail
            )
        report, failure = outcome(
            lambda: sweep_source(
                declaration,
                settings,
                opened.sinks,
                token=opened.token(name),
                now=clock,
                wanted=wanted,
                progress=progress,
            )
        )
    _show(report, as_json=as_json)
    if failure is not None:
        raise failure


def _show(report: "SweptSource", *, as_json: bool) -> None:
    """Print what a sweep did, stream by stream."""
    columns = ["stream", "compared", "of", "gone", "reread", "is_round"]
    if as_json:
        streams = [
            {
                **{column: getattr(s, column) for column in [*columns, "notice", "error"]},
                "refused": sum(part.gone for part in s.refused),
            }
            for s in report.streams
        ]
        console.print_json({"source": report.source, "run": report.run_id, "streams": streams})
        return
    if not report.streams:
        typer.echo(f"{report.source}: nothing to sweep; its syncs show what is gone.")
        return
    rows = [[getattr(s, column) for column in columns] for s in report.streams]
    names = ["stream", "compared", "of", "gone", "read again", "round over"]
    console.print_table(f"Sweep of {report.source}: {report.requests} requests, {report.seconds:.1f} s", names, rows)
    for stream in report.streams:
        for sentence in (stream.notice, stream.refusal(report.source)):
            if sentence:
                typer.echo(f"{stream.stream}: {sentence}" if sentence is stream.notice else sentence)
