"""HubSpot CRM objects: list, get, batch read, associations."""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from sandbox.hubspot_errors import invalid, not_found
from sandbox.hubspot_properties import CREATED, KNOWN, MODIFIED, kind_of, unknown_kind
from sandbox.hubspot_records import LINKS, survivor_of
from sandbox.records import CrmObject
from sandbox.times import iso_millis
from sandbox.web import Request, Response, Router, reply

if TYPE_CHECKING:
    from sandbox.world import World

router = Router()

_DEFAULTS = {
    "contacts": ("firstname", "lastname", "email"),
    "companies": ("name", "domain"),
    "feedback_submissions": (),
    "deals": ("dealname", "amount", "closedate", "pipeline", "dealstage"),
}
_LABELS = {
    ("contacts", "companies"): ((1, "Primary", "contact_to_company"), (279, None, "contact_to_company_unlabeled")),
    ("companies", "contacts"): ((2, "Primary", "company_to_contact"), (280, None, "company_to_contact_unlabeled")),
    ("feedback_submissions", "contacts"): ((97, None, "feedback_submission_to_contact"),),
    ("contacts", "feedback_submissions"): ((98, None, "contact_to_feedback_submission"),),
    ("deals", "contacts"): ((3, None, "deal_to_contact"),),
    ("contacts", "deals"): ((4, None, "contact_to_deal"),),
    ("deals", "companies"): ((5, "Primary", "deal_to_company"), (341, None, "deal_to_company_unlabeled")),
    ("companies", "deals"): ((6, "Primary", "company_to_deal"), (342, None, "company_to_deal_unlabeled")),
}
_SINGULAR = {
    "contacts": "CONTACT",
    "companies": "COMPANY",
    "feedback_submissions": "FEEDBACK_SUBMISSION",
    "deals": "DEAL",
}
PAGE, HISTORY_PAGE, LINK_PAGE = 100, 50, 500


def property_value(kind: str, obj: CrmObject, name: str) -> str | None:
    """One property as HubSpot sees it, computed ones included."""
    if name == "hs_object_id":
        return obj.id
    if name == CREATED.get(kind, "hs_createdate"):
        return iso_millis(obj.created)
    if name == MODIFIED.get(kind, "hs_lastmodifieddate"):
        return iso_millis(obj.updated)
    return obj.props.get(name)


def names_for(kind: str, asked: Iterable[str]) -> list[str]:
    """The stored properties to show: those asked for and known, or the defaults of the type when none is asked for."""
    known, names = KNOWN[kind], list(asked)
    return [name for name in names if name in known] if names else list(_DEFAULTS[kind])


def render(kind: str, obj: CrmObject, names: list[str]) -> dict[str, object]:
    """The object envelope."""
    props, created = obj.props, iso_millis(obj.created)
    updated = created if obj.updated == obj.created else iso_millis(obj.updated)
    shown: dict[str, str | None] = dict(zip(names, map(props.get, names), strict=True))
    shown[CREATED.get(kind, "hs_createdate")] = created
    shown[MODIFIED.get(kind, "hs_lastmodifieddate")] = updated
    shown["hs_object_id"] = obj.id
    envelope: dict[str, object] = {"id": obj.id, "properties": shown, "createdAt": created, "updatedAt": updated}
    if obj.archived is None:
        envelope["archived"] = False
    else:
        envelope |= {"archived": True, "archivedAt": iso_millis(obj.archived)}
    return envelope


def _history(envelope: dict[str, object], obj: CrmObject, names: list[str]) -> None:
    at = iso_millis(obj.updated)
    envelope["propertiesWithHistory"] = {
        name: [{"value": obj.props[name], "timestamp": at, "sourceType": "CRM_UI", "sourceId": "userId:51001"}]
        for name in names
        if name in obj.props
    }


def linked(world: "World", kind: str, obj_id: str, to: str) -> list[str]:
    """Ids of the live objects of type ``to`` that an object is associated with."""
    obj = world.objects[kind].get(obj_id)
    if obj is None or obj.archived is not None:
        return []
    if (kind, to) in LINKS:
        found = (survivor_of(world.objects[to], i) for i in LINKS[kind, to](obj))
        return list(dict.fromkeys(other.id for other in found if other and other.archived is None))
    return world.links_to[to, kind].get(obj_id, []) if (to, kind) in LINKS else []


def _inline(world: "World", kind: str, obj: CrmObject, to_names: list[str]) -> dict[str, object]:
    """The first of an object's associations with each type, and a place to go on from where there are more."""
    found: dict[str, object] = {}
    for name in to_names:
        to = kind_of(name)
        if to and (ids := linked(world, kind, obj.id, to)):
            page = {"results": [{"id": i, "type": label[2]} for i in ids[:LINK_PAGE] for label in _LABELS[kind, to]]}
            found[to] = page | _more(ids, LINK_PAGE)
    return found


def _more(ids: list[str], end: int) -> dict[str, object]:
    """The place behind ``end``, where there is more."""
    return {"paging": {"next": {"after": str(end)}}} if len(ids) > end else {}


def _page(world: "World", request: Request, kind: str) -> list[CrmObject]:
    """One record more than the page holds, if there is one."""
    ordered = (world.archived if request.flag("archived") else world.live)[kind]
    start = ordered.from_key(request.integer("after", 0))
    return ordered.records[start : start + request.integer("limit", 10) + 1]


@router.on("GET", "/crm/v3/objects/{kind}")
def list_objects(world: "World", request: Request, name: str) -> Response:
    """A page in id order; ``after`` is the id to go on with."""
    kind = kind_of(name)
    if kind is None:
        return unknown_kind(name)
    history = request.several("propertiesWithHistory")
    limit, most = request.integer("limit", 10), HISTORY_PAGE if history else PAGE
    if not 1 <= limit <= most:
        return invalid(f"limit must be between 1 and {most}", "INVALID_LIMIT", "limit")
    records = _page(world, request, kind)
    names, links = names_for(kind, request.several("properties")), request.several("associations")
    results = []
    for obj in records[:limit]:
        envelope = render(kind, obj, names)
        if links and (found := _inline(world, kind, obj, links)):
            envelope["associations"] = found
        if history:
            _history(envelope, obj, history)
        results.append(envelope)
    body: dict[str, object] = {"results": results}
    if len(records) > limit:
        body["paging"] = {"next": {"after": records[limit].id, "link": _link(request, records[limit].id)}}
    return reply(body)


def _link(request: Request, after: str) -> str:
    query = {**request.query, "after": [after]}
    return f"{request.origin}{request.path}?{urlencode(query, doseq=True)}"


def _find(world: "World", request: Request, kind: str, obj_id: str) -> CrmObject | None:
    table = world.objects[kind]
    if request.one("idProperty") == "email":
        return next((o for o in world.live[kind].records if o.props.get("email") == obj_id.lower()), None)
    obj = survivor_of(table, obj_id)
    wants_archived = request.flag("archived")
    return obj if obj and (obj.archived is not None) == wants_archived else None


@router.on("GET", "/crm/v3/objects/{kind}/{id}")
def get_object(world: "World", request: Request, name: str, obj_id: str) -> Response:
    """One object; the id of a merged-away one answers with the survivor."""
    kind = kind_of(name)
    if kind is None:
        return unknown_kind(name)
    obj = _find(world, request, kind, obj_id)
    if obj is None:
        return not_found()
    envelope = render(kind, obj, names_for(kind, request.several("properties")))
    if found := _inline(world, kind, obj, request.several("associations")):
        envelope["associations"] = found
    if history := request.several("propertiesWithHistory"):
        _history(envelope, obj, history)
    return reply(envelope)


def batch(world: "World", results: list[object], errors: list[object]) -> Response:
    """The envelope of batch answers: 207 when something is missing."""
    at = iso_millis(world.clock * 1000)
    body: dict[str, object] = {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}
    if errors:
        body |= {"numErrors": len(errors), "errors": errors}
    return reply(body, 207 if errors else 200)


@router.on("POST", "/crm/v3/objects/{kind}/batch/read")
def read_batch(world: "World", request: Request, name: str) -> Response:
    """Up to 100 objects by id (or e-mail); archived and merged-away ones count as missing."""
    kind, body = kind_of(name), request.json()
    if kind is None:
        return unknown_kind(name)
    inputs = [str(entry.get("id")) for entry in body.get("inputs", [])]
    if not 1 <= len(inputs) <= PAGE:
        return invalid(f"inputs must hold between 1 and {PAGE} entries", "INVALID_BATCH_SIZE", "inputs")
    table, names = world.objects[kind], names_for(kind, body.get("properties") or ())
    if body.get("idProperty") == "email":
        table = {o.props["email"]: o for o in world.live[kind].records if "email" in o.props}
        inputs = [value.lower() for value in inputs]
    found = {i: table[i] for i in dict.fromkeys(inputs) if i in table and table[i].archived is None}
    missing = [i for i in dict.fromkeys(inputs) if i not in found]
    text = f"Could not get some {_SINGULAR[kind]} objects, they may be deleted or not exist. Check that ids are valid."
    gone = {"status": "error", "category": "OBJECT_NOT_FOUND", "message": text, "context": {"ids": missing}}
    return batch(world, [render(kind, obj, names) for obj in found.values()], [gone] if missing else [])


@router.on("POST", "/crm/v4/associations/{from}/{to}/batch/read")
def read_associations(world: "World", request: Request, from_name: str, to_name: str) -> Response:
    """Associations of many objects; ids that have none are simply absent."""
    kind, to = kind_of(from_name), kind_of(to_name)
    if kind is None or to is None or (kind, to) not in _LABELS:
        return unknown_kind(f"{from_name} to {to_name}")
    results: list[object] = []
    for entry in request.json().get("inputs", []):
        if ids := linked(world, kind, str(entry["id"]), to):
            after = int(entry.get("after") or 0)
            results.append({"from": {"id": str(entry["id"])}, **_links_page(kind, to, ids, after, LINK_PAGE, "to")})
    return batch(world, results, [])


def _links_page(kind: str, to: str, ids: list[str], after: int, limit: int, key: str) -> dict[str, object]:
    types = [
        {"category": "HUBSPOT_DEFINED", "typeId": number, "label": label} for number, label, _ in _LABELS[kind, to]
    ]
    page = {key: [{"toObjectId": int(i), "associationTypes": types} for i in ids[after : after + limit]]}
    return page | _more(ids, after + limit)


@router.on("GET", "/crm/v4/objects/{kind}/{id}/associations/{to}")
def list_associations(world: "World", request: Request, from_name: str, obj_id: str, to_name: str) -> Response:
    """Associations of one object, 500 a page."""
    kind, to = kind_of(from_name), kind_of(to_name)
    if kind is None or to is None or (kind, to) not in _LABELS:
        return unknown_kind(f"{from_name} to {to_name}")
    limit = min(request.integer("limit", LINK_PAGE), LINK_PAGE)
    return reply(_links_page(kind, to, linked(world, kind, obj_id, to), request.integer("after", 0), limit, "results"))
