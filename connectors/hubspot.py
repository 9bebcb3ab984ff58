"""HubSpot: the CRM's people and companies, what they allow, and what they answered in surveys.

Lands:      contacts, companies, subscription_timeline, feedback_submissions
Left out:   deals, tickets, orders, owners and conversations (no metric reads them yet), e-mail events (bulk without a
            decision in them), a contact's message, birth date, gender, job and addresses derived from IPs (no use),
            custom properties unless configured
Increments: objects by search on their modified time, an hour over, because search shows changes late; archived
            objects in full, because search never shows them; the timeline by windows of time
Limits:     a search ends at 10,000 results, so it goes on by id; 100 records per listing, 200 per search
Source:     https://developers.hubspot.com, API v3 and v4, events v1, read 2026-08
"""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from connectors.auth import Bearer
from connectors.errors import IncompleteError, RejectedError, SettingsError
from connectors.paging import after_last_id, next_after, offset_while_more
from connectors.reading import Page, Reading
from connectors.spec import (
    Budget,
    ByIds,
    ChangedSince,
    Context,
    Fetch,
    Json,
    Mapped,
    Probe,
    Request,
    Row,
    Source,
    Stream,
    Window,
)
from models import PURPOSES, Account, ConsentEvent, Person, SurveyResponse

_OPTOUT = re.compile(r"hs_email_optout_(\d+)")
_SCOPE = re.compile(r"[a-z][a-z0-9._-]{2,80}")
_CONSENT_BASIS = "freely given consent"
_SCALES = {"NPS": (0.0, 10.0), "CSAT": (1.0, 5.0), "CES": (1.0, 7.0), "CUSTOM": (None, None)}
_GROUPS = {
    "promoter": "good", "passive": "neutral", "detractor": "bad",
    "positive": "good", "neutral": "neutral", "negative": "bad",
}  # fmt: skip
_SURVEY_CHANNELS = {"EMAIL": "email", "WEB": "web", "CHAT": "chat"}
_STATES = {"SUBSCRIBED": "granted", "UNSUBSCRIBED": "withdrawn"}
_NO_DECISION = frozenset({"PORTAL_BOUNCE"})
"""Changes by a machine that could not deliver: nobody decided anything."""
_AFTER_ARCHIVING = timedelta(minutes=1)
"""The archived listing shows a merged contact too, without saying into whom. This dates our row after that one."""
_TIMELINE_START = datetime(2006, 6, 1, tzinfo=UTC)
_TIMELINE_WINDOW = timedelta(days=180)
_LONGEST_QUERY = 15_000
"""Characters of property names in a listing's address; longer ones were seen to be refused with 414."""
_BAD_REQUEST = 400

_ENVELOPE = frozenset(
    {"id", "properties", "createdAt", "updatedAt", "archived", "archivedAt", "associations", "url", "propertiesWithHistory"}
)


# Maps


def map_contact(record: Json, context: Context) -> Mapped:
    """A contact: the person, those merged into it, and the decisions its properties show."""
    props, contact_id = record["properties"], record["id"]
    phone = props.get("phone") or None
    further = (props.get("mobilephone"), props.get("hs_calculated_phone_number"))
    person = {
        "source_id": contact_id,
        **_version(record, props["lastmodifieddate"]),
        "account_id": props.get("associatedcompanyid") or None,
        "created_at": props["createdate"],
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
    rows += [(Person, row) for row in _merged(contact_id, props, props["lastmodifieddate"])]
    return [*rows, (Person, person)]


def map_company(record: Json, _context: Context) -> Mapped:
    """A company, and those merged into it."""
    props, employees = record["properties"], record["properties"].get("numberofemployees")
    account = {
        "source_id": record["id"],
        **_version(record, props["hs_lastmodifieddate"]),
        "name": props.get("name") or None,
        "domain": props.get("domain") or None,
        "phone": props.get("phone") or None,
        "created_at": props.get("createdate") or record.get("createdAt"),
        "industry": props.get("industry") or None,
        "employees": int(float(employees)) if employees else None,
        "region": props.get("country") or None,
    }
    merged = _merged(record["id"], props, props["hs_lastmodifieddate"])
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
    value = props.get("hs_value")
    score = float(value) if value not in (None, "") else None
    if score is not None and low is not None and high is not None and not low <= score <= high:
        raise ValueError("score outside its scale")
    contacts = ((record.get("associations") or {}).get("contacts") or {}).get("results") or ()
    group = (props.get("hs_response_group") or props.get("hs_sentiment") or "").lower()
    response = {
        "source_id": record["id"],
        **_version(record, props["hs_lastmodifieddate"]),
        "person_id": str(contacts[0]["id"]) if contacts else None,
        "answered_at": props.get("hs_submission_timestamp") or props.get("hs_createdate") or record["createdAt"],
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


def _version(record: Json, modified: str) -> Row:
    """When the record last changed; archiving is a change the modified time may not show."""
    if record.get("archived"):
        return {"version_at": record.get("archivedAt") or modified, "deleted": True}
    return {"version_at": modified, "deleted": False}


def _flags(contact_id: str, props: Mapping[str, str | None], context: Context) -> list[Row]:
    """What the opt-out flags and the legal basis say. Only "true" is a decision; all else is silence."""
    rows = []
    for name in ("hs_email_optout", *context.lookups["optout_properties"]):
        if props.get(name) != "true":
            continue
        scope = name.removeprefix("hs_email_optout").lstrip("_") or "all"
        for purpose in _purposes(scope, "withdrawn", context):
            suffix = "" if purpose == _purpose(scope, context) else f"/{purpose}"
            event = f"contact/{contact_id}/optout/{scope}{suffix}"
            rows.append(_seen(event, contact_id, props, purpose=purpose, scope=scope, state="withdrawn", at="lastmodifieddate"))
    if _CONSENT_BASIS in (props.get("hs_legal_basis") or "").lower():
        event = f"contact/{contact_id}/legal_basis"
        # Dated as early as can be, so that every dated decision and every flag beats it.
        granted = _seen(event, contact_id, props, purpose="marketing", scope="all", state="granted", at="createdate")
        rows.append({**granted, "lawful_basis": "consent"})
    return rows


def _seen(
    event: str, contact_id: str, props: Mapping[str, str | None], *, purpose: str, scope: str, state: str, at: str
) -> Row:
    """A state without a date of its own."""
    return {
        "source_id": event,
        "version_at": props["lastmodifieddate"],
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


def _merged(survivor_id: str, props: Mapping[str, str | None], modified: str | None) -> list[Row]:
    """Tombstones of the records that were merged into this one."""
    losers = _parts(props.get("hs_merged_object_ids"))
    if not losers:
        return []
    times = dict(part.split(":", 1) for part in _parts(props.get("hs_calculated_merged_vids")) if ":" in part)
    return [
        {
            "source_id": loser,
            "version_at": _later(times[loser]) if loser in times else modified,
            "deleted": True,
            "merged_into": survivor_id,
        }
        for loser in losers
    ]


def _later(epoch_millis: str) -> datetime:
    return datetime.fromtimestamp(int(epoch_millis) / 1000, UTC) + _AFTER_ARCHIVING


def _parts(value: str | None) -> list[str]:
    return [part.strip() for part in value.split(";") if part.strip()] if value else []


# Readers of streams that do not fit the general one


async def read_objects(reading: Reading) -> AsyncIterator[Page]:
    """CRM objects: first by listing, later by search; then what is archived, which search never shows."""
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say which property holds its modified time.")
    start = cursor.start(reading.state, reading.since)
    if start is None:
        async for page in _first_load(reading, reading.state or {"phase": "live"}):
            yield page
        return
    started: str | None = None
    async for body in reading.bodies(_search(reading, cursor.name, start), after_last_id):
        started = started or reading.client.vendor_now().isoformat()
        await _attach_contacts(reading, body["results"])
        yield reading.page(body["results"], cursor=None if _more(body) else {"since": started})
    async for body in reading.bodies(_listing(reading, archived=True), next_after):
        yield reading.page(body["results"], cursor=None)


async def _first_load(reading: Reading, state: Json) -> AsyncIterator[Page]:
    """Live objects, then archived ones; each page carries the place to go on from after a kill."""
    started = state.get("started")
    phases = ("archived",) if state["phase"] == "archived" else ("live", "archived")
    for phase in phases:
        after = state.get("after") if phase == state["phase"] else None
        async for body in reading.bodies(_listing(reading, archived=phase == "archived", after=after), next_after):
            started = started or reading.client.vendor_now().isoformat()
            yield reading.page(body["results"], cursor=_place(phase, body, started))


def _place(phase: str, body: Json, started: str) -> Json:
    if _more(body):
        return {"phase": phase, "after": body["paging"]["next"]["after"], "started": started}
    return {"phase": "archived", "started": started} if phase == "live" else {"since": started}


def _more(body: Json) -> bool:
    return bool((body.get("paging") or {}).get("next"))


def _listing(reading: Reading, *, archived: bool, after: str | None = None) -> Request:
    params = {**reading.stream.params, "properties": ",".join(_properties(reading.stream, reading.context)), "limit": "100"}
    if len(params["properties"]) > _LONGEST_QUERY:
        raise SettingsError(
            f"hubspot/{reading.stream.name}: the account has so many subscription types that the names of their opt-out "
            "properties no longer fit in an address, so flags would be lost. Archive subscription types nobody uses.",
            stream=reading.stream.name,
        )
    params |= {"archived": "true"} if archived else {}
    params |= {"after": after} if after else {}
    return Request(reading.stream.path, params)


def _search(reading: Reading, modified: str, start: datetime) -> Request:
    since = {"propertyName": modified, "operator": "GTE", "value": str(int(start.timestamp() * 1000))}
    above = {"propertyName": "hs_object_id", "operator": "GT", "value": "0"}
    return Request(
        f"{reading.stream.path}/search",
        json={
            "filterGroups": [{"filters": [since, above]}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": _properties(reading.stream, reading.context),
            "limit": 200,
        },
    )


def _properties(stream: Stream, context: Context) -> list[str]:
    return [*_TAKEN[stream.name], *context.lookups.get("optout_properties", ())]


def _by_ids(name: str) -> ByIds:
    def request(ids: Sequence[str], context: Context) -> Request:
        names = [*_TAKEN[name], *context.lookups.get("optout_properties", ())]
        return Request(f"/crm/v3/objects/{name}/batch/read", json={"inputs": [{"id": i} for i in ids], "properties": names})

    return request


async def _attach_contacts(reading: Reading, records: list[Json]) -> None:
    """Search answers carry no associations, so streams that need contacts ask for them by batch."""
    if "associations" not in reading.stream.params or not records:
        return
    links = await _links(reading, [record["id"] for record in records])
    for record in records:
        if found := links.get(record["id"]):
            record["associations"] = {"contacts": {"results": found}}


async def _links(reading: Reading, ids: list[str]) -> dict[str, list[Json]]:
    """Contacts by id. One id the vendor does not know fails some batches as a whole, so those are halved."""
    name = reading.stream.name
    request = Request(f"/crm/v4/associations/{name}/contacts/batch/read", json={"inputs": [{"id": i} for i in ids]})
    try:
        body = await reading.client.send(request)
    except RejectedError as error:
        if error.status != _BAD_REQUEST:
            raise
        if len(ids) == 1:
            return {}
        half = len(ids) // 2
        return await _links(reading, ids[:half]) | await _links(reading, ids[half:])
    results = reading.records_of(body or {}, "results")
    return {str(item["from"]["id"]): [{"id": to["toObjectId"]} for to in item["to"]] for item in results}


async def read_timeline(reading: Reading) -> AsyncIterator[Page]:
    """Consent changes in windows of time, oldest window first; the entries of a window come newest first."""
    cursor = reading.stream.cursor
    if not isinstance(cursor, ChangedSince):
        raise TypeError(f"Stream {reading.stream.name} must say how far it looks back.")
    start = cursor.start(reading.state, reading.since) or _TIMELINE_START
    while start < reading.client.vendor_now():
        end = start + _TIMELINE_WINDOW
        window = {"startTimestamp": str(_millis(start)), "endTimestamp": str(_millis(end) - 1), "limit": "1000"}
        twins: Counter[int] = Counter()
        async for body in reading.bodies(Request(reading.stream.path, window), offset_while_more):
            for entry in body["timeline"]:
                entry["id"] = _entry_id(entry, twins)
            # A window may reach into the future, of which nothing has been read.
            done = None if body.get("hasMore") else {"since": min(end, reading.client.vendor_now()).isoformat()}
            yield reading.page(body["timeline"], cursor=done)
        start = end


def _entry_id(entry: Json, twins: Counter[int]) -> str:
    """Entries have no id and an address may not be in one: the time, and the vendor's number of the address.

    Where that is missing, the place among the entries of the same millisecond stands in for it. A window begins and
    ends between milliseconds, so the place is the same whenever the entry is read.
    """
    try:
        at = entry["timestamp"]
    except (KeyError, TypeError):
        raise IncompleteError(
            "hubspot/subscription_timeline: an entry has no timestamp, so it cannot be told from others. The cursor stays. "
            "Compare docs/connectors/hubspot.md with the vendor's changelog, then run: cdp sync hubspot",
            stream="subscription_timeline",
        ) from None
    twins[at] += 1
    return f"timeline/{at}/{entry.get('normalizedEmailId') or f'n{twins[at]}'}"


def _millis(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


# Lookups, and what check says


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
            f"hubspot: subscription_purposes has {', '.join(sorted(wrong))}, which is no subscription type of this account or "
            f"names no purpose. Types: {', '.join(sorted(names)) or 'none'}. Purposes: {', '.join(PURPOSES)}."
        )
    return names


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


# The table

_TAKEN: Mapping[str, tuple[str, ...]] = {
    "contacts": (
        "createdate", "lastmodifieddate", "email", "hs_additional_emails", "firstname", "lastname", "phone", "mobilephone",
        "hs_calculated_phone_number", "address", "zip", "city", "country", "hs_language", "hs_analytics_source",
        "lifecyclestage", "associatedcompanyid", "hs_merged_object_ids", "hs_calculated_merged_vids", "hs_email_optout",
        "hs_legal_basis",
    ),
    "companies": (
        "createdate", "hs_lastmodifieddate", "name", "domain", "phone", "industry", "numberofemployees", "country",
        "hs_merged_object_ids", "hs_calculated_merged_vids",
    ),
    "feedback_submissions": (
        "hs_createdate", "hs_lastmodifieddate", "hs_survey_id", "hs_survey_type", "hs_survey_channel", "hs_content",
        "hs_response_group", "hs_sentiment", "hs_value", "hs_submission_timestamp",
    ),
}  # fmt: skip
"""Properties each object is asked for: HubSpot returns no other."""

_HOUR = timedelta(hours=1)

HUBSPOT = Source(
    name="hubspot",
    base_url="https://api.hubapi.com",
    auth=Bearer,
    budget=Budget(
        # The smallest plan, so that no account is asked too much; a larger one answers 429 to nobody.
        windows=(Window(100, 10), Window(4, 1, within="/search")),
        concurrent=8,
        remaining_header="X-HubSpot-RateLimit-Remaining",
    ),
    token_help="Make or repair the token in HubSpot under Settings, Integrations, service keys or private apps.",
    missing_scopes=missing_scopes,
    options=frozenset({"subscription_purposes"}),
    lookups={"optout_properties": load_optout_properties, "subscriptions": load_subscriptions},
    describe=describe,
    probes=(
        Probe(Request("/crm/v3/objects/contacts", {"limit": "1"}), "crm.objects.contacts.read"),
        Probe(Request("/crm/v3/objects/companies", {"limit": "1"}), "crm.objects.companies.read"),
        Probe(Request("/crm/v3/objects/feedback_submissions", {"limit": "1"}), "crm.objects.feedback_submissions.read"),
        Probe(Request("/communication-preferences/v4/definitions"), "communication_preferences.read"),
        Probe(Request("/email/public/v1/subscriptions/timeline", {"limit": "1"}), "content"),
    ),
    streams=(
        Stream(
            name="companies",
            entities=(Account,),
            path="/crm/v3/objects/companies",
            rows_at="results",
            map=map_company,
            fields=_ENVELOPE,
            cursor=ChangedSince("hs_lastmodifieddate", overlap=_HOUR),
            read=read_objects,
            by_ids=_by_ids("companies"),
        ),
        Stream(
            name="contacts",
            entities=(ConsentEvent, Person),
            path="/crm/v3/objects/contacts",
            rows_at="results",
            map=map_contact,
            fields=_ENVELOPE,
            cursor=ChangedSince("lastmodifieddate", overlap=_HOUR),
            read=read_objects,
            by_ids=_by_ids("contacts"),
            lookups=("optout_properties", "subscriptions"),
        ),
        Stream(
            name="subscription_timeline",
            entities=(ConsentEvent,),
            path="/email/public/v1/subscriptions/timeline",
            rows_at="timeline",
            map=map_timeline,
            fields=frozenset({"id", "timestamp", "portalId", "recipient", "normalizedEmailId", "changes"}),
            cursor=ChangedSince("startTimestamp", overlap=_HOUR),
            read=read_timeline,
            after=("contacts",),
            lookups=("subscriptions",),
        ),
        Stream(
            name="feedback_submissions",
            entities=(SurveyResponse,),
            path="/crm/v3/objects/feedback_submissions",
            rows_at="results",
            map=map_feedback,
            fields=_ENVELOPE,
            cursor=ChangedSince("hs_lastmodifieddate", overlap=_HOUR),
            params={"associations": "contacts"},
            read=read_objects,
            by_ids=_by_ids("feedback_submissions"),
            after=("contacts",),
        ),
    ),
)
