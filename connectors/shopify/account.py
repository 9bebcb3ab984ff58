"""What differs from one shop to another: what the token may read."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.graphql import required_scopes
from connectors.shopify.queries import SCOPES_PATH
from connectors.spec import Fetch, Json, Request

ALL_ORDERS = "read_all_orders"
_REST_REFUSAL = re.compile(r"\b((?:read|write)_[a-z_]{2,60}) scope")


async def load_scopes(fetch: Fetch, _options: Mapping[str, Any]) -> frozenset[str]:
    """Permissions of the token."""
    body = await fetch(Request(SCOPES_PATH))
    return frozenset(str(scope.get("handle")) for scope in body.get("access_scopes") or ())


def warn(lookups: Mapping[str, Any]) -> tuple[str, ...]:
    """What the token will not show, and Shopify leaves out without a word."""
    if ALL_ORDERS in lookups["scopes"]:
        return ()
    sentence = (
        f"Without the permission {ALL_ORDERS} Shopify shows orders of the last 60 days only, so older ones are missing "
        "with their refunds and returns; ask for it in the app's API access settings."
    )
    return (sentence,)


def missing_scopes(body: Json) -> tuple[str, ...]:
    """Permissions a refusal names: GraphQL in an extension, REST in a sentence."""
    errors = body.get("errors")
    if isinstance(errors, str):
        return tuple(dict.fromkeys(_REST_REFUSAL.findall(errors)))
    return required_scopes(body)
