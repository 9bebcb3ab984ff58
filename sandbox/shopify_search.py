"""The vendor's search language, as far as syncs use it: ``updated_at:>='…' AND NOT status:cancelled``.

A field the vendor does not know, or a value it cannot read, matches everything and is named in a warning: a typing
error in a filter brings the whole list.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.times import DAY_SECONDS, parse_millis

Test = Callable[[Any], bool]
_TOKEN = re.compile(
    r"""\s*(?:
        (?P<open>\() | (?P<close>\)) | (?P<word>AND|OR|NOT)(?=[\s()]|$) |
        (?P<minus>-)?(?:(?P<name>\w+):(?P<op>>=|<=|>|<)?)?(?P<value>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^\s()]+)
    )""",
    re.VERBOSE,
)


def _always(_record: object) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Times:
    """A filter on a time in epoch seconds."""

    of: Callable[[Any], int | None]


@dataclass(frozen=True, slots=True)
class Numbers:
    """A filter on a whole number."""

    of: Callable[[Any], int]


@dataclass(frozen=True, slots=True)
class Words:
    """A filter on one of several texts, whatever the case; "any" matches everything."""

    of: Callable[[Any], tuple[str, ...]]


Filter = Times | Numbers | Words


@dataclass(slots=True)
class Search:
    """A parsed query: the test and what was wrong with it."""

    test: Test = _always
    warnings: list[dict[str, str]] = field(default_factory=list)


class _Parser:
    def __init__(self, text: str, filters: dict[str, Filter]) -> None:
        self._tokens = [match for match in _TOKEN.finditer(text) if match.group().strip()]
        self._filters, self._at = filters, 0
        self.warnings: list[dict[str, str]] = []

    def _next(self, kind: str, value: str | None = None) -> bool:
        """Take the next token if it is of this kind."""
        if self._at >= len(self._tokens):
            return False
        found = self._tokens[self._at].group(kind)
        if found is None or (value and found != value):
            return False
        self._at += 1
        return True

    def either(self) -> Test:
        tests = [self._both()]
        while self._next("word", "OR"):
            tests.append(self._both())
        return tests[0] if len(tests) == 1 else lambda record: any(test(record) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._at < len(self._tokens):
            token = self._tokens[self._at]
            if token.group("close") or token.group("word") == "OR":
                break
            self._next("word", "AND")
            tests.append(self._one())
        return tests[0] if len(tests) == 1 else lambda record: all(test(record) for test in tests)

    def _one(self) -> Test:
        if self._next("word", "NOT"):
            inner = self._one()
            return lambda record: not inner(record)
        if self._next("open"):
            group = self.either()
            self._next("close")
            return group
        if self._at >= len(self._tokens):
            return _always
        token = self._tokens[self._at]
        self._at += 1
        test = self._term(token.group("name"), token.group("op") or "", token.group("value") or "")
        return (lambda record: not test(record)) if token.group("minus") else test

    def _term(self, name: str | None, op: str, raw: str) -> Test:
        value = raw[1:-1] if raw[:1] in {"'", '"'} else raw
        known = self._filters.get(name or "default")
        if known is None:
            return self._warn(name or "default", "Invalid search field for this query.", "invalid_field")
        test = _compare(known, op, value)
        return test or self._warn(name or "default", f"Input `{value}` is not an accepted value.", "invalid_value")

    def _warn(self, name: str, message: str, code: str) -> Test:
        self.warnings.append({"field": name, "message": message, "code": code})
        return _always


def _compare(known: Filter, op: str, value: str) -> Test | None:
    """The test of one term; None when the value is none."""
    if isinstance(known, Words):
        words, of_words = set(value.lower().split(",")), known.of
        return _always if "any" in words else lambda record: not words.isdisjoint(of_words(record))
    if isinstance(known, Numbers):
        numbers = [int(part) for part in value.rpartition("/")[2].split(",") if part.lstrip("-").isdigit()]
        return _numeric(known.of, op, numbers) if numbers else None
    span = _span(value)
    return _timed(known.of, op, *span) if span else None


def _numeric(of: Callable[[Any], int], op: str, numbers: list[int]) -> Test:
    if not op:
        wanted = frozenset(numbers)
        return lambda record: of(record) in wanted
    return _timed(of, op, numbers[0], numbers[0])


def _span(value: str) -> tuple[int, int] | None:
    """First and last second that a time means: a date means its whole day."""
    millis = parse_millis(value)
    if millis is None or value.isdigit():
        return None
    start = millis // 1000
    return (start, start + DAY_SECONDS - 1) if len(value) == len("2026-01-31") else (start, start)


def _timed(of: Callable[[Any], int | None], op: str, first: int, last: int) -> Test:
    low = {">": last + 1, ">=": first, "": first}.get(op)
    high = {"<": first - 1, "<=": last, "": last}.get(op)

    def test(record: Any) -> bool:  # noqa: ANN401 - a record of any kind
        at = of(record)
        return at is not None and (low is None or at >= low) and (high is None or at <= high)

    return test


def parse(text: str, filters: dict[str, Filter]) -> Search:
    """What ``text`` asks for, given the filters of the connection."""
    if not text.strip():
        return Search()
    parser = _Parser(text, filters)
    test = parser.either()
    return Search(test, parser.warnings)
