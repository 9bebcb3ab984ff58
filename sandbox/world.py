"""The generated business: true people, and what each system knows of them.

Deterministic: the same seed, size, noise, CSAT kind and ``now`` give the same world, and the same calls of ``advance``
change it the same way. The world has its own clock, ``now``, which moves only in ``advance``.
"""

import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Literal, TypeVar

from sandbox import changes, deals, growth, reviews, shop_changes, shop_growth, truth
from sandbox.collector import without_collector
from sandbox.hubspot_records import LINKS, HubSpotData, survivor_of
from sandbox.indexes import Ordered
from sandbox.people import new_business
from sandbox.records import Audit, Business, CrmObject, Organization, Person, Ticket, User
from sandbox.reviews import ReviewsData
from sandbox.shop_records import ShopData
from sandbox.zendesk_records import ZendeskData

T = TypeVar("T")

HISTORY = timedelta(days=180)
QUIET = timedelta(minutes=5)
"""Nothing happens in the last minutes before ``now``, so that incremental exports, which hold back one, show all."""


class World:
    """One business with ``customers`` true people; see the module docstring for what is promised."""

    def __init__(
        self,
        seed: int,
        customers: int,
        noise: float = 0.1,
        now: datetime | None = None,
        *,
        csat: Literal["legacy", "new"] = "legacy",
    ) -> None:
        """Generate 180 days of history up to ``now``.

        Args:
            seed: which world.
            customers: true people at the start; with fewer than 20 not every kind of record occurs.
            noise: between 0 and 1; how often values are mistyped, missing or outdated.
            now: the world's clock, time-zone aware; by default midnight UTC a week ago, so that a few ``advance``
                calls stay in the past of a client that looks at its own clock.
            csat: which of Zendesk's two CSAT features the account has.
        """
        self.seed, self.customers, self.noise, self.csat = seed, customers, noise, csat
        self.now = now or datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=7)
        self.version = 0
        self.lock = threading.RLock()
        self.people: list[Person] = []
        self.retired: list[tuple[str, str]] = []
        self.hubspot = HubSpotData()
        self.zendesk = ZendeskData()
        self.reviews = ReviewsData()
        self.shop = ShopData()
        rng = Random(f"{seed}/business")
        self.businesses: list[Business] = [new_business(rng, number) for number in range(max(3, customers // 25))]
        with without_collector():
            history = self.seconds(self.now - HISTORY), self.seconds(self.now - QUIET)
            growth.populate(self, Random(f"{seed}/start"), *history)
            deals.populate(self, *history)
            reviews.populate(self, *history)
            shop_growth.populate(self, Random(f"{seed}/shop"), history[1])
            self._index()

    @staticmethod
    def seconds(moment: datetime) -> int:
        """Epoch seconds of an aware datetime."""
        return int(moment.timestamp())

    @property
    def clock(self) -> int:
        """The world's ``now`` in epoch seconds."""
        return self.seconds(self.now)

    def advance(self, days: int = 1) -> None:
        """Let ``days`` pass: new, changed, merged and deleted records in both systems; the clock jumps along."""
        with self.lock, without_collector():
            for _ in range(days):
                start, self.now = self.seconds(self.now - QUIET), self.now + timedelta(days=1)
                self.version += 1
                day = start + 1, self.seconds(self.now - QUIET)
                changes.one_day(self, Random(f"{self.seed}/day {self.version}"), *day)
                deals.one_day(self, *day)
                reviews.one_day(self, *day)
                shop_changes.one_day(self, Random(f"{self.seed}/shop day {self.version}"), *day)
            self._index()

    def changed(self) -> None:
        """Something else than ``advance`` has changed records: what was worked out from them is worked out anew."""
        self.version += 1
        self._index()

    def truth(self) -> dict[str, object]:
        """Who is who, JSON-able: see ``sandbox.truth``."""
        return truth.export(self)

    def personal_values(self) -> Iterator[tuple[str, str]]:
        """Every personal value the systems hold or held, as (kind, value) in clear, repeats included."""
        return truth.personal_values(self)

    def _index(self) -> None:
        hubspot, zendesk = self.hubspot, self.zendesk
        self.live: dict[str, Ordered[CrmObject]] = {}
        self.archived: dict[str, Ordered[CrmObject]] = {}
        for kind, table in self.objects.items():
            self.live[kind] = Ordered((o for o in table.values() if o.archived is None), key=lambda o: int(o.id))
            self.archived[kind] = Ordered(
                (o for o in table.values() if o.archived is not None), key=lambda o: int(o.id)
            )
        self.links_to = {(kind, to): self._links(kind, to) for kind, to in LINKS}
        self.search_memory: dict[str, Any] = {}
        self._memory: dict[str, Any] = {}
        self.timeline = Ordered(hubspot.timeline, key=lambda c: c.at)
        self.tickets: Ordered[Ticket] = Ordered(zendesk.tickets.values(), key=lambda t: (t.generated, t.id))
        self.users: Ordered[User] = Ordered(zendesk.users.values(), key=lambda u: (u.updated, u.id))
        self.organizations: Ordered[Organization] = Ordered(
            zendesk.organizations.values(), key=lambda o: (o.updated, o.id)
        )
        self.audits: Ordered[Audit] = Ordered(zendesk.audits, key=lambda a: (a.at, a.id))

    def remember(self, name: str, make: Callable[[], list[T]]) -> list[T]:
        """A list that is worked out once and kept until the world changes."""
        if name not in self._memory:
            self._memory[name] = make()
        kept: list[T] = self._memory[name]
        return kept

    def _links(self, kind: str, to: str) -> dict[str, list[str]]:
        """Ids of ``kind`` by the object of ``to`` they belong to; what a merged one had belongs to the survivor."""
        table, ids_of = self.objects[to], LINKS[kind, to]
        links: dict[str, list[str]] = {}
        for obj in self.live[kind].records:
            others = (survivor_of(table, i) for i in ids_of(obj))
            for other_id in dict.fromkeys(other.id for other in others if other):
                links.setdefault(other_id, []).append(obj.id)
        return links

    @property
    def objects(self) -> dict[str, dict[str, CrmObject]]:
        """HubSpot's tables by object type."""
        hubspot = self.hubspot
        return {
            "contacts": hubspot.contacts,
            "companies": hubspot.companies,
            "feedback_submissions": hubspot.feedback,
            "deals": hubspot.deals,
        }
