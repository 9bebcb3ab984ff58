"""HubSpot's object types and the properties each of them has."""

from typing import TYPE_CHECKING

from sandbox.consents import SUBSCRIPTIONS
from sandbox.hubspot_errors import error
from sandbox.web import Request, Response, Router, reply

if TYPE_CHECKING:
    from sandbox.world import World

router = Router()

_ALIASES = {
    "contact": "contacts", "0-1": "contacts", "company": "companies", "0-2": "companies",
    "feedback_submission": "feedback_submissions", "0-19": "feedback_submissions",
    "deal": "deals", "0-3": "deals",
}  # fmt: skip
MODIFIED = {"contacts": "lastmodifieddate"}
CREATED = {"contacts": "createdate", "companies": "createdate", "deals": "createdate"}
_CONTACT = """
    email hs_additional_emails work_email firstname lastname salutation phone mobilephone fax address city state zip
    hs_calculated_phone_number hs_searchable_calculated_phone_number country date_of_birth gender company jobtitle
    website hs_language hs_timezone ip_city ip_country message lifecyclestage hs_lead_status associatedcompanyid
    hubspot_owner_id notes_last_contacted hs_analytics_source hs_latest_source hs_email_optout hs_legal_basis
    hs_data_privacy_ads_consent hs_emailconfirmationstatus hs_marketable_status hs_email_bad_address
    hs_email_quarantined hs_merged_object_ids hs_calculated_merged_vids hs_all_contact_vids
"""
_COMPANY = """
    name domain website phone address address2 city state zip country industry numberofemployees annualrevenue
    lifecyclestage hubspot_owner_id hs_num_child_companies hs_parent_company_id hs_additional_domains
    hs_merged_object_ids
"""
_FEEDBACK = """
    hs_survey_id hs_survey_name hs_survey_type hs_survey_channel hs_submission_name hs_content hs_response_group
    hs_sentiment hs_value hs_submission_timestamp
"""
_DEAL = """
    dealname amount deal_currency_code amount_in_home_currency closedate pipeline dealstage dealtype hs_is_closed
    hs_is_closed_won hs_deal_stage_probability hubspot_owner_id description closed_lost_reason closed_won_reason
    hs_merged_object_ids
"""
KNOWN: dict[str, dict[str, None]] = {
    "contacts": dict.fromkeys([*_CONTACT.split(), *(f"hs_email_optout_{number}" for number, *_ in SUBSCRIPTIONS)]),
    "companies": dict.fromkeys(_COMPANY.split()),
    "feedback_submissions": dict.fromkeys(_FEEDBACK.split()),
    "deals": dict.fromkeys(_DEAL.split()),
}
"""Stored properties by object type, in the order they are listed; times and the id come on top."""


def kind_of(name: str) -> str | None:
    """The canonical object type, or None for one this account does not have."""
    kind = _ALIASES.get(name, name)
    return kind if kind in KNOWN else None


def unknown_kind(name: str) -> Response:
    """The vendor's answer to an object type that does not exist."""
    return error(400, "VALIDATION_ERROR", f"Unable to infer object type from: {name}")


@router.on("GET", "/crm/v3/properties/{kind}")
def list_properties(_world: "World", _request: Request, name: str) -> Response:
    """Property definitions, not paged."""
    kind = kind_of(name)
    if kind is None:
        return unknown_kind(name)
    times = (CREATED.get(kind, "hs_createdate"), MODIFIED.get(kind, "hs_lastmodifieddate"))
    return reply({"results": [_definition(n, kind, times) for n in (*KNOWN[kind], *times, "hs_object_id")]})


def _definition(name: str, kind: str, times: tuple[str, ...]) -> dict[str, object]:
    optout = name.startswith("hs_email_optout")
    return {
        "name": name,
        "label": name.replace("_", " ").capitalize(),
        "type": "datetime" if name in times else "bool" if optout else "string",
        "fieldType": "date" if name in times else "booleancheckbox" if optout else "text",
        "description": "",
        "groupName": f"{kind}_information",
        "options": [],
        "hasUniqueValue": False,
        "hidden": False,
        "hubspotDefined": True,
        "archived": False,
        "modificationMetadata": {
            "readOnlyValue": optout or name in times,
            "readOnlyDefinition": True,
            "archivable": False,
        },
        "dataSensitivity": "non_sensitive",
    }
