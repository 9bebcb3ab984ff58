"""``cdp doctor``: look over an installation and say what should be put right."""

from typing import Annotated

import typer

from cdp_pipelines.cli import console


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Look over an installation: keys, stores, lake, disk.

    Warnings do not fail; problems do.

    Example: cdp doctor
    """
    from cdp_pipelines.doctor import examine
    from cdp_pipelines.errors import DoctorError

    findings = examine(console.settings())
    if as_json:
        console.print_json([{"level": f.level, "subject": f.subject, "sentence": f.sentence} for f in findings])
    else:
        console.print_table("Doctor", ["", "subject", "finding"], [[f.level, f.subject, f.sentence] for f in findings])
    problems = sum(f.level == "problem" for f in findings)
    if problems:
        raise DoctorError(problems)
