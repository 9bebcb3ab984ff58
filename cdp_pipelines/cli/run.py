"""``cdp sync``, ``cdp run`` and ``cdp dev``: start work, here or in the Dagster UI."""

import os
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cdp_pipelines.cli import console

if TYPE_CHECKING:
    from cdp_pipelines.sync import SyncReport

WORKSPACE = Path(__file__).parents[2] / "workspace.yaml"


def sync(
    name: Annotated[str, typer.Argument(help="Name of the source, for example hubspot.")],
    stream: Annotated[list[str] | None, typer.Option(help="Only this stream; may be repeated.")] = None,
    since: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Read again from this day on (backfill).")
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again; goes on where an earlier one was stopped.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Read one system's changes into the lake.

    Examples:

      cdp sync hubspot

      cdp sync zendesk --stream tickets --since 2026-01-01

      cdp sync shopify --full
    """
    from datetime import UTC
    from functools import partial

    from cdp_pipelines.installation import clock
    from cdp_pipelines.source_run import outcome
    from cdp_pipelines.sync import refusal_of, sync_source, sync_whole

    if full and since:
        raise typer.BadParameter("--full reads everything, --since from a day on. Give one of them.")
    day = since.replace(tzinfo=UTC) if since else None
    if day and (refusal := refusal_of(day, now=clock())):
        raise typer.BadParameter(refusal)
    read = sync_whole if full else partial(sync_source, since=day)
    with console.installation() as opened, console.progress(f"Reading {name}") as progress:
        declaration, settings = opened.source(name)
        report, failure = outcome(
            lambda: read(
                declaration,
                settings,
                opened.sinks,
                token=opened.token(name),
                now=clock,
                streams=stream,
                progress=progress,
                retry_kind="manual",
            )
        )
    show_sync(report, as_json=as_json)
    if failure is not None:
        raise failure


def show_sync(report: "SyncReport", *, as_json: bool = False) -> None:
    """Print what a sync did, stream by stream."""
    columns = ["stream", "records", "written", "unchanged", "deleted", "quarantined", "requests", "seconds"]
    if as_json:
        shown = [*columns, "rereads", "notices", "drift", "error"]
        streams = [{column: getattr(s, column) for column in shown} for s in report.streams]
        limits = {"throttled_seconds": report.throttled_seconds, "binding": report.binding}
        console.print_json({"source": report.source, "run": report.run_id, "streams": streams, **limits})
        return
    rows = [[*(getattr(s, column) for column in columns[:-1]), round(s.seconds, 1)] for s in report.streams]
    headers = ["same" if column == "unchanged" else column for column in columns]  # eighty letters hold no longer one
    console.print_table(f"Sync of {report.source}: {report.requests} requests, {report.seconds:.1f} s", headers, rows)
    if report.binding is not None:
        waited = f"{report.throttled_seconds:.1f} s"
        typer.echo(f"Waited {waited} for the system, longest for its limit of {report.binding}.")
    for stream in report.streams:
        for notice in stream.notices:
            typer.echo(f"{stream.stream}: {notice}")
        if stream.drift:
            typer.echo(f"{stream.stream}: {'; '.join(change.sentence for change in stream.drift)}.")


def run(
    refresh_only: Annotated[
        bool, typer.Option("--refresh-only", help="Profiles and metrics only; read nothing.")
    ] = False,
) -> None:
    """Sync everything, then profiles, then metrics.

    It is one Dagster run, shown in the UI afterwards.

    Examples:

      cdp run

      cdp run --refresh-only
    """
    from cdp_pipelines.errors import ConfigError
    from cdp_pipelines.jobs import run_job

    settings = console.settings()
    if not refresh_only and not any(source.enabled for source in settings.sources.values()):
        problem = (
            "no system is connected, so there is nothing to sync. Add a section [sources.NAME] and run again; for "
            "profiles and metrics from what the lake holds: cdp run --refresh-only"
        )
        raise ConfigError(settings.path, [problem])
    with console.progress("Running") as progress:
        job = "refresh" if refresh_only else "everything"
        report = run_job(job, settings, progress=lambda step: progress(step, None))
    rows = [[step, round(seconds, 1)] for step, seconds in report.steps.items()]
    console.print_table(f"Done in {report.seconds:.1f} s", ["step", "seconds"], rows)
    for check in report.failed_checks:
        typer.echo(f"Look at this check: {check}")
    typer.echo("See the result with: cdp metrics list, or open the UI with: cdp dev")


def dev(
    port: Annotated[int, typer.Option(help="Port of the UI on this machine.")] = 3000,
) -> None:
    """Open the Dagster UI on this machine.

    It shows assets, runs and checks, and schedules ready to switch on.

    Example: cdp dev --port 3001
    """
    from cdp_pipelines.jobs import environment

    settings = console.settings()
    typer.echo(f"The UI opens on http://127.0.0.1:{port}. It has no login, so it listens on this machine only.")
    # Dagster's own notice that it would like to be started by another tool is not for the operator.
    python = [sys.executable, "-W", "ignore:Function `dev_command`"]
    command = [*python, "-m", "dagster", "dev", "-w", str(WORKSPACE), "-h", "127.0.0.1", "-p", str(port)]
    os.execve(sys.executable, command, environment(settings))  # noqa: S606 - our own interpreter
