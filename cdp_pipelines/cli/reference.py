"""``python -m cdp_pipelines.cli.reference``: writes docs/cli.md from the commands; ``--check`` compares instead."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from cdp_pipelines.cli.main import app

PATH = Path(__file__).parents[2] / "docs" / "cli.md"

_HEAD = """\
# The command line

Generated from the commands themselves by `python -m cdp_pipelines.cli.reference`; `make docs` compares.
Exit codes are in [errors.md](errors.md). `--config FILE` stands before the command: `cdp --config FILE run`.
Identifiers of people and credentials are never arguments: they are asked for, piped in, or read from a file.
"""


def render() -> str:
    """The whole page."""
    root = typer.main.get_command(app)
    return "\n".join([_HEAD, *(_section(path, command) for path, command in commands(root, "cdp"))])


def commands(command: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Every command below ``command`` with its full name, in the order of the help."""
    below = getattr(command, "commands", None)
    if below is None:
        yield path, command
        return
    for name, child in below.items():
        yield from commands(child, f"{path} {name}")


def _section(path: str, command: Any) -> str:
    text = "\n\n".join(_paragraphs(command.help))
    rows = [f"| `{_name(parameter)}` | {_about(parameter)} |" for parameter in command.params if _is_own(parameter)]
    table = ["| | |", "| --- | --- |", *rows, ""] if rows else []
    return "\n".join([f"## {path}\n", f"{text}\n", *table])


def _paragraphs(text: str) -> Iterator[str]:
    """The help's paragraphs, with examples as code."""
    examples = False
    for paragraph in text.split("\n\n"):
        words = " ".join(paragraph.split())
        before, marker, after = words.partition("Example: ")
        if marker:
            yield f"{before}Example: `{after}`"
        elif examples:
            yield f"    {words}"
        else:
            yield words
        examples = examples or words.endswith("Examples:")


def _is_own(parameter: Any) -> bool:
    return str(parameter.name) != "help"


def _name(parameter: Any) -> str:
    return parameter.opts[0] if parameter.param_type_name == "option" else str(parameter.name).upper()


def _about(parameter: Any) -> str:
    text = parameter.help or ""
    default = parameter.default
    if isinstance(default, int | float | str) and not isinstance(default, bool) and default != "":
        return f"{text} Default: {default}."
    return text


if __name__ == "__main__":
    if "--check" not in sys.argv[1:]:
        PATH.write_text(render(), encoding="utf-8")
    elif not PATH.exists() or PATH.read_text(encoding="utf-8") != render():
        sys.exit("docs/cli.md is not what the commands say. Run: python -m cdp_pipelines.cli.reference")
