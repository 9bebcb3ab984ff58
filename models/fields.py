"""How a field says what it is: a fact, or a personal value of some category.

Every field of every entity carries exactly one of the two marks below in its annotation;
``tests/test_classification.py`` fails otherwise. From the marks follow the Arrow schema, what is encrypted
and tokenised, and the data dictionary (see ``derive.py``).
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AwareDatetime
from sqlmodel import SQLModel

OURSELVES = "cdp"
"""Source of the rows the platform itself writes: its runs, and what identity decided."""


class Category(StrEnum):
    """Kinds of personal value; each has its own index key and its own line in the dictionary."""

    CONTACT = "contact"
    NAME = "name"
    ADDRESS = "address"
    FREE_TEXT = "free_text"
    NETWORK_ID = "network_id"
    SPECIAL = "special"


class Match(StrEnum):
    """How a value is normalised before its token is taken, so that equal identifiers meet."""

    EMAIL = "email"
    PHONE = "phone"


@dataclass(frozen=True, slots=True)
class Personal:
    """A value about a person: encrypted under the row's subject, tokenised if ``match`` is given."""

    category: Category
    meaning: str
    match: Match | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """A value that identifies nobody by itself: stored as it is. ``unit`` is named where there is one."""

    meaning: str
    unit: str | None = None


@dataclass(frozen=True, slots=True)
class Ref:
    """A field that names the record a row is about: ``kind`` is the entity it points at."""

    kind: str
    field: str


class Entity(SQLModel):
    """What every lake row has. One row is one version of one record of one source.

    ``__subject__`` lists, in order, the references that say whom the row is about; the first one that is
    not null decides, and a row without any is its own subject. ``__has_alias__`` marks records that other
    rows point at.
    """

    model_config = {"extra": "forbid", "hide_input_in_errors": True}

    __entity__: ClassVar[str]
    __grain__: ClassVar[str]
    __subject__: ClassVar[tuple[Ref, ...]] = ()
    __has_alias__: ClassVar[bool] = False

    source: Annotated[str, Fact("System the record comes from, as named in the configuration")]
    source_id: Annotated[str, Fact("Id of the record in its source")]
    version_at: Annotated[AwareDatetime, Fact("When the source last changed the record", unit="UTC")]
    deleted: Annotated[bool, Fact("The source has deleted or archived the record")] = False
