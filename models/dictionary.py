"""The data dictionary: every field of every entity and every column of every table, from their classes.

``python -m models.dictionary`` writes ``docs/data-dictionary.md``; a test compares the file with ``render()``.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from sqlalchemy import Column, Table
from sqlmodel import SQLModel

from models import ENTITIES
from models.derive import SYSTEM_COLUMNS, FieldPlan, fields
from models.fields import Entity, Personal
from models.tables import STORES, ControlTable, MartTable, ProfileTable, VaultTable

PATH: Final = Path(__file__).parents[1] / "docs" / "data-dictionary.md"

_TITLES: Final = {
    "control": "Control store: where syncs stand, what ran, what people decided, what was done",
    "vault": "Vault: keys, suppressed identifiers, credentials",
    "profile": "Profile store: one row per profile and what hangs on it. Pseudonymous, still personal data",
    "mart": "Mart: metrics, no personal data",
}

_INTRODUCTION: Final = """\
# Data dictionary

Generated from the classes in `models/` by `python -m models.dictionary`; do not edit.

A **fact** is stored as it is.
A **personal** value is stored encrypted under the key of the row's subject; where a matching rule is named, a token
of the normalised value stands beside it in `<field>_token` (or `<field>_tokens` for a list).
Times are in UTC.
"""


def render() -> str:
    """The whole dictionary as Markdown."""
    parts = [_INTRODUCTION, "## Lake: facts about people, as append-only tables\n"]
    parts += [_entity(entity) for entity in ENTITIES]
    parts.append(_system_columns())
    for store, metadata in STORES.items():
        parts.append(f"## {_TITLES[store]}\n")
        parts += [_table(model_of(table)) for table in metadata.tables.values()]
    return "\n".join(parts)


def model_of(table: Table) -> type[SQLModel]:
    """The class a table was made from."""
    return next(
        model for model in table_models() if model.__tablename__ == table.name and model.metadata is table.metadata
    )


def table_models() -> Iterator[type[SQLModel]]:
    """Every class with a table, store by store."""
    for base in (ControlTable, VaultTable, ProfileTable, MartTable):
        yield from base.__subclasses__()


def columns_of(model: type[SQLModel]) -> Iterator[tuple[Column[object], str | None]]:
    """The columns of a class's table with their descriptions."""
    table: Table = model.__table__  # type: ignore[attr-defined]
    for name, field in model.model_fields.items():
        yield table.c[name.rstrip("_")], field.description


def _entity(entity: type[Entity]) -> str:
    about = " or, if that is missing, ".join(f"the {ref.kind} in `{ref.field}`" for ref in entity.__subject__)
    lines = [
        f"### {entity.__entity__}\n",
        f"{_first_paragraph(entity)}\n",
        f"{entity.__grain__}. Subject: {about or 'the row itself'}.\n",
        "| field | type | kind | meaning |",
        "| --- | --- | --- | --- |",
    ]
    lines += [f"| `{plan.name}` | {_type(plan)} | {_kind(plan)} | {_meaning(plan)} |" for plan in fields(entity)]
    return "\n".join(lines) + "\n"


def _type(plan: FieldPlan) -> str:
    name = f"list of {plan.type.__name__}" if plan.is_list else plan.type.__name__
    return f"{name}, optional" if plan.nullable else name


def _kind(plan: FieldPlan) -> str:
    if not isinstance(plan.mark, Personal):
        return "fact"
    match = f", matched as {plan.mark.match}" if plan.mark.match else ""
    return f"**personal**: {plan.mark.category}{match}"


def _meaning(plan: FieldPlan) -> str:
    unit = None if isinstance(plan.mark, Personal) else plan.mark.unit
    return f"{plan.mark.meaning} ({unit})" if unit else plan.mark.meaning


def _system_columns() -> str:
    lines = ["### Columns of every lake table\n", "| column | type | meaning |", "| --- | --- | --- |"]
    lines += [f"| `{name}` | {kind} | {meaning} |" for name, (kind, meaning) in SYSTEM_COLUMNS.items()]
    return "\n".join(lines) + "\n"


def _table(model: type[SQLModel]) -> str:
    lines = [
        f"### {model.__tablename__}\n",
        f"{_first_paragraph(model)}\n",
        "| column | type | meaning |",
        "| --- | --- | --- |",
    ]
    lines += [f"| `{column.name}`{_key(column)} | {_sql_type(column)} | {text} |" for column, text in columns_of(model)]
    return "\n".join(lines) + "\n"


def _key(column: Column[object]) -> str:
    return " (key)" if column.primary_key else ""


def _sql_type(column: Column[object]) -> str:
    kind = type(column.type).__name__.removesuffix("AutoString") or "text"
    names = {"UtcDateTime": "time", "LargeBinary": "bytes", "Integer": "int", "BigInteger": "int", "Float": "float"}
    name = names.get(kind, kind.lower())
    return f"{name}, optional" if column.nullable else name


def _first_paragraph(model: type[SQLModel]) -> str:
    return " ".join((model.__doc__ or "").split("\n\n")[0].split())


if __name__ == "__main__":
    if "--check" in sys.argv[1:]:
        if PATH.read_text(encoding="utf-8") != render():
            raise SystemExit(f"{PATH} is not what the classes say. Write it anew: python -m models.dictionary")
    else:
        PATH.write_text(render(), encoding="utf-8")
