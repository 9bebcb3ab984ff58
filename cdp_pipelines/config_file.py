"""Editing cdp.toml, where a command has to: as little as possible, and only if the outcome is what was meant."""

import os
import re
import tomllib
from contextlib import suppress
from pathlib import Path

_HEADER = re.compile(r"\s*\[{1,2}\s*[\w.\"' -]+\s*\]{1,2}\s*(#.*)?")


def comment_out_source(path: Path, name: str) -> bool:
    """Put a mark before every line of ``[sources.NAME]`` and of the sections below it, so that it is set no more.

    Returns:
        Whether the file does not set the source any more. False: it is written in a way that is left to a person.
    """
    text = path.read_text(encoding="utf-8")
    before = tomllib.loads(text)
    sources = before.get("sources", {})
    if name not in sources:
        return True
    edited = _without(text, name)
    expected = {**before, "sources": {key: value for key, value in sources.items() if key != name}}
    try:
        found = tomllib.loads(edited)
    except tomllib.TOMLDecodeError:
        return False
    if {**found, "sources": found.get("sources", {})} != expected:
        return False
    try:
        _replace(path.resolve(), edited)
    except OSError:  # the folder belongs to somebody else, or the file is mounted
        return False
    return True


def _without(text: str, name: str) -> str:
    own = re.compile(rf"\s*\[\s*[\"']?sources[\"']?\s*\.\s*[\"']?{re.escape(name)}[\"']?\s*[.\]]")
    lines, inside = [], False
    for line in text.splitlines(keepends=True):
        if _HEADER.fullmatch(line.rstrip("\n")):
            inside = own.match(line) is not None
        is_set = inside and line.strip() and not line.lstrip().startswith("#")
        lines.append(f"# {line}" if is_set else line)
    return "".join(lines)


def _replace(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.new")
    try:
        fresh.write_text(text, encoding="utf-8")
        fresh.chmod(path.stat().st_mode & 0o777)
        with fresh.open("rb") as file:
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
