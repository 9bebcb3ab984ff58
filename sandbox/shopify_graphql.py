"""One GraphQL request: read, checked against the schema, priced, paid for, run."""

from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    get_operation_ast,
    graphql_sync,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from sandbox import shopify_errors as errors
from sandbox.shopify_cost import MOST_PER_QUERY, Bucket, throttled, too_dear
from sandbox.shopify_paging import RefusedQueryError
from sandbox.shopify_plans import Call, Fields, Selection, compile_operation
from sandbox.shopify_schema import schema_of

if TYPE_CHECKING:
    from sandbox.world import World

MUTATION_COST = 10
Body = dict[str, Any]


@dataclass(slots=True)
class Endpoint:
    """What GraphQL requests of one shop share. ``context`` is handed to the fields that need more than the world."""

    world: "World"
    fields: Fields
    bucket: Bucket = field(default_factory=Bucket)

    def answer(self, body: Any, version: str, scopes: frozenset[str], context: Any) -> Body:  # noqa: ANN401 - JSON
        """The JSON of a request's JSON; nearly everything is a 200."""
        text = body.get("query") if isinstance(body, dict) else None
        if not isinstance(text, str) or not text.strip():
            return {"errors": [{"message": "No query was specified"}]}
        schema, (document, problems) = schema_of(version), check(text, version)
        if document is None or problems:
            return {"errors": [errors.invalid(document, problem) for problem in problems]}
        operation = get_operation_ast(document, body.get("operationName"))
        if operation is None:
            return {"errors": [{"message": "An operation name is required"}]}
        if _introspects(operation):
            return dict(graphql_sync(schema, text, variable_values=body.get("variables")).formatted)
        return self._run(schema, document, operation, body.get("variables") or {}, scopes, context)

    def failed(self, kind: str) -> Body:
        """The JSON of a fault under a 200: ``throttled`` or ``internal_error``."""
        if kind == "throttled":
            cost = self.bucket.status(MOST_PER_QUERY // 10, None)
            cost["throttleStatus"]["currentlyAvailable"] = 0
            return {"errors": [throttled()], "extensions": {"cost": cost}}
        extensions = {"code": "INTERNAL_SERVER_ERROR", "requestId": "00000000-0000-4000-8000-000000000000"}
        return {"errors": [{"message": "Internal error. Looks like something went wrong.", "extensions": extensions}]}

    def _run(
        self,
        schema: GraphQLSchema,
        document: DocumentNode,
        operation: OperationDefinitionNode,
        given: Body,
        scopes: frozenset[str],
        context: Any,  # noqa: ANN401
    ) -> Body:
        variables = get_variable_values(schema, operation.variable_definitions or (), given)
        if isinstance(variables, list):
            return {"errors": [_bad_variable(problem) for problem in variables]}
        fragments = {d.name.value: d for d in document.definitions if isinstance(d, FragmentDefinitionNode)}
        call = Call(self.world, schema, self.fields, fragments, variables, scopes, context=context)
        try:
            plan = compile_operation(call, operation)
            return self._pay(call, plan, is_mutation=operation.operation is OperationType.MUTATION)
        except RefusedQueryError as refused:
            return {"errors": [errors.refused(str(refused), refused.path, refused.extensions)]}

    def _pay(self, call: Call, plan: Selection, *, is_mutation: bool) -> Body:
        price = MUTATION_COST * len(plan.getters) if is_mutation else plan.cost
        if price > MOST_PER_QUERY:
            return {"errors": [too_dear(price)]}
        if not self.bucket.take(price):
            return {"errors": [throttled()], "extensions": {"cost": self.bucket.status(price, None)}}
        data = plan(None)
        # The root is no object of the shop.
        actual = price if is_mutation else min(price, call.counted - 1)
        self.bucket.give_back(price - actual)
        extensions: Body = {"cost": self.bucket.status(price, actual)}
        if call.warnings:
            extensions["search"] = call.warnings
        denied = {"errors": call.errors} if call.errors else {}
        return {"data": data, **denied, "extensions": extensions}


@lru_cache(maxsize=512)
def check(text: str, version: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """The parsed query and what is wrong with it; remembered, because clients send the same text for every page."""
    try:
        document = parse(text)
    except GraphQLError as error:
        return None, [error]
    return document, validate(schema_of(version), document)


def _introspects(operation: OperationDefinitionNode) -> bool:
    names = [getattr(getattr(node, "name", None), "value", "") for node in operation.selection_set.selections]
    return any(name in {"__schema", "__type"} for name in names)


def _bad_variable(problem: GraphQLError) -> Body:
    # graphql-core quotes the value in its message: only the variable's name is ours to repeat.
    name = problem.message.partition("'")[2].partition("'")[0]
    message = f"Variable {name or '$?'} was provided invalid value"
    return {"message": message, "extensions": {"code": "INVALID_VARIABLE"}}
