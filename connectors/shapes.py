"""What the fields of records look like: as the stream declares them, or not, and then whether they can be read anyway.

Names and JSON types only, never a value. A vendor's name of a field may say something about a person, so names nobody
declared are taken only if they look like names of fields, and only so many.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType, NoneType
from typing import Any

OTHER = "(other)"
"""Stands for every undeclared field whose name is not repeated."""
MOST_NAMES = 50
"""Undeclared names one pass over a stream tells apart."""
_MOST_SHAPES = 2_000
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,63}")
_MILLIS_FROM = 100_000_000_000
"""Epoch times from this number on are milliseconds: as seconds they would lie after the year 5000."""


class Kind(StrEnum):
    """What a field holds besides null."""

    TEXT = "text"
    TIME = "time as text"
    WHOLE = "whole number"
    NUMBER = "number"
    FLAG = "true or false"
    LIST = "list"
    OBJECT = "object"
    ANY = "anything"


JSON_TYPES: Mapping[type, str] = MappingProxyType(
    {
        str: "string", int: "integer", float: "number", bool: "boolean", list: "array", dict: "object",
        NoneType: "null",
    }
)  # fmt: skip
_HOLDS: Mapping[Kind, frozenset[type]] = {
    Kind.TEXT: frozenset({str}),
    Kind.TIME: frozenset({str}),
    Kind.WHOLE: frozenset({int}),
    Kind.NUMBER: frozenset({int, float}),
    Kind.FLAG: frozenset({bool}),
    Kind.LIST: frozenset({list}),
    Kind.OBJECT: frozenset({dict}),
    Kind.ANY: frozenset(JSON_TYPES),
}
_TEXTS = frozenset({str, NoneType})
_SINGLE = frozenset({Kind.TEXT, Kind.TIME, Kind.WHOLE, Kind.NUMBER, Kind.FLAG})


class _NoValue:
    """Stands for an empty list or object where a single value belongs: no field of an entity takes it.

    Left as it came it would be false, and a map would read "nothing there", which nobody has said.
    """

    def __str__(self) -> str:
        raise TypeError("no value")


NO_VALUE = _NoValue()


def fields(**names: str) -> Mapping[str, Kind]:
    """Fields by kind, names in words: ``fields(text="id name", time="createdAt")``."""
    return MappingProxyType({name: Kind[kind.upper()] for kind, of in names.items() for name in of.split()})


@dataclass(frozen=True, slots=True)
class Seen:
    """What fields some records had, in numbers of records.

    Attributes:
        present: By declared field, whatever it held. A text we asked for by name is called ``object.field``.
        odd: By field and JSON type, for fields nobody declared and for types that are not the declared one.
    """

    present: dict[str, int] = field(default_factory=dict)
    odd: dict[tuple[str, str], int] = field(default_factory=dict)

    def add(self, more: "Seen") -> None:
        """Count ``more`` records in."""
        for name, count in more.present.items():
            self.present[name] = self.present.get(name, 0) + count
        for key, count in more.odd.items():
            self.odd[key] = self.odd.get(key, 0) + count


@dataclass(slots=True)
class _Alike:
    """Records with the same fields: how many there were, and which fields are odd, by the types of all."""

    names: tuple[str, ...]
    records: int = 0
    odd: dict[tuple[type, ...], tuple[str, ...]] = field(default_factory=dict)


def _new(shapes: dict[tuple[str, ...], _Alike], record: Mapping[str, Any]) -> _Alike:
    names = tuple(record)
    return shapes.setdefault(names, _Alike(names))


class Shapes:
    """Looks at the fields of one stream's records; those that look alike are looked at once.

    Args:
        declared: Kind of each top-level field.
        texts_in: Field that holds an object of texts we asked for by name.
    """

    def __init__(self, declared: Mapping[str, Kind], texts_in: str | None = None) -> None:
        self._declared = declared
        self._texts_in = texts_in
        self._shapes: dict[tuple[str, ...], _Alike] = {}
        self._within: dict[tuple[str, ...], _Alike] = {}
        self._undeclared: set[str] = set()

    def take(self, records: Iterable[Any]) -> Seen:
        """Count the fields of ``records``; a re-typed one is made what it is declared to be, where it can be."""
        seen, texts_in = Seen(), self._texts_in
        for record in records:
            if type(record) is not dict:
                continue
            alike = self._shapes.get(tuple(record)) or _new(self._shapes, record)
            alike.records += 1
            held = tuple(map(type, record.values()))
            if (odd := alike.odd.get(held)) is None:
                odd = alike.odd[held] = self._odd(alike.names, held)
            for name in odd:
                self._repair(record, name, self._declared.get(name), seen)
            if texts_in is not None and type(texts := record.get(texts_in)) is dict:
                alike = self._within.get(tuple(texts)) or _new(self._within, texts)
                alike.records += 1
                if not _TEXTS.issuperset(map(type, texts.values())):
                    self._repair_texts(texts, seen)
        self._count(seen)
        return seen

    def _odd(self, names: tuple[str, ...], held: tuple[type, ...]) -> tuple[str, ...]:
        """Those of the fields that are not as declared."""
        return tuple(name for name, one in zip(names, held, strict=True) if not self._is_declared(name, one))

    def _is_declared(self, name: str, held: type) -> bool:
        kind = self._declared.get(name)
        return kind is not None and (held is NoneType or held in _HOLDS[kind])

    def _repair(self, holder: dict[str, Any], name: str, kind: Kind | None, seen: Seen, within: str = "") -> None:
        key = (within + self._told(name, kind), JSON_TYPES.get(type(holder[name]), "unknown"))
        seen.odd[key] = seen.odd.get(key, 0) + 1
        if kind is not None:
            holder[name] = coerced(holder[name], kind)

    def _repair_texts(self, texts: dict[str, Any], seen: Seen) -> None:
        for name in [name for name, value in texts.items() if type(value) not in _TEXTS]:
            self._repair(texts, name, Kind.TEXT, seen, within=f"{self._texts_in}.")

    def _count(self, seen: Seen) -> None:
        """Count the declared fields of the records just taken, and forget the shapes none of them had."""
        for within, shapes in (("", self._shapes), (f"{self._texts_in}.", self._within)):
            for names in [names for names, alike in shapes.items() if not alike.records]:
                del shapes[names]
            for alike in shapes.values():
                for name in alike.names if within else self._declared.keys() & alike.names:
                    seen.present[within + name] = seen.present.get(within + name, 0) + alike.records
                alike.records = 0
                if len(alike.odd) > _MOST_SHAPES:
                    alike.odd.clear()

    def _told(self, name: str, kind: Kind | None) -> str:
        """The name, unless nobody declared it and it may be a value, or one of too many."""
        if kind is not None or name in self._undeclared:
            return name
        if not _NAME.fullmatch(name) or len(self._undeclared) >= MOST_NAMES:
            return OTHER
        self._undeclared.add(name)
        return name


def coerced(value: Any, kind: Kind) -> Any:  # noqa: ANN401 - any JSON
    """``value`` as a field of ``kind`` holds it, where that is beyond doubt; else so that nobody takes it for one."""
    if type(value) in {list, dict} and not value and kind in _SINGLE:
        return NO_VALUE
    coerce = _COERCIONS.get((type(value), kind))
    try:
        return value if coerce is None else coerce(value)
    except (ValueError, OverflowError, OSError):
        return value


def _number_as_text(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _text_as_whole(value: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,18}", value):
        raise ValueError("no whole number")
    return int(value)


def _text_as_number(value: str) -> float:
    if not re.fullmatch(r"-?[0-9]{1,18}(\.[0-9]{1,18})?", value):
        raise ValueError("no number")
    return float(value)


def _number_as_whole(value: float) -> int:
    if value != int(value):
        raise ValueError("no whole number")
    return int(value)


def _epoch_as_text(value: float) -> str:
    seconds = value / 1000 if abs(value) >= _MILLIS_FROM else value
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _text_as_flag(value: str) -> bool | str:
    return value.lower() == "true" if value.lower() in {"true", "false"} else value


def _number_as_flag(value: int) -> bool | int:
    return bool(value) if value in {0, 1} else value


_COERCIONS: Mapping[tuple[type, Kind], Callable[[Any], Any]] = {
    (int, Kind.TEXT): str,
    (float, Kind.TEXT): _number_as_text,
    (bool, Kind.TEXT): lambda value: str(value).lower(),
    (int, Kind.TIME): _epoch_as_text,
    (float, Kind.TIME): _epoch_as_text,
    (str, Kind.WHOLE): _text_as_whole,
    (float, Kind.WHOLE): _number_as_whole,
    (str, Kind.NUMBER): _text_as_number,
    (str, Kind.FLAG): _text_as_flag,
    (int, Kind.FLAG): _number_as_flag,
}
"""What can be read beyond doubt, by the type that came and the kind that was declared."""
