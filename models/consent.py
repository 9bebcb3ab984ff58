"""What people allow, as sources report it."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime

from models.fields import Category, Entity, Fact, Match, Personal, Ref

Purpose = Literal["service_delivery", "analytics", "profiling", "marketing", "research"]
PURPOSES: tuple[Purpose, ...] = ("service_delivery", "analytics", "profiling", "marketing", "research")


class ConsentEvent(Entity):
    """One decision of one person, or a state first seen at some time. Not the effective state: see privacy.consent."""

    __entity__: ClassVar[str] = "consent_event"
    __grain__: ClassVar[str] = "One row per consent decision a source reports"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "person_id"),)

    person_id: Annotated[str | None, Fact("Source id of the person, where the source gives it")] = None
    address: Annotated[str | None, Personal(Category.CONTACT, "E-mail address the decision is about", Match.EMAIL)] = (
        None
    )
    purpose: Annotated[Purpose, Fact("What the data may or may not be used for")]
    channel: Annotated[str, Fact("Channel the decision is about, or 'all'")] = "all"
    scope: Annotated[str, Fact("Subscription or topic it is limited to, or 'all'")] = "all"
    state: Annotated[
        Literal["granted", "denied", "withdrawn", "cleared"],
        Fact("The decision; cleared: the refusal of this event is over, without a grant"),
    ]
    at: Annotated[AwareDatetime, Fact("When it was made", unit="UTC")]
    inferred: Annotated[bool, Fact("The time is when we first saw the state, not when it was decided")] = False
    lawful_basis: Annotated[str | None, Fact("Lawful basis the source records")] = None
    evidence: Annotated[str | None, Fact("How the source learned of it, as a code")] = None
    policy_version: Annotated[str | None, Fact("Version of the notice shown, where known")] = None
