"""``cdp scan``: look for personal values in clear in everything this installation has written."""

from pathlib import Path
from typing import Annotated

import typer

from cdp_pipelines.cli import console


def scan(
    values: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File with values to look for, one 'kind<TAB>value' per line."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Look for personal values in clear in all we wrote.

    Everything is decoded first; nothing is found when all is well.

    Without --values, a sample of the stored customers is decrypted in memory and searched for, besides
    anything shaped like an e-mail address or a phone number.

    Examples:

      cdp scan

      cdp scan --values known-values.tsv
    """
    from cdp_pipelines.errors import LeakFoundError
    from cdp_pipelines.leaks import find_leaks

    given = None if values is None else _pairs(values)
    with console.installation() as opened, console.progress("Scanning") as progress:
        report = find_leaks(
            opened, values=given, progress=lambda done, of: progress("percent", 100 * done // max(of, 1))
        )
    columns = ["path", "place", "kind", "form", "count"]
    findings = [[getattr(f, column) for column in columns] for f in report.findings]
    if as_json:
        rows = [dict(zip(columns, row, strict=True)) for row in findings]
        console.print_json({"ok": report.ok, "files": report.files, "findings": rows, "undecoded": report.skipped})
    elif findings:
        console.print_table("Values in clear", columns, findings)
    if not report.ok:
        raise LeakFoundError(len(report.findings), len(report.skipped))
    if not as_json:
        typer.echo(f"Nothing found in {report.files} files ({report.bytes / 1e6:,.0f} MB, {report.values:,} values).")


def _pairs(file: Path) -> list[tuple[str, str]]:
    """Kind and value of each line that is not empty; a line that is read as nothing would be looked for nowhere."""
    lines = [(number, line) for number, line in enumerate(_text(file).splitlines(), start=1) if line.strip()]
    pairs = [(number, *line.partition("\t")[::2]) for number, line in lines]
    wrong = [str(number) for number, kind, value in pairs if not kind.strip() or not value.strip()]
    if wrong or not pairs:
        where = f"line {wrong[0]} is not" if wrong else "it holds none"
        raise typer.BadParameter(
            f"--values: write one kind, a tab and a value per line, for example email<TAB>anna@example.com; {where}. "
            "Nothing was scanned."
        )
    return [(kind, value) for _, kind, value in pairs]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise typer.BadParameter("--values: the file is not UTF-8 text. Save it as UTF-8.") from None
