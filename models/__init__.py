"""What things are: entities of the lake and tables of the stores. Imports nothing else of ours."""

from models.activity import AutomationRun, Message, SurveyInvitation, SurveyResponse, Ticket, TicketEvent
from models.consent import PURPOSES, ConsentEvent, Purpose
from models.fields import Category, Entity, Fact, Match, Personal, Ref
from models.people import Account, IdentityEvent, IdentityLink, Person

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
    "PURPOSES",
    "Account",
    "AutomationRun",
    "Category",
    "ConsentEvent",
    "Entity",
    "Fact",
    "IdentityEvent",
    "IdentityLink",
    "Match",
    "Message",
    "Person",
    "Personal",
    "Purpose",
    "Ref",
    "SurveyInvitation",
    "SurveyResponse",
    "Ticket",
    "TicketEvent",
]
