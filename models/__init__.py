"""What things are: entities of the lake and tables of the stores. Imports nothing else of ours."""

from models.activity import AutomationRun, Message, SurveyInvitation, SurveyResponse, Ticket, TicketEvent
from models.consent import PURPOSES, ConsentEvent, Purpose
from models.control import AuditEntry, ConsentLedger, Lease, Quarantine, RegisteredId, SyncRun, SyncState
from models.fields import OURSELVES, Category, Entity, Fact, Match, Personal, Ref
from models.marts import ConsentState, Customer360, DimMetric, MetricValue, ProfileLink, SegmentMembership
from models.people import Account, IdentityEvent, IdentityLink, Person
from models.tables import STORES
from models.vault import Credential, StoredKeyRing, SubjectAlias, SubjectKey, Suppression

ENTITIES: tuple[type[Entity], ...] = (
    Person,
    Account,
    Ticket,
    Message,
    TicketEvent,
    SurveyInvitation,
    SurveyResponse,
    ConsentEvent,
    AutomationRun,
    IdentityLink,
    IdentityEvent,
)
"""Every lake entity, once."""

__all__ = [
    "ENTITIES",
    "OURSELVES",
    "PURPOSES",
    "STORES",
    "Account",
    "AuditEntry",
    "AutomationRun",
    "Category",
    "ConsentEvent",
    "ConsentLedger",
    "ConsentState",
    "Credential",
    "Customer360",
    "DimMetric",
    "Entity",
    "Fact",
    "IdentityEvent",
    "IdentityLink",
    "Lease",
    "Match",
    "Message",
    "MetricValue",
    "Person",
    "Personal",
    "ProfileLink",
    "Purpose",
    "Quarantine",
    "Ref",
    "RegisteredId",
    "SegmentMembership",
    "StoredKeyRing",
    "SubjectAlias",
    "SubjectKey",
    "Suppression",
    "SurveyInvitation",
    "SurveyResponse",
    "SyncRun",
    "SyncState",
    "Ticket",
    "TicketEvent",
]
