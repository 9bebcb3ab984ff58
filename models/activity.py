"""What people and the business did: tickets, messages, answers to surveys, reviews, runs of automations."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime

from models.fields import Category, Entity, Fact, Personal, Ref

Channel = Literal[
    "email", "chat", "chatbot", "phone", "sms", "social", "in_store", "web", "app", "portal", "kb", "review", "other"
]
Actor = Literal["customer", "agent", "bot", "system"]


class Ticket(Entity):
    """A request for help and its present state. Its history is in ``ticket_event``, its words in ``message``."""

    __entity__: ClassVar[str] = "ticket"
    __grain__: ClassVar[str] = "One row per ticket of a source"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "requester_id"),)
    __has_alias__: ClassVar[bool] = True

    requester_id: Annotated[str | None, Fact("Source id of the person who asked")] = None
    submitter_id: Annotated[str | None, Fact("Source id of the person who typed it in")] = None
    assignee_id: Annotated[str | None, Fact("Source id of the member of staff in charge")] = None
    account_id: Annotated[str | None, Fact("Source id of the organisation")] = None
    group_id: Annotated[str | None, Fact("Source id of the group in charge")] = None
    created_at: Annotated[AwareDatetime, Fact("When the ticket was opened", unit="UTC")]
    status: Annotated[Literal["new", "open", "pending", "hold", "solved", "closed", "deleted"], Fact("Present state")]
    channel: Annotated[Channel, Fact("Channel the ticket came in by")] = "other"
    priority: Annotated[str | None, Fact("Priority, as the source states it")] = None
    topic: Annotated[str | None, Fact("Topic, where the source has one")] = None
    solved_at: Annotated[AwareDatetime | None, Fact("When it was last solved, if it is", unit="UTC")] = None
    reopen_count: Annotated[int | None, Fact("How often it was reopened, as the source counts")] = None
    is_spam: Annotated[bool, Fact("The source marks it as spam")] = False
    merged_into: Annotated[str | None, Fact("Source id of the ticket it was merged into, or 'unknown'")] = None
    title: Annotated[str | None, Personal(Category.FREE_TEXT, "Subject line")] = None


class Message(Entity):
    """One message or internal note of a ticket."""

    __entity__: ClassVar[str] = "message"
    __grain__: ClassVar[str] = "One row per message of a ticket"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("ticket", "ticket_id"),)

    ticket_id: Annotated[str, Fact("Source id of the ticket")]
    author_id: Annotated[str | None, Fact("Source id of the author")] = None
    at: Annotated[AwareDatetime, Fact("When it was written", unit="UTC")]
    actor: Annotated[
        Actor | None, Fact("Who wrote it where the message itself says so; else the author's record decides")
    ] = None
    is_public: Annotated[bool, Fact("The customer can see it")] = True
    channel: Annotated[Channel, Fact("Channel it came by")] = "other"
    body: Annotated[str | None, Personal(Category.FREE_TEXT, "The words")] = None
    ip_address: Annotated[str | None, Personal(Category.NETWORK_ID, "Address of the sender's device")] = None


class TicketEvent(Entity):
    """A change of a ticket's state, so that solving and reopening can be counted when they happened."""

    __entity__: ClassVar[str] = "ticket_event"
    __grain__: ClassVar[str] = "One row per change of a ticket's state"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("ticket", "ticket_id"),)

    ticket_id: Annotated[str, Fact("Source id of the ticket")]
    at: Annotated[AwareDatetime, Fact("When it changed", unit="UTC")]
    kind: Annotated[Literal["created", "status", "merged"], Fact("What kind of change")]
    status_from: Annotated[str | None, Fact("State before, where known")] = None
    status_to: Annotated[str | None, Fact("State after")] = None


class SurveyInvitation(Entity):
    """A question that was put to somebody, answered or not."""

    __entity__: ClassVar[str] = "survey_invitation"
    __grain__: ClassVar[str] = "One row per survey offered to a person"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"),)

    person_id: Annotated[str | None, Fact("Source id of the person asked")] = None
    ticket_id: Annotated[str | None, Fact("Source id of the ticket it is about")] = None
    instrument: Annotated[Literal["NPS", "CSAT", "CES", "custom"], Fact("Kind of survey")]
    delivered_at: Annotated[AwareDatetime, Fact("When it was delivered", unit="UTC")]
    request_channel: Annotated[Channel, Fact("Channel it was sent by")] = "other"
    trigger: Annotated[str | None, Fact("What caused it")] = None


class SurveyResponse(Entity):
    """An answer to one item of a survey."""

    __entity__: ClassVar[str] = "survey_response"
    __grain__: ClassVar[str] = "One row per answered survey item"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"),)

    person_id: Annotated[str | None, Fact("Source id of the person who answered")] = None
    ticket_id: Annotated[str | None, Fact("Source id of the ticket it is about")] = None
    invitation_id: Annotated[str | None, Fact("Source id of the invitation, where known")] = None
    answered_at: Annotated[AwareDatetime, Fact("When it was answered", unit="UTC")]
    instrument: Annotated[Literal["NPS", "CSAT", "CES", "custom"], Fact("Kind of survey")]
    item_id: Annotated[str | None, Fact("Which question")] = None
    scale_min: Annotated[float | None, Fact("Lowest possible answer")] = None
    scale_max: Annotated[float | None, Fact("Highest possible answer")] = None
    orientation: Annotated[Literal["high_good", "high_bad"], Fact("Which end of the scale is the good one")] = (
        "high_good"
    )
    score: Annotated[float | None, Fact("The answer on its own scale")] = None
    category: Annotated[
        Literal["good", "neutral", "bad"] | None, Fact("How the source itself sorts the answer, if it does")
    ] = None
    channel: Annotated[Channel, Fact("Channel the survey was answered by")] = "other"
    topic: Annotated[str | None, Fact("Topic, where the source has one")] = None
    touchpoint: Annotated[str | None, Fact("Point of the journey the question belongs to")] = None
    mode: Annotated[
        Literal["self_service", "assisted", "mixed"] | None, Fact("Whether staff had been involved, where known")
    ] = None
    comment: Annotated[str | None, Personal(Category.FREE_TEXT, "The words added to the answer")] = None


class Review(Entity):
    """A public opinion on a review platform, and whether the business replied.

    Platforms say little about who wrote it. Unless one names a person record, a review is its own subject and never
    joins anybody: an author's name alone is no key.
    """

    __entity__: ClassVar[str] = "review"
    __grain__: ClassVar[str] = "One row per review of a platform"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"),)

    person_id: Annotated[str | None, Fact("Source id of the person, where the platform names one")] = None
    platform: Annotated[str, Fact("Platform it was written on, for example google")]
    location: Annotated[str | None, Fact("Branch of the business it is about, by its id on the platform")] = None
    at: Annotated[AwareDatetime, Fact("When it was written", unit="UTC")]
    updated_at: Annotated[AwareDatetime | None, Fact("When its author last changed it", unit="UTC")] = None
    rating: Annotated[float | None, Fact("The rating on its own scale")] = None
    rating_max: Annotated[float | None, Fact("Best possible rating; the worst is 1")] = None
    reply_at: Annotated[AwareDatetime | None, Fact("When the business replied, if its reply is public", unit="UTC")] = (
        None
    )
    is_anonymous: Annotated[bool, Fact("Its author wanted no name beside it")] = False
    author: Annotated[str | None, Personal(Category.NAME, "Name shown beside it")] = None
    text: Annotated[str | None, Personal(Category.FREE_TEXT, "The words")] = None


class AutomationRun(Entity):
    """One run of an automation; our own syncs and refreshes are the first to be recorded."""

    __entity__: ClassVar[str] = "automation_run"
    __grain__: ClassVar[str] = "One row per run of an automation"

    process: Annotated[str, Fact("What ran, for example sync/hubspot")]
    root_run_id: Annotated[str, Fact("First run of the chain of retries")]
    retry_of: Annotated[str | None, Fact("Run this one repeats")] = None
    retry_kind: Annotated[Literal["none", "auto", "manual"], Fact("Who asked for the repeat")] = "none"
    manual_touch: Annotated[bool, Fact("A person had to step in")] = False
    started_at: Annotated[AwareDatetime, Fact("Start", unit="UTC")]
    stopped_at: Annotated[AwareDatetime | None, Fact("End", unit="UTC")] = None
    status: Annotated[Literal["success", "error", "crashed", "canceled", "running", "waiting"], Fact("How it ended")]
    error_class: Annotated[str | None, Fact("Class of the error, never its text")] = None
    units: Annotated[int | None, Fact("Records worked on", unit="records")] = None
