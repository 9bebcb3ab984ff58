"""From an entity class to everything that follows from it: Arrow schema, validation, protection plan.

A personal field ``email`` becomes the column ``email`` (ciphertext, binary). If it has a matching rule it
also becomes ``email_token`` (one token) or, for a list field, ``other_emails_tokens`` (a list of tokens).
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pyarrow as pa
from pydantic import AwareDatetime
from pydantic_core import SchemaValidator
from pydantic_core.core_schema import CoreConfig

from models.fields import Entity, Fact, Match, Personal

TOKEN = pa.binary()
UTC = pa.timestamp("us", tz="UTC")
_LARGEST = 2**63 - 1

SYSTEM_COLUMNS: dict[str, tuple[pa.DataType, str]] = {
    "subject_id": (pa.binary(16), "Whom the row is about; chooses the key its personal values are encrypted with"),
    "read_at": (UTC, "When we read the record from the source"),
    "run_id": (pa.string(), "The sync run that wrote the row"),
    "digest": (pa.binary(16), "Keyed digest of the clear row; equal digests mean nothing changed"),
    "commit_seq": (pa.int64(), "Order in which the lake wrote the rows of a table"),
}
"""Columns the pipeline adds to every row: name to (type, meaning)."""

_ARROW: dict[type, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    datetime: UTC,
}


@dataclass(frozen=True, slots=True)
class FieldPlan:
    """What is known of one field.

    Attributes:
        name: Field name.
        type: Python type of one value, without ``None`` and without ``list``.
        is_list: Whether the field holds a list of such values.
        nullable: Whether it may be missing.
        mark: ``Fact`` or ``Personal``.
    """

    name: str
    type: type
    is_list: bool
    nullable: bool
    mark: Fact | Personal

    @property
    def match(self) -> Match | None:
        """The matching rule, if the field has one."""
        return self.mark.match if isinstance(self.mark, Personal) else None

    @property
    def token_column(self) -> str | None:
        """Name of the token column, if the field has one."""
        if self.match is None:
            return None
        return f"{self.name}_tokens" if self.is_list else f"{self.name}_token"


@cache
def fields(entity: type[Entity]) -> tuple[FieldPlan, ...]:
    """The fields of ``entity`` in order.

    Raises:
        TypeError: A field carries no mark, or two, or has a type with no column type.
    """
    return tuple(_plan(entity, name) for name in entity.model_fields)


def personal_fields(entity: type[Entity]) -> tuple[FieldPlan, ...]:
    """The fields of ``entity`` that must never be stored in clear."""
    return tuple(plan for plan in fields(entity) if isinstance(plan.mark, Personal))


def fact_fields(entity: type[Entity]) -> tuple[FieldPlan, ...]:
    """The fields of ``entity`` that are stored as they are."""
    return tuple(plan for plan in fields(entity) if isinstance(plan.mark, Fact))


@cache
def arrow_schema(entity: type[Entity]) -> pa.Schema:
    """Schema of the protected rows of ``entity``: facts, ciphertexts, tokens, system columns."""
    columns: list[pa.Field] = []
    for plan in fields(entity):
        columns.append(pa.field(plan.name, _column_type(plan), nullable=plan.nullable))
        if plan.token_column is not None:
            columns.append(pa.field(plan.token_column, pa.list_(TOKEN) if plan.is_list else TOKEN))
    columns += [pa.field(name, kind, nullable=False) for name, (kind, _) in SYSTEM_COLUMNS.items()]
    return pa.schema(columns)


def statistics_columns(entity: type[Entity]) -> tuple[str, ...]:
    """Columns that may have minimum and maximum in the files: keys and times, never values."""
    times = tuple(plan.name for plan in fact_fields(entity) if plan.type is datetime)
    return ("source", "source_id", *times, "read_at", "commit_seq")


@cache
def validator(entity: type[Entity]) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Validator that turns a mapped row into a typed row with defaults.

    It checks what the class declares but returns a dict, because building an object for each row costs as
    much again as the check.

    Raises (when called):
        pydantic.ValidationError: The row is not as declared; the message quotes no value.
        ValueError: A whole number is larger than its column holds; the message quotes no value.
    """
    schema = entity.__pydantic_core_schema__["schema"]  # the fields below the object itself
    config = CoreConfig(extra_fields_behavior="forbid", hide_input_in_errors=True)
    validate = SchemaValidator(schema, config).validate_python
    wholes = tuple(plan.name for plan in fields(entity) if plan.type is int)

    def checked(row: dict[str, Any]) -> dict[str, Any]:
        values: dict[str, Any] = validate(row)[0]
        if wholes and any(abs(values[name] or 0) > _LARGEST for name in wholes):
            raise ValueError("a whole number is too large to be kept")
        return values

    return checked


def _plan(entity: type[Entity], name: str) -> FieldPlan:
    info = entity.model_fields[name]
    marks = [mark for mark in info.metadata if isinstance(mark, Fact | Personal)]
    if len(marks) != 1:
        raise TypeError(f"{entity.__name__}.{name} carries {len(marks)} marks; give it one Fact or Personal.")
    kind, is_list, nullable = _unwrap(info.annotation)
    if kind not in _ARROW:
        raise TypeError(f"{entity.__name__}.{name} has type {kind}, which has no column type.")
    return FieldPlan(name=name, type=kind, is_list=is_list, nullable=nullable, mark=marks[0])


def _unwrap(annotation: Any) -> tuple[type, bool, bool]:  # noqa: ANN401 - any annotation may come
    """The type of one value, whether the field is a list, and whether it may be None."""
    if get_origin(annotation) in (Union, UnionType):
        inner = [arg for arg in get_args(annotation) if arg is not NoneType]
        kind, is_list, _ = _unwrap(inner[0])
        return kind, is_list, len(inner) < len(get_args(annotation))
    if get_origin(annotation) is list:
        return _unwrap(get_args(annotation)[0])[0], True, False
    if get_origin(annotation) is Literal:
        return type(get_args(annotation)[0]), False, False
    return (datetime if annotation is AwareDatetime else annotation), False, False


def _column_type(plan: FieldPlan) -> pa.DataType:
    if isinstance(plan.mark, Personal):
        return pa.binary()
    return pa.list_(_ARROW[plan.type]) if plan.is_list else _ARROW[plan.type]
