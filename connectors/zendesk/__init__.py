"""Zendesk Support: people who write in, their tickets and words, and how satisfied they were.

Lands:      organizations, users, deleted_users, tickets, ticket_events, satisfaction_ratings, survey_responses
Left out:   custom fields, tags and user fields (may hold anything) unless configured, attachments, photos, signatures,
            side conversations, metric events and SLAs (no metric reads them yet), the location Zendesk derives from IPs
Increments: users and tickets by the vendor's export cursor; organizations and events by export time; both CSAT kinds
            by their time, thirty days over, because an answer may come long after the question; users deleted for
            good in full, because the export may show them late or not at all
Limits:     ten export calls a minute; exports hold back the last minute
Source:     https://developer.zendesk.com/api-reference, Support API v2, read 2026-05
"""

from collections.abc import Mapping
from datetime import timedelta

from connectors.auth import bearer_or_basic_token
from connectors.cursors import ChangedSince, Everything, ExportCursor, ExportTime
from connectors.paging import export_cursor, export_time, list_cursor
from connectors.shapes import fields
from connectors.spec import Budget, Join, Probe, Request, Source, Stream
from connectors.sweeping import Sweeping
from connectors.windows import Told, Window
from connectors.zendesk import sweeps
from connectors.zendesk.counts import listed
from connectors.zendesk.maps import (
    map_deleted_user,
    map_organization,
    map_rating,
    map_survey,
    map_ticket,
    map_ticket_event,
    map_user,
)
from connectors.zendesk.oauth import OAUTH
from connectors.zendesk.readers import missing_scopes, read_surveys, show_many
from connectors.zendesk.sweeps import show_one, shown
from models import Account, Message, Person, SurveyInvitation, SurveyResponse, Ticket, TicketEvent

_USER_FIELDS = fields(
    text="url name email time_zone iana_time_zone phone locale role external_id alias signature details notes "
    "ticket_restriction",
    whole="id locale_id organization_id role_type custom_role_id default_group_id",
    flag="shared_phone_number verified active shared shared_agent two_factor_auth_enabled moderator "
    "only_private_comments restricted_agent suspended report_csv chat_only",
    time="created_at updated_at last_login_at",
    list="tags identities",
    object="photo user_fields",
)
_TICKET_FIELDS = fields(
    text="url external_id type subject raw_subject description priority status recipient",
    whole="id generated_timestamp custom_status_id requester_id submitter_id assignee_id organization_id group_id "
    "forum_topic_id problem_id ticket_form_id brand_id",
    flag="has_incidents is_public allow_channelback allow_attachments from_messaging_channel",
    time="created_at updated_at due_at",
    list="collaborator_ids follower_ids email_cc_ids tags custom_fields fields sharing_agreement_ids followup_ids",
    object="via metric_set",
    any="satisfaction_rating",
)
_ORGANIZATION_FIELDS = fields(
    text="url name external_id details notes",
    whole="id group_id",
    flag="shared_tickets shared_comments",
    time="created_at updated_at",
    list="domain_names tags",
    object="organization_fields",
)
_EVENT_FIELDS = fields(
    text="event_type",
    whole="id ticket_id timestamp updater_id",
    time="created_at",
    list="child_events merged_ticket_ids",
    any="via system metadata",
)
_RATING_FIELDS = fields(
    text="url score comment reason",
    whole="id ticket_id requester_id assignee_id group_id reason_id reason_code",
    time="created_at updated_at",
)
_SURVEY_FIELDS = fields(
    time="expires_at", whole="responder_id", list="subject_zrns subjects answers", object="survey", any="id"
)
_ANSWERS_LATE = timedelta(days=30)
_LATE_ANSWERS = (
    "those of the last thirty days, because an answer comes into the record of the question and moves no time"
)
_PAGE: Mapping[str, str] = {"per_page": "1000"}

ZENDESK = Source(
    name="zendesk",
    base_url="https://{account}.zendesk.com",
    auth=bearer_or_basic_token,
    budget=Budget(
        # The smallest plan that has the exports; the headers tell of a larger one.
        windows=(
            Window(200, 60, told=Told("X-Rate-Limit-Remaining", limit="X-Rate-Limit", reset="ratelimit-reset")),
            Window(10, 60, within="/incremental/"),
            Window(10, 60, within="/deleted_tickets"),
            Window(100, 60, within="/search/export"),
        ),
    ),
    credential_help=(
        "Make or repair the token in Zendesk's Admin Center under Apps and integrations, APIs; its owner "
        "must be an admin."
    ),
    missing_scopes=missing_scopes,
    options=frozenset({"bot_user_ids", "external_id_is"}),
    oauth=OAUTH,
    probes=(
        Probe(Request("/api/v2/users/me"), "users:read"),
        Probe(Request("/api/v2/users", {"page[size]": "1"}), "users:read"),
        Probe(Request("/api/v2/organizations", {"page[size]": "1"}), "organizations:read"),
        # Agents may list tickets, only admins may export them.
        Probe(Request("/api/v2/incremental/tickets/cursor", {"start_time": "1", "per_page": "1"}), "tickets:read"),
        Probe(Request("/api/v2/satisfaction_ratings", {"page[size]": "1"}), "read", absent_on=(403, 404)),
    ),
    streams=(
        Stream(
            name="organizations",
            entities=(Account,),
            path="/api/v2/incremental/organizations",
            rows_at="organizations",
            map=map_organization,
            fields=_ORGANIZATION_FIELDS,
            cursor=ExportTime(),
            paging=export_time,
            params=_PAGE,
            count=listed("organizations"),
            sweep=Sweeping(Account, sweeps.listed("organizations"), show_one("organizations")),
            per_request=1000,
        ),
        Stream(
            name="users",
            entities=(Person,),
            path="/api/v2/incremental/users/cursor",
            rows_at="users",
            map=map_user,
            fields=_USER_FIELDS,
            cursor=ExportCursor(),
            paging=export_cursor,
            params={**_PAGE, "include": "identities"},
            joins=(Join("identities", on="user_id"),),
            by_ids=show_many("users", include="identities"),
            count=listed("users"),
            sweep=Sweeping(Person, shown("users", is_alive=lambda user: user.get("active") is not False)),
            per_request=1000,
        ),
        Stream(
            name="deleted_users",
            entities=(Person,),
            path="/api/v2/deleted_users",
            rows_at="deleted_users",
            map=map_deleted_user,
            fields=_USER_FIELDS,
            cursor=Everything(),
            paging=list_cursor,
            params={"page[size]": "100"},
            after=("users",),
            rereads="the whole list, because the exports may show these users late or not at all",
        ),
        Stream(
            name="tickets",
            entities=(Ticket,),
            path="/api/v2/incremental/tickets/cursor",
            rows_at="tickets",
            map=map_ticket,
            fields=_TICKET_FIELDS,
            cursor=ExportCursor(),
            paging=export_cursor,
            params={**_PAGE, "include": "metric_sets"},
            by_ids=show_many("tickets", include="metric_sets"),
            count=listed("tickets"),
            sweep=Sweeping(
                Ticket, shown("tickets", is_alive=lambda ticket: ticket.get("status") != "deleted"), show_one("tickets")
            ),
            per_request=1000,
        ),
        Stream(
            name="ticket_events",
            entities=(Message, TicketEvent),
            path="/api/v2/incremental/ticket_events",
            rows_at="ticket_events",
            map=map_ticket_event,
            fields=_EVENT_FIELDS,
            cursor=ExportTime(),
            paging=export_time,
            params={**_PAGE, "include": "comment_events"},
            after=("tickets",),
        ),
        Stream(
            name="satisfaction_ratings",
            entities=(SurveyResponse, SurveyInvitation),
            path="/api/v2/satisfaction_ratings",
            rows_at="satisfaction_ratings",
            map=map_rating,
            fields=_RATING_FIELDS,
            cursor=ChangedSince("start_time", overlap=_ANSWERS_LATE),
            paging=list_cursor,
            params={"page[size]": "100"},
            absent_on=(403, 404),
            rereads=_LATE_ANSWERS,
        ),
        Stream(
            name="survey_responses",
            entities=(SurveyResponse,),
            path="/api/v2/guide/survey_responses",
            rows_at="survey_responses",
            map=map_survey,
            fields=_SURVEY_FIELDS,
            cursor=ChangedSince("filter[created_at_start]", overlap=_ANSWERS_LATE),
            params={"page[size]": "100", "sort": "id"},
            read=read_surveys,
            absent_on=(403, 404),
            rereads=_LATE_ANSWERS,
        ),
    ),
)
