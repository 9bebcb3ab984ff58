"""Profile tables: what is known of each customer, and what each of them permits.

The golden record is not stored: ``golden_record`` says for one profile which record each field comes from, by the
same order that ``customer_360`` is made with, so the two cannot drift apart and erasure has one place less to clean.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import duckdb
import pyarrow as pa

from cdp_pipelines.barriers import reach
from cdp_pipelines.config import Settings
from cdp_pipelines.database import Stores, publish_profile, read_ledger
from cdp_pipelines.database.segments import present_scores
from cdp_pipelines.engine import Engine, fetch, run
from cdp_pipelines.identity.activity import activity
from cdp_pipelines.identity.consents import Consents
from cdp_pipelines.lake import Lake, Snapshot
from cdp_pipelines.transforms import transform
from privacy.consent import Policy

_FACTS = {
    "identity_link": ("source", "source_id", "profile_id", "method", "key_type", "confidence", "linked_at"),
    "ticket": ("source", "source_id", "requester_id"),
    "order": ("source",),
    "review": ("source", "person_id"),
    "survey_response": (
        *("source", "person_id", "ticket_id", "answered_at", "instrument", "channel", "mode", "category", "score"),
        *("scale_min", "scale_max", "orientation"),
    ),
}
_SEGMENT = pa.schema([("profile_id", pa.string()), ("code", pa.string())])
GOLDEN_FIELDS = (
    *("given_name", "family_name", "full_name", "email", "phone", "street", "postal_code", "city"),
    *("locale", "region", "account_id", "acquisition_channel", "lifecycle_stage"),
)
"""Fields of a person that have a golden value."""


@dataclass(frozen=True, slots=True)
class ProfileReport:
    """Rows published: profiles in ``customer_360``, rows of ``consent_state``, links."""

    customers: int
    consent_states: int
    links: int


def build_profiles(
    *,
    lake: Lake,
    stores: Stores,
    engine: Engine,
    settings: Settings,
    snapshot: Snapshot,
    run_id: str,  # noqa: ARG001 - every step of a run has one; these tables carry none
    now: datetime,
    before_write: Callable[[], None],
) -> ProfileReport:
    """Compute the profile tables from ``snapshot`` and publish them in one transaction.

    ``before_write`` is called directly before that; it raises when this run may write no more.

    The code in ``rfm`` is that of the latest metrics: they place persons after this step.

    Raises:
        StoreError, LakeError, EngineError: Something refused; the tables are as before.
    """
    with _reading(lake, engine, snapshot, settings) as reading:
        consents = reading.consents(stores, now)
        allowed = consents.permissions()
        done = activity(lake=lake, engine=engine, settings=settings, snapshot=snapshot, permissions=allowed, now=now)
        tables = {
            "customer_360": reading.customers(consents, done, present_scores(stores.profile, "rfm")),
            "consent_state": consents.states(),
            "identity_link": reading.links(),
        }
    before_write()
    publish_profile(stores, tables)
    reach("profile_published")
    return ProfileReport(*(tables[name].num_rows for name in ("customer_360", "consent_state", "identity_link")))


def read_consents(
    *, lake: Lake, stores: Stores, engine: Engine, settings: Settings, snapshot: Snapshot, now: datetime
) -> Consents:
    """Every decision up to ``now``, by profile, and what follows from it.

    Raises:
        LakeError, EngineError: The records or links could not be read.
    """
    with _reading(lake, engine, snapshot, settings) as reading:
        return reading.consents(stores, now)


def golden_record(
    profile_id: str, *, lake: Lake, engine: Engine, settings: Settings, snapshot: Snapshot
) -> dict[str, tuple[str, str]]:
    """Which record each field of a profile comes from: field to (source, source_id); never a value."""
    with _reading(lake, engine, snapshot, settings) as reading:
        reading.member()
        reading.connection.register("wanted", pa.table({"profile_id": [profile_id]}))
        sql = "SELECT member.* FROM member JOIN wanted USING (profile_id) WHERE is_alive ORDER BY place"
        rows = reading.table(sql, "Reading the records of a profile").to_pylist()
    firsts = {name: next((row for row in rows if row[f"has_{name}"]), None) for name in GOLDEN_FIELDS}
    return {name: (row["source"], row["source_id"]) for name, row in firsts.items() if row is not None}


@contextmanager
def _reading(lake: Lake, engine: Engine, snapshot: Snapshot, settings: Settings) -> Iterator["_Reading"]:
    """An engine connection that sees the current rows of ``snapshot``."""
    views = {"person": lake.current_sql("person", snapshot, include_deleted=True)}
    views |= {name: lake.current_sql(name, snapshot, columns=columns) for name, columns in _FACTS.items()}
    with engine.connection() as connection:
        for name, sql in views.items():
            run(connection, f"CREATE VIEW raw_{name} AS ({sql})", doing=f"Reading {name}")
        yield _Reading(connection, settings)


@dataclass(frozen=True, slots=True)
class _Reading:
    """The relations ``raw_*`` and what is made of them. Of ciphertexts it asks only whether there is one."""

    connection: duckdb.DuckDBPyConnection
    settings: Settings

    def table(self, sql: str, doing: str) -> pa.Table:
        """The rows of a query."""
        return fetch(self.connection, sql, doing=doing)

    def links(self) -> pa.Table:
        """Every link, sorted by record."""
        return self.table("SELECT * FROM raw_identity_link ORDER BY source, source_id", "Reading identity links")

    def member(self) -> None:
        """Make the table ``member``."""
        sources = list(self.settings.sources)
        priority = pa.table({"source": pa.array(sources, pa.string()), "priority": range(len(sources))})
        self.connection.register("source_priority", priority)
        sql = f"CREATE TABLE member AS {transform('profile_member')}"
        run(self.connection, sql, doing="Collecting the records of profiles")

    def answers(self) -> None:
        """Make the view ``survey_answer``: answers as the metrics judge them."""
        views = {
            "person": "SELECT profile_id, locale, created_at FROM member",
            "survey_response": transform("profile_response"),
            "person_locale": transform("person_locale"),
            "survey_answer": transform("survey_answer"),
        }
        for name, sql in views.items():
            run(self.connection, f"CREATE VIEW {name} AS {sql}", doing="Judging the answers of profiles")

    def consents(self, stores: Stores, now: datetime) -> Consents:
        """The decisions of every profile there is."""
        self.connection.register("ledger", read_ledger(stores.control))
        self.connection.register("clock", pa.table({"as_of": [now]}))
        history = self.table(transform("profile_consent"), "Bringing consent decisions to profiles")
        self.connection.register("profile_decision", history)
        judged = self.table(transform("profile_permission"), "Judging what profiles permit")
        profiles = self.table("SELECT DISTINCT profile_id FROM raw_identity_link ORDER BY 1", "Reading profiles")
        policy = Policy.for_jurisdiction(self.settings.company.jurisdiction)
        return Consents(profiles["profile_id"].combine_chunks(), history, judged, policy)

    def customers(self, consents: Consents, done: pa.Table, codes: Mapping[str, float]) -> pa.Table:
        """The rows of ``customer_360``, from what each profile did and the code of its group."""
        self.member()
        self.answers()
        margin = pa.array([self.settings.company.margin_rate], pa.float64())
        relations = {
            "permission": pa.table({"profile_id": consents.profiles, **consents.permitted()}),
            "decided": consents.history.select(["profile_id"]).group_by("profile_id").aggregate([]),
            "activity": done,
            "segment": pa.table(
                {"profile_id": list(codes), "code": [f"{code:.0f}" for code in codes.values()]}, _SEGMENT
            ),
            "company": pa.table({"margin_rate": margin}),
        }
        for name, rows in relations.items():
            self.connection.register(name, rows)
        return self.table(transform("profile_customer_360"), "Describing profiles")
