"""What things are: entities of the lake and tables of the stores. Imports nothing else of ours."""

from models.activity import AutomationRun, Message, Review, SurveyInvitation, SurveyResponse, Ticket, TicketEvent
from models.commerce import MICROS, Checkout, Deal, Order, OrderLine, Refund, RefundLine, ReturnLine, micros
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
    Review,
    Order,
    OrderLine,
    Refund,
    RefundLine,
    ReturnLine,
    Checkout,
    Deal,
    ConsentEvent,
    AutomationRun,
    IdentityLink,
    IdentityEvent,
)
"""Every lake entity, once."""

__all__ = [
    "ENTITIES",
    "MICROS",
    "OURSELVES",
    "PURPOSES",
    "STORES",
    "Account",
    "AuditEntry",
    "AutomationRun",
    "Category",
    "Checkout",
    "ConsentEvent",
    "ConsentLedger",
    "ConsentState",
    "Credential",
    "Customer360",
    "Deal",
    "DimMetric",
    "Entity",
    "Fact",
    "IdentityEvent",
    "IdentityLink",
    "Lease",
    "Match",
    "Message",
    "MetricValue",
    "Order",
    "OrderLine",
    "Person",
    "Personal",
    "ProfileLink",
    "Purpose",
    "Quarantine",
    "Ref",
    "Refund",
    "RefundLine",
    "RegisteredId",
    "ReturnLine",
    "Review",
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
    "micros",
]
