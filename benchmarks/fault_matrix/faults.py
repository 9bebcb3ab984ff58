"""The rows of the matrix: what goes wrong, and when."""

from collections.abc import Callable
from dataclasses import dataclass

from sandbox.records import CrmObject
from sandbox.switches import Fault
from sandbox.vanishing import vanish
from sandbox.world import World

PATH = "/crm/v3/objects/contacts"
PAGE = 10
"""Records a page holds, so that a small account has many, whether they are read one by one or side by side."""
_AFTER = 12
"""Requests before the fault: it then meets a page in the middle, whatever else a reader asks at first."""
_NEWEST, _FEW = 2, 3
_MINUTE = 60_000


@dataclass(frozen=True, slots=True)
class Row:
    """One fault.

    Attributes:
        name: In words.
        what: What is done, in a sentence.
        happen: Makes it happen; gives the faults to switch on for the run that meets it.
        begins_clean: An undisturbed run comes first.
    """

    name: str
    what: str
    happen: Callable[[World], list[Fault]]
    begins_clean: bool = False


def prepared() -> World:
    """A small account, in which the newest changes are minutes old, as in any account that is in use."""
    world = World(seed=7, customers=300)
    now = world.clock * 1000
    for minutes, changed in zip((5, 6, *[30] * _FEW), live(world)[::-1], strict=False):
        changed.updated = now - minutes * _MINUTE
    return world


def live(world: World) -> list[CrmObject]:
    """Contacts that exist, by rising id."""
    return list(world.live["contacts"].records)


def _page(kind: str, times: int | None = 1, name: str = "") -> Callable[[World], list[Fault]]:
    """The fault on a request for contacts in the middle of the load."""
    return lambda _world: [Fault("hubspot", PATH, kind, times=times, after=_AFTER, name=name)]


def _late(world: World) -> list[Fault]:
    ids = [contact.id for contact in live(world)[::-1][_NEWEST : _NEWEST + _FEW]]
    return [Fault("hubspot", PATH, "late_update", times=None, ids=ids)]


def _delete(world: World) -> list[Fault]:
    contacts = live(world)
    vanish(world, "contacts", [contact.id for contact in contacts[:: len(contacts) // _FEW][:_FEW]])
    return []


ROWS = (
    Row("skipped page", "a page has its last record only", _page("skipped_page")),
    Row("repeated page", "an answer is the one before once more", _page("repeated_page")),
    Row("late update", "three changed contacts are not shown yet", _late),
    Row(
        "silent delete",
        "three contacts are gone, and nothing tells of it",
        _delete,
        begins_clean=True,
    ),
    Row("type change", "last names of a page are lists", _page("retyped", name="lastname")),
    Row("429 without a header", "three refusals without a word on how long to wait", _page("429", times=3)),
    Row("token expiry", "a request is answered with 401", _page("expired_token")),
    Row("duplicate", "from some page on every record comes twice", _page("duplicated_records", times=None)),
    Row("truncated body", "an answer ends in the middle of its JSON", _page("truncated_json")),
)
