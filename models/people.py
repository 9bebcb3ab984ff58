"""People and the organisations they belong to, as one source describes them; and the links between records."""

from typing import Annotated, ClassVar, Literal

from pydantic import AwareDatetime

from models.fields import Category, Entity, Fact, Match, Personal, Ref


class Person(Entity):
    """Somebody a source knows: a customer, a member of staff, or a bot that acts as one."""

    __entity__: ClassVar[str] = "person"
    __grain__: ClassVar[str] = "One row per person record of a source"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "source_id"),)
    __has_alias__: ClassVar[bool] = True

    kind: Annotated[Literal["customer", "staff", "bot"], Fact("Whether the record is a customer, staff or a bot")] = (
        "customer"
    )
    account_id: Annotated[str | None, Fact("Source id of the organisation the person belongs to")] = None
    created_at: Annotated[AwareDatetime | None, Fact("When the source created the record", unit="UTC")] = None
    given_name: Annotated[str | None, Personal(Category.NAME, "First name")] = None
    family_name: Annotated[str | None, Personal(Category.NAME, "Last name")] = None
    full_name: Annotated[str | None, Personal(Category.NAME, "Name where the source does not split it")] = None
    email: Annotated[str | None, Personal(Category.CONTACT, "Main e-mail address", Match.EMAIL)] = None
    other_emails: Annotated[list[str] | None, Personal(Category.CONTACT, "Further e-mail addresses", Match.EMAIL)] = (
        None
    )
    phone: Annotated[str | None, Personal(Category.CONTACT, "Main phone number", Match.PHONE)] = None
    other_phones: Annotated[list[str] | None, Personal(Category.CONTACT, "Further phone numbers", Match.PHONE)] = None
    street: Annotated[str | None, Personal(Category.ADDRESS, "Street and number")] = None
    postal_code: Annotated[str | None, Personal(Category.ADDRESS, "Postal code")] = None
    city: Annotated[str | None, Personal(Category.ADDRESS, "Town")] = None
    region: Annotated[str | None, Fact("Country, as the source writes it")] = None
    locale: Annotated[str | None, Fact("Language or locale code")] = None
    acquisition_channel: Annotated[str | None, Fact("How the person first came, as the source classifies it")] = None
    lifecycle_stage: Annotated[str | None, Fact("Stage of the relationship, as the source classifies it")] = None
    notes: Annotated[str | None, Personal(Category.FREE_TEXT, "Notes staff keep about the person")] = None
    cross_source: Annotated[str | None, Fact("Other system whose id is in cross_id, where the source says so")] = None
    cross_id: Annotated[str | None, Fact("Id of the same person in another system (vendor cross-reference)")] = None
    merged_into: Annotated[str | None, Fact("Source id of the record this one was merged into")] = None
    is_test: Annotated[bool, Fact("Record made for testing; left out of every metric")] = False
    is_guest: Annotated[
        bool, Fact("Made from what a guest's order carries, because the source keeps no record of the buyer")
    ] = False


class Account(Entity):
    """An organisation a source knows. A sole trader's company name is a person's name, so it is protected."""

    __entity__: ClassVar[str] = "account"
    __grain__: ClassVar[str] = "One row per organisation record of a source"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("account", "source_id"),)

    name: Annotated[str | None, Personal(Category.NAME, "Name of the organisation")] = None
    domain: Annotated[str | None, Personal(Category.CONTACT, "Main internet domain")] = None
    phone: Annotated[str | None, Personal(Category.CONTACT, "Phone number", Match.PHONE)] = None
    created_at: Annotated[AwareDatetime | None, Fact("When the source created the record", unit="UTC")] = None
    industry: Annotated[str | None, Fact("Industry, as the source classifies it")] = None
    employees: Annotated[int | None, Fact("Number of employees the source states", unit="persons")] = None
    region: Annotated[str | None, Fact("Country, as the source writes it")] = None
    merged_into: Annotated[str | None, Fact("Source id of the record this one was merged into")] = None


class IdentityLink(Entity):
    """Which profile a person record belongs to, and why. Written by identity resolution, not by a source."""

    __entity__: ClassVar[str] = "identity_link"
    __grain__: ClassVar[str] = "One row per person record of a source"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "source_id"),)

    profile_id: Annotated[str, Fact("Profile the record belongs to")]
    method: Annotated[
        Literal["single", "deterministic", "manual", "probabilistic"],
        Fact("How the record was linked: by nothing yet, by a key, by an operator's answer, or by similarity"),
    ]
    key_type: Annotated[
        Literal["email", "phone", "cross_reference", "source_merge"] | None,
        Fact("Kind of key that linked the record to the others, if any"),
    ] = None
    confidence: Annotated[float, Fact("Confidence of the link, below 1 for similarity alone", unit="0 to 1")] = 1.0
    linked_at: Annotated[AwareDatetime, Fact("When the record was first linked to this profile", unit="UTC")]


class IdentityEvent(Entity):
    """A merge or a split of profiles, kept so that it can be explained and undone."""

    __entity__: ClassVar[str] = "identity_event"
    __grain__: ClassVar[str] = "One row per merge or split of profiles"

    kind: Annotated[Literal["merge", "split"], Fact("What happened")]
    profile_id: Annotated[str, Fact("Profile that was kept (merge) or left (split)")]
    other_profile_id: Annotated[str, Fact("Profile that was merged away or newly made")]
    key_type: Annotated[
        str | None, Fact("What caused it, if anything did: a kind of key, an answer, or similarity")
    ] = None
    at: Annotated[AwareDatetime, Fact("When it was decided", unit="UTC")]


class MatchKey(Entity):
    """What makes a person record worth comparing with others. Written by identity resolution, not by a source."""

    __entity__: ClassVar[str] = "match_key"
    __grain__: ClassVar[str] = "One row per person record of a source that can be compared"
    __subject__: ClassVar[tuple[Ref, ...]] = (Ref("person", "source_id"),)

    stamp: Annotated[str, Fact("Digest of what the tokens were made from and by which rules")]
    tokens: Annotated[list[str], Fact("Keyed tokens of what other records must share to be compared with this one")]
    compared: Annotated[str | None, Fact("Keyed token of everything the record is compared by and of the rules")] = None
    plain: Annotated[bool | None, Fact("Whether none of its e-mail addresses is a function's or has a tag")] = None
