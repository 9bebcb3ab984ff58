"""HubSpot's JSON to canonical rows. Property values are texts or null, whatever their type; "" means null too."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from math import isfinite

from connectors.spec import Context, Json, Mapped, Row
from models import Account, ConsentEvent, Deal, Person, SurveyResponse, micros

_CONSENT_BASIS = "freely given consent"
_SCALES = {"NPS": (0.0, 10.0), "CSAT": (1.0, 5.0), "CES": (1.0, 7.0)}
_GROUPS = {
    "promoter": "good", "passive": "neutral", "detractor": "bad",
    "positive": "good", "neutral": "neutral", "negative": "bad",
}  # fmt: skip
_SURVEY_CHANNELS = {"EMAIL": "email", "WEB": "web", "CHAT": "chat"}
_FLAGS = {"true": "withdrawn", "false": "cleared"}
_STATES = {"SUBSCRIBED": "granted", "UNSUBSCRIBED": "withdrawn"}
_NO_DECISION = frozenset({"PORTAL_BOUNCE"})
"""Changes by a machine that could not deliver: nobody decided anything."""
_AFTER_ARCHIVING = timedelta(minutes=1)
"""The archived listing shows a merged contact too, without saying into whom. This dates our row after that one."""


def map_contact(record: Json, context: Context) -> Mapped:
    """A contact: the person, those merged into it, and the decisions its properties show."""
    contact_id = record["id"]
    props = {**record["properties"], "created": _created(record), "modified": _modified(record)}
    phone = props.get("phone") or None
    further = (props.get("mobilephone"), props.get("hs_calculated_phone_number"))
    person = {
        "source_id": contact_id,
        **_version(record),
        "account_id": props.get("associatedcompanyid") or None,
        "created_at": props["created"],
        "given_name": props.get("firstname") or None,
        "family_name": props.get("lastname") or None,
        "email": props.get("email") or None,
        "other_emails": _parts(props.get("hs_additional_emails")) or None,
        "phone": phone,
        "other_phones": [number for number in further if number and number != phone] or None,
        "street": props.get("address") or None,
        "postal_code": props.get("zip") or None,
        "city": props.get("city") or None,
        "region": props.get("country") or None,
        "locale": props.get("hs_language") or None,
        "acquisition_channel": props.get("hs_analytics_source") or None,
        "lifecycle_stage": props.get("lifecyclestage") or None,
    }
    rows: Mapped = [(ConsentEvent, row) for row in _flags(contact_id, props, context)]
    rows += [(Person, row) for row in _merged(contact_id, props)]
    return [*rows, (Person, person)]


def map_company(record: Json, _context: Context) -> Mapped:
    """A company, and those merged into it."""
    props = {**record["properties"], "modified": _modified(record)}
    employees = props.get("numberofemployees")
    account = {
        "source_id": record["id"],
        **_version(record),
        "name": props.get("name") or None,
        "domain": props.get("domain") or None,
        "phone": props.get("phone") or None,
        "created_at": _created(record),
        "industry": props.get("industry") or None,
        "employees": int(float(employees)) if employees else None,
        "region": props.get("country") or None,
    }
    merged = _merged(record["id"], props)
    return [*((Account, row) for row in merged), (Account, account)]


def map_timeline(record: Json, context: Context) -> Mapped:
    """One entry of the subscription timeline: a decision per change, by address."""
    rows: Mapped = []
    for number, change in enumerate(record["changes"]):
        if change["changeType"] in _NO_DECISION:
            continue
        at = change.get("timestamp") or record["timestamp"]
        # A report of spam is an objection, whatever word the change itself uses.
        state = "withdrawn" if change["changeType"].endswith("SPAM_REPORT") else _STATES.get(change["change"])
        if state is None:
            raise ValueError("unknown change")
        portal_wide = change["changeType"].startswith("PORTAL_")
        scope = "all" if portal_wide else str(change["subscriptionId"])
        for purpose in _purposes(scope, state, context):
            suffix = "" if purpose == _purpose(scope, context) else f"/{purpose}"
            decision = {
                "source_id": f"{record['id']}/{number}{suffix}",
                "version_at": at,
                "address": record["recipient"],
                "purpose": purpose,
                "channel": "email",
                "scope": scope,
                "state": state,
                "at": at,
                "evidence": change.get("source"),
            }
            rows.append((ConsentEvent, decision))
    return rows


def map_feedback(record: Json, _context: Context) -> Mapped:
    """An answer to a survey. A score outside its scale is refused, not bent into it."""
    props = record["properties"]
    kind = (props.get("hs_survey_type") or "CUSTOM").upper()
    low, high = _SCALES.get(kind, (None, None))
    score = _score(props.get("hs_value"), low, high)
    contacts = _associated(record, "contacts")
    group = (props.get("hs_response_group") or props.get("hs_sentiment") or "").lower()
    response = {
        "source_id": record["id"],
        **_version(record),
        "person_id": contacts[0] if contacts else None,
        "answered_at": props.get("hs_submission_timestamp") or _created(record),
        "instrument": kind if kind in {"NPS", "CSAT", "CES"} else "custom",
        "item_id": props.get("hs_survey_id") or None,
        "scale_min": low,
        "scale_max": high,
        "score": score,
        "category": _GROUPS.get(group),
        "channel": _SURVEY_CHANNELS.get((props.get("hs_survey_channel") or "").upper(), "other"),
        "comment": props.get("hs_content") or None,
    }
    return [(SurveyResponse, response)]


def map_deal(record: Json, context: Context) -> Mapped:
    """A deal. Its name and notes stay outside: no metric needs them, and people are named in them."""
    props = record["properties"]
    pipeline, stage = _stage(props, context.lookups["deal_pipelines"])
    is_closed = _flag(props.get("hs_is_closed"), stage.get("closed", False))
    people, companies = _associated(record, "contacts"), _associated(record, "companies")
    amount = props.get("amount")
    deal = {
        "source_id": record["id"],
        **_version(record),
        "person_id": people[0] if people else None,
        "person_ids": people or None,
        "account_id": companies[0] if companies else None,
        "owner_id": props.get("hubspot_owner_id") or None,
        "pipeline": pipeline.get("label") or props.get("pipeline") or None,
        "stage": stage.get("label") or props.get("dealstage") or None,
        "deal_type": props.get("dealtype") or None,
        "created_at": _created(record),
        "closed_at": (props.get("closedate") or None) if is_closed else None,
        "is_closed": is_closed,
        "is_won": is_closed and _flag(props.get("hs_is_closed_won"), stage.get("won", False)),
        "amount_micros": micros(amount) if amount else None,
        "currency": (props.get("deal_currency_code") or context.lookups["home_currency"]) if amount else None,
    }
    return [(Deal, deal)]


def _stage(props: Mapping[str, str | None], pipelines: Mapping[str, Json]) -> tuple[Json, Json]:
    """The pipeline and the stage a deal is in; empty for those the account no longer has."""
    pipeline = pipelines.get(props.get("pipeline") or "", {})
    return pipeline, pipeline.get("stages", {}).get(props.get("dealstage") or "", {})


def _flag(value: str | None, otherwise: bool) -> bool:  # noqa: FBT001 - the fallback is the flag itself
    """A property that is "true" or "false", or ``otherwise`` where the account does not fill it in."""
    return value == "true" if value else otherwise


def _associated(record: Json, kind: str) -> list[str]:
    """Ids of associated objects, each once, the primary one first; a link is listed once per label."""
    links = ((record.get("associations") or {}).get(kind) or {}).get("results") or ()
    in_order = sorted(links, key=lambda link: str(link.get("type", "")).endswith("unlabeled"))
    return list(dict.fromkeys(str(link["id"]) for link in in_order))


def _score(value: str | None, low: float | None, high: float | None) -> float | None:
    if not value:
        return None
    score = float(value)
    if not isfinite(score) or (low is not None and score < low) or (high is not None and score > high):
        raise ValueError("score outside its scale")
    return score


def _version(record: Json) -> Row:
    """When the record last changed; archiving is a change the modified time may not show."""
    if record.get("archived"):
        return {"version_at": record.get("archivedAt") or _modified(record), "deleted": True}
    return {"version_at": _modified(record), "deleted": False}


def _created(record: Json) -> str | None:
    props = record["properties"]
    return props.get("createdate") or props.get("hs_createdate") or record.get("createdAt")


def _modified(record: Json) -> str:
    props = record["properties"]
    modified: str = props.get("lastmodifieddate") or props.get("hs_lastmodifieddate") or record["updatedAt"]
    return modified


def _flags(contact_id: str, props: Mapping[str, str | None], context: Context) -> list[Row]:
    """What the opt-out flags and the legal basis say: "true" refuses, "false" ends that; all else is silence."""
    rows = []
    for name in ("hs_email_optout", *context.lookups["optout_properties"]):
        state = _FLAGS.get(props.get(name) or "")
        if state is None:
            continue
        scope = name.removeprefix("hs_email_optout").lstrip("_") or "all"
        for purpose in _purposes(scope, "withdrawn", context):
            suffix = "" if purpose == _purpose(scope, context) else f"/{purpose}"
            event = f"contact/{contact_id}/optout/{scope}{suffix}"
            rows.append(_seen(event, contact_id, props, purpose=purpose, scope=scope, state=state, at="modified"))
    if _CONSENT_BASIS in (props.get("hs_legal_basis") or "").lower():
        event = f"contact/{contact_id}/legal_basis"
        # Dated as early as can be, so that every dated decision and every flag beats it.
        granted = _seen(event, contact_id, props, purpose="marketing", scope="all", state="granted", at="created")
        rows.append({**granted, "lawful_basis": "consent"})
    return rows


def _seen(
    event: str, contact_id: str, props: Mapping[str, str | None], *, purpose: str, scope: str, state: str, at: str
) -> Row:
    """A state without a date of its own."""
    return {
        "source_id": event,
        "version_at": props["modified"],
        "person_id": contact_id,
        "purpose": purpose,
        "channel": "email",
        "scope": scope,
        "state": state,
        "at": props[at],
        "inferred": True,
        "evidence": "contact_property",
    }


def _purpose(scope: str, context: Context) -> str:
    purposes: Mapping[str, str] = context.options.get("subscription_purposes", {})
    return purposes.get(scope, "marketing")


def _purposes(scope: str, state: str, context: Context) -> list[str]:
    """What a decision is about: an opt-out of everything withdraws every purpose that any subscription serves."""
    if scope != "all" or state == "granted":
        return [_purpose(scope, context)]
    mapped: Mapping[str, str] = context.options.get("subscription_purposes", {})
    return sorted({"marketing", *mapped.values()})


def _merged(survivor_id: str, props: Mapping[str, str | None]) -> list[Row]:
    """Tombstones of the records that were merged into this one."""
    losers = _parts(props.get("hs_merged_object_ids"))
    if not losers:
        return []
    times = dict(part.split(":", 1) for part in _parts(props.get("hs_calculated_merged_vids")) if ":" in part)
    return [
        {
            "source_id": loser,
            "version_at": _later(times[loser]) if loser in times else props["modified"],
            "deleted": True,
            "merged_into": survivor_id,
        }
        for loser in losers
    ]


def _later(epoch_millis: str) -> datetime:
    return datetime.fromtimestamp(int(epoch_millis) / 1000, UTC) + _AFTER_ARCHIVING


def _parts(value: str | None) -> list[str]:
    return [part.strip() for part in value.split(";") if part.strip()] if value else []
