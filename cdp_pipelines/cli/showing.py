"""How the result of a check is shown: by ``cdp sources check`` and after an account was connected."""

from typing import TYPE_CHECKING, Any

import typer

from cdp_pipelines.cli import console

if TYPE_CHECKING:
    from cdp_pipelines.access import Access
    from connectors.estimate import Estimate

_SHORT_HOURS = 0.1


def access_data(access: "Access") -> dict[str, Any]:
    """The result for programs; null is what the system does not say."""
    data: dict[str, Any] = {
        "ok": access.result.ok,
        "sentence": access.result.sentence,
        "details": access.result.details,
        "warnings": access.result.warnings,
    }
    if access.estimate is not None:
        data["first_load"] = {
            "streams": [
                {"stream": size.stream, "records": size.records, "requests": size.requests}
                for size in access.estimate.streams
            ],
            "hours": round(access.estimate.hours, 2),
        }
    return data


def show_access(access: "Access") -> None:
    """The result for people."""
    typer.echo(access.result.sentence)
    for line in (*access.result.warnings, *access.result.details):
        typer.echo(line)
    if access.estimate is not None:
        _show_estimate(access.estimate)


def _show_estimate(estimate: "Estimate") -> None:
    if len(estimate.unknown) == len(estimate.streams):
        typer.echo("How much a first load would read is unknown: the system does not say.")
        return
    rows = [[size.stream, _known(size.records), _known(size.requests)] for size in estimate.streams]
    console.print_table("First load, as far as the system says", ["stream", "records", "requests"], rows)
    hours = f"{estimate.hours:.1f} hours" if estimate.hours >= _SHORT_HOURS else "a few minutes"
    also = f" Unknown: {', '.join(estimate.unknown)}." if estimate.unknown else ""
    typer.echo(
        f"A first load reads at least {estimate.records:,} records in {estimate.requests:,} requests; under the "
        f"system's limits that takes {hours} or more.{also}"
    )


def _known(number: int | None) -> str:
    return "unknown" if number is None else f"{number:,}"
