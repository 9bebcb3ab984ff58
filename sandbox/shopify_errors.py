"""Shopify's error bodies: mostly a list under a 200, sometimes a plain text."""

import re
from typing import Any

from graphql import DocumentNode, FieldNode, GraphQLError, Node, OperationDefinitionNode

from sandbox.web import Response, reply

DOCUMENTATION = "https://shopify.dev/api/usage/rate-limits"
WRONG_TOKEN = "[API] Invalid API key or access token (unrecognized login or wrong password)"
_RULES: tuple[tuple[str, str, str, tuple[str, ...]], ...] = (
    (r"Cannot query field '(\w+)' on type '(\w+)'", "undefinedField", "Field '{0}' doesn't exist on type '{1}'",
     ("fieldName", "typeName")),
    (r"Unknown argument '(\w+)' on field '(\w+)\.(\w+)'", "argumentNotAccepted",
     "Field '{2}' doesn't accept argument '{0}'", ("argumentName", "typeName", "name")),
    (r"Field '(\w+)' of type '(\S+)' must have a selection", "selectionMismatch",
     "Field must have selections (field '{0}' returns {1} but has no selections. Did you mean '{0} {{ ... }}'?)",
     ("nodeName", "typeName")),
    (r"Field '(\w+)' must not have a selection since type '(\S+)'", "selectionMismatch",
     "Selections can't be made on scalars (field '{0}' returns {1} but has selections)", ("nodeName", "typeName")),
    (r"Field '(\w+)' argument '(\w+)' of type '(\S+)' is required", "missingRequiredArguments",
     "Field '{0}' is missing required arguments: {1}", ("name", "arguments", "type")),
    (r"Variable '\$(\w+)' is not defined", "variableNotDefined", "Variable ${0} is used but not declared",
     ("variableName",)),
    (r"Variable '\$(\w+)' is never used", "variableNotUsed", "Variable ${0} is declared but not used",
     ("variableName",)),
)  # fmt: skip


def not_found() -> Response:
    """404 of a wrong shop, a wrong version or a wrong path."""
    return reply({"errors": "Not Found"}, 404)


def unauthenticated() -> Response:
    """401 of a missing, wrong or ended token: ``errors`` is a text."""
    return reply({"errors": WRONG_TOKEN}, 401)


def refused(message: str, path: tuple[str, ...], extensions: dict[str, object]) -> dict[str, Any]:
    """One entry of ``errors`` for a query that is well formed and still not answered."""
    return {"message": message, "path": list(path), "extensions": extensions}


def invalid(document: DocumentNode | None, error: GraphQLError) -> dict[str, Any]:
    """One entry of ``errors`` for a query that does not fit the schema, in the vendor's words."""
    entry: dict[str, Any] = {
        "message": error.message,
        "locations": [{"line": at.line, "column": at.column} for at in error.locations or ()],
    }
    if document is None:
        return entry
    code, extensions = "graphqlError", {}
    for pattern, name, message, names in _RULES:
        if found := re.match(pattern, error.message):
            code, entry["message"] = name, message.format(*found.groups())
            extensions = dict(zip(names, found.groups(), strict=True))
            break
    node = error.nodes[0] if error.nodes else None
    return {**entry, "path": _path_to(document, node), "extensions": {"code": code, **extensions}}


def _path_to(document: DocumentNode, wanted: Node | None) -> list[str]:
    """The way to a node as the vendor gives it: the operation, then field after field."""
    for definition in document.definitions:
        if isinstance(definition, OperationDefinitionNode):
            name = f" {definition.name.value}" if definition.name else ""
            if (found := _below(definition, wanted)) is not None:
                return [f"{definition.operation.value}{name}", *found]
    return []


def _below(node: Node, wanted: Node | None) -> list[str] | None:
    if node is wanted:
        return []
    for selection in getattr(getattr(node, "selection_set", None), "selections", ()):
        if (found := _below(selection, wanted)) is not None:
            return [selection.name.value, *found] if isinstance(selection, FieldNode) else found
    arguments = getattr(node, "arguments", ()) or ()
    return [] if any(wanted in (argument, argument.value) for argument in arguments) else None
