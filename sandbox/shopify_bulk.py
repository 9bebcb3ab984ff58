"""Bulk operations: a query without pages, its steps, and the file of JSON lines that it leaves.

The world's clock stands still, so an operation makes a step each time somebody looks at it.
"""

import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

import orjson
from graphql import FragmentDefinitionNode, OperationType, get_operation_ast

from sandbox.shopify_graphql import check
from sandbox.shopify_paging import RefusedQueryError
from sandbox.shopify_plans import Call, Getter, Maker, PlanError, Selection, compile_operation
from sandbox.web import Request, Response

if TYPE_CHECKING:
    from sandbox.switches import Switches
    from sandbox.world import World

NUMBERS = count(4_510_000_000_001)
"""Ids of operations: no two shops have one in common."""
MOST_AT_ONCE, MOST_CONNECTIONS, DEEPEST = 5, 5, 2
URL_LIVES, OPERATION_LIVES = 7 * 86_400, 10 * 86_400
UNFINISHED = frozenset({"CREATED", "RUNNING", "CANCELING"})
Payload = tuple["Operation | None", list[tuple[str, list[str] | None, str]]]
Line = tuple[dict[str, Any], int]


@dataclass(slots=True)
class Operation:
    """One bulk query. ``file`` is its result, ``key`` what makes the address of the file hard to guess."""

    id: int
    query: str
    created: int
    plan: Selection
    grouped: bool
    origin: str
    polls: int
    key: str = field(default_factory=lambda: secrets.token_hex(16))
    status: str = "CREATED"
    error_code: str | None = None
    objects: int = 0
    roots: int = 0
    size: int | None = None
    completed: int | None = None
    url: str | None = None
    partial_url: str | None = None
    file: bytes = b""


class BulkOperations:
    """The operations of one app in one shop."""

    def __init__(self, world: "World") -> None:
        """None yet."""
        self._world = world
        self._operations: dict[int, Operation] = {}

    def start(self, call: Call, text: str, *, grouped: bool) -> Payload:
        """Check a query as the vendor does and take it on."""
        try:
            plan = _plan(call, text)
        except (PlanError, RefusedQueryError) as error:
            return None, [("INVALID", ["query"], f"Invalid bulk query: {error}")]
        running = [o for o in self._operations.values() if o.status in UNFINISHED]
        if len(running) >= MOST_AT_ONCE:
            message = f"A bulk query operation for this app and shop is already in progress: {running[0].id}."
            return None, [("OPERATION_IN_PROGRESS", None, message)]
        number = next(NUMBERS)
        visit: Visit = call.context
        operation = Operation(
            number, text, self._world.clock, plan, grouped, visit.origin, max(1, visit.switches.bulk_polls)
        )
        self._operations[number] = operation
        return operation, []

    def look(self, number: int, switches: "Switches") -> Operation | None:
        """The operation after its next step."""
        operation = self._operations.get(number)
        if operation and operation.status in UNFINISHED:
            self._step(operation, switches)
        if operation and operation.completed and self._world.clock > operation.completed + URL_LIVES:
            operation.url, operation.partial_url, operation.file = None, None, b""
        return operation

    def latest(self, switches: "Switches") -> Operation | None:
        """The one that was started last."""
        return self.look(max(self._operations), switches) if self._operations else None

    def cancel(self, number: int) -> Payload:
        """Ask an operation to stop."""
        operation = self._operations.get(number)
        if operation is None:
            return None, [("", ["id"], "Bulk operation does not exist")]
        if operation.status not in UNFINISHED:
            return operation, [("", None, "A bulk operation cannot be canceled when it is " + operation.status.lower())]
        operation.status = "CANCELING"
        return operation, []

    def _step(self, operation: Operation, switches: "Switches") -> None:
        if operation.status == "CANCELING":
            self._end(operation, "CANCELED")
        elif switches.bulk == "stuck":
            operation.status = "RUNNING"
            if self._world.clock > operation.created + OPERATION_LIVES:
                self._end(operation, "FAILED", "TIMEOUT")
        elif operation.polls:
            operation.status, operation.polls = "RUNNING", operation.polls - 1
        else:
            self._finish(operation, fails=switches.bulk == "fails")

    def _finish(self, operation: Operation, *, fails: bool) -> None:
        if operation.plan.call.errors:
            self._end(operation, "FAILED", "ACCESS_DENIED")
            return
        lines, operation.roots = _lines(operation)
        if fails:
            lines = lines[: len(lines) // 2]
        operation.objects, operation.file = len(lines), b"".join(line + b"\n" for line in lines)
        operation.size = len(operation.file)
        url = f"{operation.origin}/bulk/{operation.id}-{operation.key}.jsonl" if lines else None
        if fails:
            operation.partial_url = url
            self._end(operation, "FAILED", "INTERNAL_SERVER_ERROR")
        else:
            operation.url = url
            self._end(operation, "COMPLETED")

    def _end(self, operation: Operation, status: str, error_code: str | None = None) -> None:
        operation.status, operation.error_code, operation.completed = status, error_code, self._world.clock

    def download(self, _world: "World", _request: Request, name: str) -> Response:
        """The file, for whoever has its address."""
        for operation in self._operations.values():
            if name == f"{operation.id}-{operation.key}.jsonl" and operation.file:
                return Response(200, operation.file, {"content-type": "application/jsonl"})
        body = b"<?xml version='1.0' encoding='UTF-8'?><Error><Code>AccessDenied</Code></Error>"
        return Response(403, body, {"content-type": "application/xml; charset=UTF-8"})


@dataclass(frozen=True, slots=True)
class Visit:
    """What fields know about the request they belong to."""

    bulk: BulkOperations
    switches: "Switches"
    origin: str
    version: str

    def operation(self, number: int) -> Operation | None:
        """A bulk operation, one step further."""
        return self.bulk.look(number, self.switches)


def _plan(call: Call, text: str) -> Selection:
    """The compiled query.

    Raises:
        PlanError: It is none that can run in bulk.
    """
    visit: Visit = call.context
    document, problems = check(text, visit.version)
    if document is None or problems:
        raise PlanError(problems[0].message)
    operation = get_operation_ast(document)
    if operation is None or operation.operation is not OperationType.QUERY:
        raise PlanError("Only one query operation is allowed.")
    fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
    inner = Call(call.world, call.schema, call.fields, fragments, {}, call.scopes, bulk=True, context=visit)
    plan = compile_operation(inner, operation)
    if inner.errors:  # whoever lacks a scope learns it from the operation
        return plan
    if plan.getters or len(plan.children) != 1:
        raise PlanError("The bulk query must contain exactly one connection at the top level.")
    count, depth = _size(plan)
    if count > MOST_CONNECTIONS or depth - 1 > DEEPEST:
        raise PlanError(f"At most {MOST_CONNECTIONS} connections, nested {DEEPEST} levels deep, are allowed.")
    return plan


def _size(selection: Selection) -> tuple[int, int]:
    """Connections below, and how deep they go."""
    below = [_size(child) for _, child in selection.children]
    return len(below) + sum(count for count, _ in below), max((depth + 1 for _, depth in below), default=0)


def _lines(operation: Operation) -> tuple[list[bytes], int]:
    """The file's lines and how many of them are roots; ungrouped ones come kind by kind, as they were found."""
    ((get, selection),) = operation.plan.children
    roots = get(None).records
    if operation.grouped:
        rows: Iterable[Line] = (row for record in roots for row in _family(selection, record, None, 0))
    else:
        rows = sorted((row for r in roots for row in _family(selection, r, None, 0)), key=lambda row: row[1])
    return [orjson.dumps(row) for row, _ in rows], len(roots)


def _family(selection: Selection, record: Any, parent: str | None, depth: int) -> Iterator[Line]:  # noqa: ANN401
    """A record and everything below it, with the depth."""
    row = selection(record)
    if parent is not None:
        row["__parentId"] = parent
    yield row, depth
    for get, child in selection.children:
        for one in get(record).records:
            yield from _family(child, one, row["id"], depth + 1)


def _run_query(call: Call, args: dict[str, Any]) -> Getter:
    visit: Visit = call.context
    return lambda _root: visit.bulk.start(call, args["query"], grouped=args["groupObjects"])


def _cancel(call: Call, args: dict[str, Any]) -> Getter:
    visit: Visit = call.context
    number = args["id"].rpartition("/")[2]
    return lambda _root: visit.bulk.cancel(int(number) if number.isdigit() else 0)


def _current(call: Call, _args: dict[str, Any]) -> Getter:
    visit: Visit = call.context
    return lambda _root: visit.bulk.latest(visit.switches)


MADE: dict[tuple[str, str], Maker] = {
    ("Mutation", "bulkOperationRunQuery"): _run_query,
    ("Mutation", "bulkOperationCancel"): _cancel,
    ("QueryRoot", "currentBulkOperation"): _current,
}
