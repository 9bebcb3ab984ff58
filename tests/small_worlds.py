"""Small invented companies for tests of sessions and metrics: a few rows per table, in Parquet, without a lake."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from cdp_pipelines.engine import Engine
from cdp_pipelines.metrics.computing import Scene
from cdp_pipelines.metrics.feeds import Feed
from cdp_pipelines.metrics.refreshing import Inputs, compute
from cdp_pipelines.metrics.rows import Stamp
from cdp_pipelines.views import open_session
from models import ENTITIES, PURPOSES
from models.derive import arrow_schema, fact_fields, validator
from privacy.consent import Policy

NOW = datetime(2026, 3, 31, 12, tzinfo=UTC)
CONSENTS = pa.schema(
    [(name, pa.string()) for name in ("profile_id", "purpose", "channel", "scope", "state")]
    + [("at", pa.timestamp("us", tz="UTC")), ("inferred", pa.bool_())]
)


def at(text):
    """A moment in UTC, from its ISO form."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def rates(*spans):
    """Rates as (currency, first day, first day no longer, rate)."""
    columns = zip(*spans, strict=True)
    return pa.Table.from_arrays([pa.array(column) for column in columns], ["currency", "from_day", "until_day", "rate"])


class SmallWorld:
    """Rows by table, who they belong to, and what is permitted. Every person has a profile unless said otherwise."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.rows = {entity.__entity__: [] for entity in ENTITIES}
        self.refused = set()
        self.consents = []
        self.rates = None
        self.reads = Counter()

    def add(self, table, source_id, **values):
        row = {"source": "zendesk", "source_id": source_id, "version_at": NOW} | values
        entity = next(entity for entity in ENTITIES if entity.__entity__ == table)
        checked = validator(entity)(row)
        self.rows[table].append({plan.name: checked[plan.name] for plan in fact_fields(entity)})

    def person(self, name, *, profile=None, linked=True, **values):
        """A person record, linked to the profile of its own name unless said otherwise."""
        self.add("person", name, **values)
        if linked:
            link = {"method": "single", "linked_at": at("2026-01-01"), "source": values.get("source", "zendesk")}
            self.add("identity_link", name, profile_id=profile or f"p-{name}", **link)

    def people(self, count):
        for number in range(count):
            self.person(str(number))

    def current_sql(self, table, snapshot, *, columns=None, include_deleted=False):
        del snapshot
        self.reads[table] += 1
        entity = next(entity for entity in ENTITIES if entity.__entity__ == table)
        schema = pa.schema([arrow_schema(entity).field(plan.name) for plan in fact_fields(entity)])
        path = self.folder / f"{table}.parquet"
        pq.write_table(pa.Table.from_pylist(self.rows[table], schema=schema), path)
        chosen = ", ".join(f'"{column}"' for column in columns)
        alive = "" if include_deleted else " where not deleted"
        return f"select {chosen} from read_parquet('{path}'){alive}"  # noqa: S608 - our own names

    @property
    def permissions(self):
        profiles = sorted({row["profile_id"] for row in self.rows["identity_link"]})
        rows = [
            {"profile_id": profile, "purpose": purpose, "permitted": (profile, purpose) not in self.refused}
            for profile in profiles
            for purpose in PURPOSES
        ]
        schema = pa.schema([("profile_id", pa.string()), ("purpose", pa.string()), ("permitted", pa.bool_())])
        return pa.Table.from_pylist(rows, schema=schema)

    @property
    def engine(self):
        return Engine(memory_limit="500MB", threads=1, temp_directory=self.folder / "tmp")

    def consent(self, profile, purpose, state, moment, *, channel="all", scope="all"):
        self.consents.append(
            {"profile_id": profile, "purpose": purpose, "channel": channel, "scope": scope, "state": state}
            | {"at": at(moment), "inferred": False}
        )

    def session(self, purpose="service_delivery", *, unknown_permitted=True, time_zone="UTC", **options):
        return open_session(
            purpose,
            engine=self.engine,
            lake=self,
            snapshot=None,
            permissions=self.permissions,
            consents=pa.Table.from_pylist(self.consents, schema=CONSENTS),
            time_zone=time_zone,
            as_of=NOW,
            unknown_permitted=unknown_permitted,
            rates=self.rates,
            **options,
        )

    def inputs(self, feeds):
        return Inputs(
            engine=self.engine,
            lake=self,
            snapshot=None,
            permissions=self.permissions,
            consents=pa.Table.from_pylist(self.consents, schema=CONSENTS),
            policy=Policy.for_jurisdiction("EU"),
            feeds=feeds,
            rates=self.rates,
        )

    def published(self, metrics, *, feeds=None, k=1, now=NOW, time_zone="UTC", margin_rate=None):
        """Rows of ``metrics`` by (metric, grain, start, channel, slice, value, stat), and any variant or segment."""
        scene = Scene(now, time_zone, k, Stamp("run", now), margin_rate)
        table = compute(metrics, self.inputs(feeds if feeds is not None else feeds_read_until(now)), scene).rows
        keys = ("metric_id", "grain", "period_start", "channel", "slice_name", "slice_value", "stat")
        others = {"variant": "default", "segment": "all"}
        found = {
            (
                *(str(row[key]) for key in keys),
                *(row[name] for name, usual in others.items() if row[name] != usual),
            ): row
            for row in table.to_pylist()
        }
        assert len(found) == len(table), "a key occurs twice"
        return found


def feeds_read_until(moment, sources=("cdp", "google_reviews", "hubspot", "shopify", "zendesk")):
    return tuple(Feed(source, read_until=moment, interval=timedelta(hours=1)) for source in sources)
