"""HubSpot: the CRM's people and companies, what they allow, what they answered in surveys, and what is sold to them.

Lands:      contacts, companies, subscription_timeline, feedback_submissions, deals
Left out:   tickets, orders, owners and conversations (no metric reads them yet), e-mail events (bulk without a
            decision in them), a contact's message, birth date, gender, job and addresses derived from IPs (no use), a
            deal's name, description and reasons (free text no metric reads), custom properties unless configured
Increments: objects by search on their modified time, an hour over, because search shows changes late; archived
            objects in full, because search never shows them; the timeline by windows of time
Limits:     a search ends at 10,000 results, so it goes on by id; 100 records per listing, 200 per search
Source:     https://developers.hubspot.com, API v3 and v4, events v1, read 2026-08
"""

from datetime import timedelta

from connectors.auth import Bearer
from connectors.cursors import ChangedSince
from connectors.hubspot.account import (
    describe,
    load_deal_pipelines,
    load_home_currency,
    load_optout_properties,
    load_subscriptions,
    missing_scopes,
    refusal,
)
from connectors.hubspot.counts import search_total
from connectors.hubspot.maps import map_company, map_contact, map_deal, map_feedback, map_timeline
from connectors.hubspot.oauth import OAUTH
from connectors.hubspot.readers import attach_associations, by_ids, read_objects, read_timeline
from connectors.hubspot.sweeps import ids_above
from connectors.shapes import fields
from connectors.spec import Budget, Probe, Request, Source, Stream
from connectors.sweeping import Sweeping
from connectors.windows import Told, Window
from models import Account, ConsentEvent, Deal, Person, SurveyResponse

_HOUR = timedelta(hours=1)
_ARCHIVED = "all that is archived, because searches never show it and listings cannot be asked for what changed"
_ENVELOPE = fields(
    text="id url",
    time="createdAt updatedAt archivedAt",
    flag="archived",
    object="properties associations propertiesWithHistory",
)
_PROPERTIES = "properties"
_TEN_SECONDS = Told(
    remaining="X-HubSpot-RateLimit-Remaining",
    limit="X-HubSpot-RateLimit-Max",
    milliseconds="X-HubSpot-RateLimit-Interval-Milliseconds",
)
_DAY = Told(remaining="X-HubSpot-RateLimit-Daily-Remaining", limit="X-HubSpot-RateLimit-Daily")

HUBSPOT = Source(
    name="hubspot",
    base_url="https://api.hubapi.com",
    auth=Bearer,
    budget=Budget(
        # The smallest plan; the headers tell of a larger one. Search answers have no such headers, and whether they
        # count in the ten seconds is not said: taken as if they did.
        windows=(
            Window(100, 10, told=_TEN_SECONDS, policy="TEN_SECONDLY_ROLLING"),
            Window(5, 1, within="/search", policy="SECONDLY"),
            Window(250_000, 86_400, told=_DAY, policy="DAILY"),
        ),
    ),
    credential_help="Make or repair the token in HubSpot under Settings, Integrations, service keys or private apps.",
    missing_scopes=missing_scopes,
    refusal=refusal,
    options=frozenset({"subscription_purposes"}),
    lookups={
        "optout_properties": load_optout_properties,
        "subscriptions": load_subscriptions,
        "deal_pipelines": load_deal_pipelines,
        "home_currency": load_home_currency,
    },
    describe=describe,
    oauth=OAUTH,
    probes=(
        Probe(Request("/crm/v3/objects/contacts", {"limit": "1"}), "crm.objects.contacts.read"),
        Probe(Request("/crm/v3/objects/companies", {"limit": "1"}), "crm.objects.companies.read"),
        Probe(Request("/crm/v3/objects/feedback_submissions", {"limit": "1"}), "crm.objects.feedback_submissions.read"),
        Probe(Request("/crm/v3/objects/deals", {"limit": "1"}), "crm.objects.deals.read"),
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
            texts_in=_PROPERTIES,
            cursor=ChangedSince("hs_lastmodifieddate", overlap=_HOUR),
            read=read_objects,
            by_ids=by_ids("companies"),
            count=search_total("companies"),
            rereads=_ARCHIVED,
            sweep=Sweeping(Account, ids_above),
        ),
        Stream(
            name="contacts",
            entities=(ConsentEvent, Person),
            path="/crm/v3/objects/contacts",
            rows_at="results",
            map=map_contact,
            fields=_ENVELOPE,
            texts_in=_PROPERTIES,
            cursor=ChangedSince("lastmodifieddate", overlap=_HOUR),
            read=read_objects,
            by_ids=by_ids("contacts"),
            count=search_total("contacts"),
            rereads=_ARCHIVED,
            sweep=Sweeping(Person, ids_above),
            lookups=("optout_properties", "subscriptions"),
        ),
        Stream(
            name="subscription_timeline",
            entities=(ConsentEvent,),
            path="/email/public/v1/subscriptions/timeline",
            rows_at="timeline",
            map=map_timeline,
            fields=fields(text="id recipient", whole="timestamp portalId", any="normalizedEmailId", list="changes"),
            cursor=ChangedSince("startTimestamp", overlap=_HOUR),
            read=read_timeline,
            lookups=("subscriptions",),
        ),
        Stream(
            name="feedback_submissions",
            entities=(SurveyResponse,),
            path="/crm/v3/objects/feedback_submissions",
            rows_at="results",
            map=map_feedback,
            fields=_ENVELOPE,
            texts_in=_PROPERTIES,
            cursor=ChangedSince("hs_lastmodifieddate", overlap=_HOUR),
            params={"associations": "contacts"},
            read=read_objects,
            by_ids=by_ids("feedback_submissions"),
            count=search_total("feedback_submissions"),
            rereads=_ARCHIVED,
            sweep=Sweeping(SurveyResponse, ids_above),
            enrich=attach_associations,
        ),
        Stream(
            name="deals",
            entities=(Deal,),
            path="/crm/v3/objects/deals",
            rows_at="results",
            map=map_deal,
            fields=_ENVELOPE,
            texts_in=_PROPERTIES,
            cursor=ChangedSince("hs_lastmodifieddate", overlap=_HOUR),
            params={"associations": "contacts,companies"},
            read=read_objects,
            by_ids=by_ids("deals"),
            count=search_total("deals"),
            rereads=_ARCHIVED,
            sweep=Sweeping(Deal, ids_above),
            enrich=attach_associations,
            lookups=("deal_pipelines", "home_currency"),
        ),
    ),
)
