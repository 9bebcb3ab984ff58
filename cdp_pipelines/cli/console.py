"""What the commands share: the chosen configuration, the opened installation, tables and progress."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from cdp_pipelines.config import Settings
    from cdp_pipelines.installation import Installation


PIPED_WIDTH = 120
"""Characters per line where there is no terminal to ask."""


@dataclass(slots=True)
class _Chosen:
    path: Path | None = None


CONFIG = _Chosen()
"""The configuration file named before the command, if any."""


def settings() -> "Settings":
    """The settings of the chosen configuration."""
    from cdp_pipelines.config import load_settings

    return load_settings(CONFIG.path)


@contextmanager
def installation() -> Iterator["Installation"]:
    """The opened installation of the chosen configuration."""
    from cdp_pipelines.installation import open_installation

    with open_installation(settings()) as opened:
        yield opened


def ask(question: str, *, hide: bool = True) -> str:
    """The answer to a question: typed on the terminal, not echoed where ``hide``, or the next line of what is piped."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    return str(typer.prompt(question, hide_input=hide)).strip()


def print_json(data: object) -> None:
    """Print data for programs."""
    import orjson

    typer.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2, default=str).decode())


_LONGEST_NAME = 60
"""What is longer, like the path of a file, is broken rather than cut off."""


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str = "") -> None:
    """Print data for people, as wide as the terminal (or ``COLUMNS``); a first column of names is never broken.

    Where there are no rows, ``empty`` is said instead.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    if not rows:
        typer.echo(empty or f"{title}: none.")
        return
    table = Table(header_style="bold", box=None, padding=(0, 1, 0, 0), pad_edge=False)
    names = all(len(str(row[0])) <= _LONGEST_NAME for row in rows)
    for place, column in enumerate(columns):
        numeric = all(isinstance(row[place], int | float | None) for row in rows)
        table.add_column(column, justify="right" if numeric else "left", overflow="fold", no_wrap=names and place == 0)
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    out = Console(width=width, highlight=False, markup=False, emoji=False)
    out.print(Text(title, style="bold"))  # not the table's own, which is broken where the table is narrower
    out.print(table)


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return "" if value is None else str(value)


@contextmanager
def progress(what: str) -> Iterator["Any"]:
    """A function ``(part, count)`` that shows how far long work has come: a live line, or nothing when piped.

    Parts that are worked on at the same time are all shown. ``count`` is None where nothing is counted and one part
    follows the other.
    """
    from rich.console import Console

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda _part, _count: None
        return
    counts: dict[str, int] = {}

    def tell(part: str, count: int | None) -> None:
        if count is not None:
            counts[part] = count
        shown = part if count is None else ", ".join(f"{name} {done:,}" for name, done in counts.items())
        status.update(f"{what}: {shown}")

    with console.status(what) as status:
        yield tell
