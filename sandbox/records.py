"""What the world holds: one class per kind of record, slots only, because a large world has millions of them."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Person:
    """A true person. ``company`` is an index into the world's companies, or -1."""

    key: str
    locale: int
    first: str
    last: str
    email: str
    second_email: str | None
    phone: str
    street: str
    zip: str
    city: str
    company: int
    uses_office_phone: bool = False
    contact_ids: list[str] = field(default_factory=list)
    user_ids: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        """First and last name."""
        return f"{self.first} {self.last}"

    @property
    def address(self) -> str:
        """On one line."""
        return f"{self.street}, {self.zip} {self.city}"


@dataclass(slots=True)
class Business:
    """A true company: what HubSpot calls a company and Zendesk an organization. Never a person."""

    name: str
    domain: str
    office_phone: str
    company_id: str
    organization_id: int
    members: list[Person] = field(default_factory=list)


@dataclass(slots=True)
class CrmObject:
    """A HubSpot contact, company, deal or feedback submission.

    ``linked_id`` is the company of a contact or a deal and the contact of a submission; ``contact_ids`` are the
    contacts of a deal. Times are epoch milliseconds.
    """

    id: str
    props: dict[str, str]
    created: int
    updated: int
    archived: int | None = None
    linked_id: str | None = None
    merged_into: str | None = None
    person: Person | None = None
    contact_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ConsentChange:
    """One entry of HubSpot's subscription timeline; ``at`` is epoch milliseconds."""

    at: int
    email: str
    change: str
    change_type: str
    source: str
    subscription_id: int | None
    legal_basis: str | None = None


@dataclass(slots=True)
class Identity:
    """One address or number of a Zendesk user."""

    id: int
    type: str
    value: str
    primary: bool
    created: int


@dataclass(slots=True)
class User:
    """A Zendesk user: end user, agent or bot. Times are epoch seconds."""

    id: int
    name: str
    email: str | None
    phone: str | None
    role: str
    created: int
    updated: int
    external_id: str | None = None
    organization_id: int | None = None
    active: bool = True
    permanently_deleted: bool = False
    notes: str | None = None
    identities: list[Identity] = field(default_factory=list)
    person: Person | None = None


@dataclass(slots=True)
class Organization:
    """A Zendesk organization. Times are epoch seconds."""

    id: int
    name: str
    domain: str
    created: int
    updated: int


@dataclass(slots=True)
class Audit:
    """One change of a ticket: what its children (create, comment, status change) are rendered from.

    The child ids are ``id + 1`` (comment), ``id + 2`` (change) and ``id + 3`` (create). Without comment
    ``body`` is None.
    """

    id: int
    ticket_id: int
    at: int
    author_id: int
    channel: str
    body: str | None = None
    public: bool = True
    ip: str | None = None
    before: str | None = None
    after: str | None = None


@dataclass(slots=True)
class Rating:
    """A legacy satisfaction rating, or (``stars`` set) an answer to the new survey."""

    id: int
    ticket_id: int
    requester_id: int
    assignee_id: int
    score: str
    created: int
    updated: int
    comment: str | None = None
    stars: int = 0


@dataclass(slots=True)
class Ticket:
    """A Zendesk ticket. ``generated`` is the vendor's generated_timestamp, what incremental exports go by.

    ``opened_by_agent``: the assignee wrote first, without being asked.
    """

    id: int
    subject: str
    number: str
    status: str
    requester_id: int
    assignee_id: int
    channel: str
    created: int
    updated: int
    generated: int
    organization_id: int | None = None
    status_before_deletion: str | None = None
    audits: list[Audit] = field(default_factory=list)
    rating: Rating | None = None
    opened_by_agent: bool = False
