"""The root command and the one place where an error becomes a sentence on stderr and an exit code."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cdp_pipelines.cli import (
    alerts,
    audit,
    console,
    doctor,
    identity,
    init,
    metrics,
    profile,
    quarantine,
    run,
    sandbox,
    scan,
    sources,
    sweep,
)

WRONG_USE, _INTERRUPTED = 2, 130

app = typer.Typer(
    name="cdp",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A customer data platform you run yourself: sync, resolve, protect, measure.\n\n"
    "Examples:\n\n  cdp init\n\n  cdp sources connect hubspot\n\n  cdp run\n\n  cdp metrics show csat",
)
app.command("init")(init.init)
app.add_typer(sources.app, name="sources")
app.add_typer(quarantine.app, name="quarantine")
app.command("sync")(run.sync)
app.command("sweep")(sweep.sweep)
app.command("run")(run.run)
app.command("dev")(run.dev)
app.add_typer(profile.app, name="profile")
app.add_typer(identity.app, name="identity")
app.add_typer(metrics.app, name="metrics")
app.add_typer(audit.app, name="audit")
app.add_typer(alerts.app, name="alerts")
app.command("scan")(scan.scan)
app.add_typer(sandbox.app, name="sandbox")
app.command("doctor")(doctor.doctor)


@app.callback()
def options(
    config: Annotated[
        Path | None, typer.Option(help="Configuration file. Default: CDP_CONFIG, then ./cdp.toml.")
    ] = None,
) -> None:
    """Options that stand before any command."""
    console.CONFIG.path = config


def main() -> None:
    """Run ``cdp``; exits with 0 or with the code of the error (see docs/errors.md)."""
    if {"sync", "sweep"}.intersection(sys.argv[1:]):
        from cdp_pipelines.lean import start_lean

        start_lean()
    sys.exit(execute())


def execute(arguments: Sequence[str] | None = None) -> int:
    """Run ``cdp`` and return the exit code, having said any error in one sentence on stderr."""
    try:
        result = app(args=list(arguments) if arguments is not None else None, prog_name="cdp", standalone_mode=False)
    except KeyboardInterrupt:
        result = _INTERRUPTED
    except typer.Abort:
        return _say("Stopped; nothing was changed.", _INTERRUPTED)
    except typer.TyperException as error:  # wrong arguments: it shows the usage itself
        error.show()  # type: ignore[attr-defined]  # every error of parsing has it
        return WRONG_USE
    except Exception as error:  # noqa: BLE001 - the last border before the user
        return _failed(error)
    if result == _INTERRUPTED:  # typer makes a code of Ctrl-C by itself
        return _say("Stopped. What was read is kept; run the same command again to go on.", _INTERRUPTED)
    return result if isinstance(result, int) else 0


def _failed(error: Exception) -> int:
    from cdp_pipelines.border import sentence
    from cdp_pipelines.errors import exit_code

    return _say(sentence(error), exit_code(error))


def _say(sentence: str, code: int) -> int:
    typer.echo(sentence, err=True)
    return code
