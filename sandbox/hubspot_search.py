"""HubSpot's search: filters, one sort, offsets up to 10,000, never archived records."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import orjson

from sandbox.hubspot_errors import invalid
from sandbox.hubspot_objects import names_for, property_value, render
from sandbox.hubspot_properties import CREATED, MODIFIED, kind_of, unknown_kind
from sandbox.records import CrmObject
from sandbox.times import parse_millis
from sandbox.web import Request, Response, Router, reply

if TYPE_CHECKING:
    from sandbox.world import World

router = Router()

MOST_RESULTS, PAGE, GROUPS, FILTERS, FILTERS_IN_ALL = 10_000, 200, 5, 6, 18
Test = Callable[[CrmObject], bool]
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "EQ": lambda a, b: a == b,
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
}


class BadSearchError(ValueError):
    """The body asks for something search does not do; the text goes into the vendor's 400."""


@router.on("POST", "/crm/v3/objects/{kind}/search")
def search(world: "World", request: Request, name: str) -> Response:
    """One page of matches; ``after`` is an offset."""
    kind, body = kind_of(name), request.json()
    if kind is None:
        return unknown_kind(name)
    try:
        limit, offset = int(body.get("limit") or 10), int(body.get("after") or 0)
        if not 1 <= limit <= PAGE or offset + limit > MOST_RESULTS:
            return invalid(
                f"limit is at most {PAGE}, and paging through more than {MOST_RESULTS} results is not supported",
                None,
                "after",
            )
        matches = _matches(world, kind, body)
    except BadSearchError as bad:
        return invalid(str(bad))
    names = names_for(kind, body.get("properties") or ())
    page: dict[str, object] = {
        "total": len(matches),
        "results": [render(kind, o, names) for o in matches[offset : offset + limit]],
    }
    if len(matches) > offset + limit:
        page["paging"] = {"next": {"after": str(offset + limit)}}
    return reply(page)


def _matches(world: "World", kind: str, body: dict[str, Any]) -> list[CrmObject]:
    """All matches in order; remembered until the world changes, because paging asks for them again and again."""
    groups = body.get("filterGroups") or ([{"filters": body["filters"]}] if body.get("filters") else [])
    sorts = body.get("sorts") or []
    key = orjson.dumps([kind, groups, sorts, body.get("query")])
    if world.search_memory.get("key") != (key, world.version):
        world.search_memory = {
            "key": (key, world.version),
            "found": _run(world, kind, groups, sorts, body.get("query")),
        }
    found: list[CrmObject] = world.search_memory["found"]
    return found


def _run(world: "World", kind: str, groups: list[Any], sorts: list[Any], query: str | None) -> list[CrmObject]:
    _check_size(groups, sorts)
    tests = [[_test(kind, entry) for entry in group.get("filters", [])] for group in groups]
    records = world.live[kind].records
    if tests:
        records = [o for o in records if any(all(test(o) for test in group) for group in tests)]
    if query:
        words = query.lower()
        records = [o for o in records if any(words in value.lower() for value in o.props.values())]
    if sorts:
        records = _sorted(kind, records, sorts[0])
    return records


def _check_size(groups: list[Any], sorts: list[Any]) -> None:
    sizes = [len(group.get("filters", [])) for group in groups]
    if len(groups) > GROUPS or any(size > FILTERS for size in sizes) or sum(sizes) > FILTERS_IN_ALL:
        message = f"at most {GROUPS} filterGroups, {FILTERS} filters in each and {FILTERS_IN_ALL} in all"
        raise BadSearchError(message)
    if len(sorts) > 1:
        message = "at most one sort"
        raise BadSearchError(message)


def _sorted(kind: str, records: list[CrmObject], sort: Any) -> list[CrmObject]:  # noqa: ANN401 - a string or an object
    name, down = (
        (sort, False) if isinstance(sort, str) else (sort.get("propertyName"), sort.get("direction") == "DESCENDING")
    )
    get = _getter(kind, name)
    # Records without the property come last, whichever the direction.
    having = sorted(((v, o) for o in records if (v := get(o)) is not None), key=lambda pair: pair[0], reverse=down)
    return [o for _, o in having] + [o for o in records if get(o) is None]


def _getter(kind: str, name: str) -> Callable[[CrmObject], Any]:
    """A property in a form that compares as HubSpot compares it: ids and times as numbers, the rest as text."""
    if name == "hs_object_id":
        return lambda o: int(o.id)
    if name == MODIFIED.get(kind, "hs_lastmodifieddate"):
        return lambda o: o.updated
    if name == CREATED.get(kind, "hs_createdate"):
        return lambda o: o.created

    def text(obj: CrmObject) -> str | None:
        value = property_value(kind, obj, name)
        return value.lower() if value else None

    return text


def _operand(kind: str, name: str, value: object) -> Any:  # noqa: ANN401 - a number or a text
    if name == "hs_object_id" or name in {
        MODIFIED.get(kind, "hs_lastmodifieddate"),
        CREATED.get(kind, "hs_createdate"),
    }:
        number = parse_millis(str(value))
        if number is None:
            message = f"{value} is not a valid value for {name}"
            raise BadSearchError(message)
        return number
    return str(value).lower()


def _test(kind: str, entry: dict[str, Any]) -> Test:  # noqa: PLR0911 - one form per kind of operator
    name, operator = str(entry.get("propertyName")), str(entry.get("operator"))
    get = _getter(kind, name)
    if operator == "HAS_PROPERTY":
        return lambda o: get(o) is not None
    if operator == "NOT_HAS_PROPERTY":
        return lambda o: get(o) is None
    if operator in {"IN", "NOT_IN"}:
        values = {_operand(kind, name, value) for value in entry.get("values") or ()}
        return (lambda o: get(o) in values) if operator == "IN" else (lambda o: get(o) not in values)
    value = _operand(kind, name, entry.get("value"))
    if operator == "NEQ":
        return lambda o: get(o) != value
    if operator == "BETWEEN":
        high = _operand(kind, name, entry.get("highValue"))
        return lambda o: (v := get(o)) is not None and value <= v <= high
    if operator in {"CONTAINS_TOKEN", "NOT_CONTAINS_TOKEN"}:
        token, wanted = str(value).strip("*"), operator == "CONTAINS_TOKEN"
        return lambda o: (token in str(get(o) or "")) == wanted
    if operator not in _COMPARE:
        message = f"{operator} is not an operator"
        raise BadSearchError(message)
    compare = _COMPARE[operator]
    return lambda o: (v := get(o)) is not None and compare(v, value)
