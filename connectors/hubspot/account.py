"""What differs from one HubSpot account to another, the permissions a refusal names, and batches done in part."""

import re
from collections.abc import Mapping
from typing import Any

from connectors.answers import vendor_code
from connectors.errors import SettingsError
from connectors.spec import Fetch, Json, Refusal, Request
from models import PURPOSES

_OPTOUT = re.compile(r"hs_email_optout_(\d+)")
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{2,80}")
_NOT_THERE = "OBJECT_NOT_FOUND"
_STATUSES = {"VALIDATION_ERROR": 400}
_UNAVAILABLE = 503


async def load_optout_properties(fetch: Fetch, _options: Mapping[str, Any]) -> tuple[str, ...]:
    """Names of the opt-out properties: one per subscription type, so they differ from account to account."""
    body = await fetch(Request("/crm/v3/properties/contacts"))
    return tuple(sorted(item["name"] for item in body.get("results", ()) if _OPTOUT.fullmatch(item["name"])))


async def load_subscriptions(fetch: Fetch, options: Mapping[str, Any]) -> dict[str, str]:
    """Subscription types by id. Refuses a configured id or purpose that does not exist."""
    body = await fetch(Request("/communication-preferences/v4/definitions"))
    names = {str(item["id"]): str(item.get("name") or "") for item in body.get("results", ())}
    configured: Mapping[str, str] = options.get("subscription_purposes", {})
    wrong = [key for key, purpose in configured.items() if key not in names or purpose not in PURPOSES]
    if wrong:
        raise SettingsError(
            f"hubspot: subscription_purposes has {', '.join(sorted(wrong))}, which is no subscription type of this "
            f"account or names no purpose. Types: {', '.join(sorted(names)) or 'none'}. "
            f"Purposes: {', '.join(PURPOSES)}."
        )
    return names


async def load_deal_pipelines(fetch: Fetch, _options: Mapping[str, Any]) -> dict[str, Any]:
    """The account's names of pipelines and stages by id, and which stages end a deal."""
    body = await fetch(Request("/crm/v3/pipelines/deals"))
    return {
        str(pipeline["id"]): {
            "label": pipeline.get("label"),
            "stages": {str(stage["id"]): _stage(stage) for stage in pipeline.get("stages", ())},
        }
        for pipeline in body.get("results", ())
    }


def _stage(stage: Json) -> dict[str, Any]:
    metadata = stage.get("metadata") or {}
    is_closed = str(metadata.get("isClosed")).lower() == "true"
    won = is_closed and str(metadata.get("probability")) in {"1", "1.0"}
    return {"label": stage.get("label"), "closed": is_closed, "won": won}


async def load_home_currency(fetch: Fetch, _options: Mapping[str, Any]) -> str | None:
    """Currency of amounts that name none."""
    currency = (await fetch(Request("/account-info/v3/details"))).get("companyCurrency")
    return currency if isinstance(currency, str) else None


def describe(lookups: Mapping[str, Any]) -> tuple[str, ...]:
    """The subscription types, so that ``subscription_purposes`` can be filled in."""
    return tuple(f"Subscription type {key}: {name}" for key, name in sorted(lookups["subscriptions"].items()))


def missing_scopes(body: Json) -> tuple[str, ...]:
    """Scopes a refusal names; anything that does not look like one is left out."""
    if body.get("category") != "MISSING_SCOPES":
        return ()
    named = [
        scope
        for error in body.get("errors") or ()
        for scope in (error.get("context") or {}).get("requiredGranularScopes") or ()
        if isinstance(scope, str) and _SCOPE.fullmatch(scope)
    ]
    return tuple(named) or ("unnamed",)


def refusal(body: Json) -> Refusal | None:
    """The error of a batch that failed in part or is not done; that some objects do not exist is none.

    What such an answer lacks would pass for deleted.
    """
    codes = [vendor_code(error) if isinstance(error, dict) else None for error in body.get("errors") or ()]
    if all(code == _NOT_THERE for code in codes) and body.get("status", "COMPLETE") == "COMPLETE":
        return None
    code = next((code for code in codes if code and code != _NOT_THERE), None)
    return Refusal(_STATUSES.get(code or "", _UNAVAILABLE), code)
