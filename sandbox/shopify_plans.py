"""Queries, compiled into plain functions: validated once by graphql-core, then run over thousands of records cheaply.

graphql-core's own execution costs some twenty microseconds per value, which a listing of orders notices. A plan is a
dictionary of getters per selection; its price is known before it runs (``Plan.requested``) and counted while it runs.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLField,
    GraphQLInterfaceType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    get_named_type,
    is_list_type,
    is_nullable_type,
)
from graphql.execution.values import get_argument_values, get_directive_values
from graphql.type import GraphQLIncludeDirective, GraphQLSkipDirective

from sandbox.shopify_paging import Listing, cut, size_of

if TYPE_CHECKING:
    from sandbox.world import World

Getter = Callable[[Any], Any]
Maker = Callable[["Call", dict[str, Any]], Getter]
Path = tuple[str, ...]
PLAIN_LIST = 10
"""What a list that is no connection counts as when the query does not say how much of it."""


@dataclass(frozen=True, slots=True)
class Fields:
    """How values are found: ``plain`` by type and field, ``made`` from call and arguments; and the scopes needed."""

    plain: Mapping[str, Mapping[str, Getter]]
    made: Mapping[tuple[str, str], Maker]
    scopes: Mapping[str, str]
    type_of: Callable[[Any], str]


@dataclass(slots=True)
class Call:
    """One query with what it is run in. ``counted`` is the actual cost so far, ``errors`` what was denied."""

    world: "World"
    schema: GraphQLSchema
    fields: Fields
    fragments: dict[str, FragmentDefinitionNode]
    variables: dict[str, Any]
    scopes: frozenset[str]
    bulk: bool = False
    context: Any = None
    counted: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True)
class Selection:
    """The fields asked of one type; ``children`` are the connections that bulk operations put on lines of their own."""

    call: Call
    getters: list[tuple[str, Getter]]
    cost: int
    children: list[tuple[Getter, "Selection"]] = field(default_factory=list)

    def __call__(self, record: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever the type is made of
        """The JSON of one record."""
        self.call.counted += 1
        return {key: get(record) for key, get in self.getters}


class PlanError(ValueError):
    """A query outside of what bulk operations take; the text is the vendor's."""


def _none(_record: object) -> None:
    return None


def compile_operation(call: Call, operation: OperationDefinitionNode) -> Selection:
    """A plan for one operation."""
    root = call.schema.get_root_type(operation.operation)
    if root is None:  # Validation has refused such a query before.
        raise PlanError("Schema is not configured for this operation.")
    return _select(call, root, [operation.selection_set], ())


def _select(call: Call, parent: GraphQLObjectType, sets: Sequence[SelectionSetNode], path: Path) -> Selection:
    grouped: dict[str, list[FieldNode]] = {}
    for selection_set in sets:
        _collect(call, parent, selection_set, grouped)
    selection = Selection(call, [], 0)
    for key, nodes in grouped.items():
        _add(call, selection, parent, key, nodes, (*path, key))
    return selection


def _collect(
    call: Call, parent: GraphQLObjectType, selection_set: SelectionSetNode, grouped: dict[str, list[FieldNode]]
) -> None:
    """Fields by the key they are answered under, fragments resolved for ``parent``."""
    for node in selection_set.selections:
        if not _included(call, node):
            continue
        if isinstance(node, FieldNode):
            key = node.alias.value if node.alias else node.name.value
            grouped.setdefault(key, []).append(node)
        elif isinstance(node, InlineFragmentNode):
            condition = getattr(node, "type_condition", None)  # the library's types forget that there may be none
            if condition is None or _is_a(call, parent, condition.name.value):
                _collect(call, parent, node.selection_set, grouped)
        elif isinstance(node, FragmentSpreadNode):
            fragment = call.fragments[node.name.value]
            if _is_a(call, parent, fragment.type_condition.name.value):
                _collect(call, parent, fragment.selection_set, grouped)


def _included(call: Call, node: Any) -> bool:  # noqa: ANN401 - any selection
    skip = get_directive_values(GraphQLSkipDirective, node, call.variables)
    include = get_directive_values(GraphQLIncludeDirective, node, call.variables)
    return not (skip and skip["if"]) and not (include and not include["if"])


def _is_a(call: Call, parent: GraphQLObjectType, name: str) -> bool:
    wanted = call.schema.type_map[name]
    return parent is wanted or (isinstance(wanted, GraphQLInterfaceType) and call.schema.is_sub_type(wanted, parent))


def _add(
    call: Call, selection: Selection, parent: GraphQLObjectType, key: str, nodes: list[FieldNode], path: Path
) -> None:
    name = nodes[0].name.value
    if name == "__typename":
        selection.getters.append((key, lambda _record: parent.name))
        return
    definition = parent.fields[name]
    named = get_named_type(definition.type)
    if _is_denied(call, parent.name, name, named.name, nodes[0], path):
        selection.getters.append((key, _none))
        return
    args = get_argument_values(definition, nodes[0], call.variables)
    get = _getter_of(call, parent.name, name, args)
    sets = [node.selection_set for node in nodes if node.selection_set]
    if named.name.endswith("Connection") and isinstance(named, GraphQLObjectType):
        _connect(call, selection, (key, get), named, sets, args, path)
        return
    cost = 0
    if isinstance(named, (GraphQLObjectType, GraphQLInterfaceType)):
        inner, cost = _object(call, named, sets, path)
        if isinstance(inner, Selection) and inner.children:
            raise PlanError("Queries that contain a connection field within a list field are not supported.")
        if is_list_type(_bare(definition)) and "first" in definition.args:
            cost *= args.get("first") or PLAIN_LIST
        get = _completed(definition, get, inner)
    selection.getters.append((key, get))
    selection.cost += cost


def _bare(definition: GraphQLField) -> Any:  # noqa: ANN401 - any output type
    kind = definition.type
    return kind.of_type if isinstance(kind, GraphQLNonNull) else kind


def _is_denied(call: Call, parent: str, name: str, returned: str, node: FieldNode, path: Path) -> bool:
    """Whether the token lacks the scope of what a field returns; said once, where the query asks for it."""
    scope = call.fields.scopes.get(returned) or call.fields.scopes.get(f"{parent}.{name}")
    if scope is None or scope in call.scopes or parent.endswith(("Connection", "Edge")):
        return False
    where = node.loc.source.get_location(node.loc.start) if node.loc else None
    call.errors.append(
        {
            "message": f"Access denied for {name} field. Required access: `{scope}` access scope.",
            "locations": [{"line": where.line, "column": where.column}] if where else [],
            "path": list(path),
            "extensions": {
                "code": "ACCESS_DENIED",
                "documentation": "https://shopify.dev/api/usage/access-scopes",
                "requiredAccess": f"`{scope}` access scope.",
            },
        }
    )
    return True


def _getter_of(call: Call, parent: str, name: str, args: dict[str, Any]) -> Getter:
    if maker := call.fields.made.get((parent, name)):
        return maker(call, args)
    if parent.endswith("Connection"):
        return call.fields.plain["Connection"][name]
    if parent.endswith("Edge"):
        return call.fields.plain["Edge"][name]
    return call.fields.plain[parent][name]


def _object(
    call: Call, named: GraphQLObjectType | GraphQLInterfaceType, sets: Sequence[SelectionSetNode], path: Path
) -> tuple[Getter, int]:
    """How objects of a type are rendered and what each costs; an interface costs what its dearest type costs."""
    free = named.name.endswith(("Edge", "PageInfo"))
    if isinstance(named, GraphQLObjectType):
        selection = _select(call, named, sets, path)
        if free:
            return _uncounted(selection), selection.cost
        return selection, selection.cost + 1
    kinds = {kind.name: _select(call, kind, sets, path) for kind in call.schema.get_possible_types(named)}
    type_of = call.fields.type_of
    return lambda record: kinds[type_of(record)](record), max(kind.cost for kind in kinds.values()) + 1


def _uncounted(selection: Selection) -> Getter:
    getters = selection.getters
    return lambda record: {key: get(record) for key, get in getters}


def _completed(definition: GraphQLField, get: Getter, inner: Getter) -> Getter:
    bare = _bare(definition)
    if isinstance(bare, GraphQLList):
        if is_nullable_type(bare.of_type):
            return lambda record: [None if one is None else inner(one) for one in get(record)]
        return lambda record: [inner(one) for one in get(record)]

    def one(record: Any) -> Any:  # noqa: ANN401 - any record
        value = get(record)
        return None if value is None else inner(value)

    return one


def _connect(
    call: Call,
    selection: Selection,
    named_getter: tuple[str, Getter],
    kind: GraphQLObjectType,
    sets: Sequence[SelectionSetNode],
    args: dict[str, Any],
    path: Path,
) -> None:
    key, get = named_getter
    if call.bulk:
        selection.children.append((get, _nodes(call, kind, sets, path)))
        return
    size = size_of(args, path)
    inner = _select(call, kind, sets, path)
    render = _uncounted(inner)

    def page(record: Any) -> Any:  # noqa: ANN401 - any record
        listing: Listing = get(record)
        call.counted += 2
        return render(cut(listing, args, path))

    selection.getters.append((key, page))
    selection.cost += 2 + size * inner.cost


def _nodes(call: Call, kind: GraphQLObjectType, sets: Sequence[SelectionSetNode], path: Path) -> Selection:
    """What a bulk query asks of the records of a connection, whether by ``edges { node }`` or by ``nodes``."""
    found: list[SelectionSetNode] = []
    for node in _fields(call, kind, sets):
        if node.name.value == "nodes" and node.selection_set:
            found.append(node.selection_set)
        elif node.name.value == "edges" and node.selection_set:
            edge = get_named_type(kind.fields["edges"].type)
            inner = _fields(call, edge, [node.selection_set])
            found += [n.selection_set for n in inner if n.name.value == "node" and n.selection_set]
    if not found:
        raise PlanError("Bulk queries must select the nodes of their connections.")
    record = get_named_type(kind.fields["nodes"].type)
    if isinstance(record, GraphQLInterfaceType):
        (record,) = call.schema.get_possible_types(record)
    selection = _select(call, record, found, path)
    if selection.children and "id" not in dict(selection.getters):
        raise PlanError(
            "The parent 'node' field for a nested connection must select the 'id' field without an alias and must be "
            "of 'ID' return type."
        )
    return selection


def _fields(call: Call, kind: Any, sets: Iterable[SelectionSetNode]) -> Iterator[FieldNode]:  # noqa: ANN401
    grouped: dict[str, list[FieldNode]] = {}
    for selection_set in sets:
        _collect(call, kind, selection_set, grouped)
    for nodes in grouped.values():
        yield from nodes
