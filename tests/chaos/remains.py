"""What a part of the way leaves behind: what is compared, and what holds however often it was killed."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from installations import Home, contents
from sqlalchemy import text

from cdp_pipelines.database.leases import live_holders
from cdp_pipelines.installation import Installation
from models import ENTITIES
from models.derive import personal_fields

Ref = tuple[str, str, str]
"""A record of a source: its name, the kind and the id."""

Left = dict[tuple[Any, ...], Any]
"""What was left behind, thing by thing."""

_BY_STREAM = ("cursors", "quarantine")


def read(home: Home) -> Left:
    """What syncs leave: current rows in clear, cursors, what is set aside, each ledger entry with its count."""
    found = contents(home)
    rows = {(table, key): row for table, by_key in found["rows"].items() for key, row in by_key.items()}
    ledger = Counter(("ledger", repr(entry)) for entry in found["ledger"])
    cursors, quarantine = ({(what, key): value for key, value in found[what].items()} for what in _BY_STREAM)
    return {**rows, **ledger, **cursors, **quarantine}


def published(home: Home) -> Left:
    """What the refresh leaves, apart from ids that are random and times at which it ran."""
    with home.opened() as opened:
        with opened.stores.profile.connect() as profile:
            query = "select source, source_id, dense_rank() over (order by profile_id) from identity_link"
            links = profile.execute(text(query)).all()
            customers = profile.execute(text("select count(*) from customer_360")).scalar()
            states = profile.execute(text("select purpose, scope, state, count(*) from consent_state group by 1, 2, 3"))
            consents = {("consents", tuple(row)): 1 for row in states}
        with opened.stores.mart.connect() as mart:
            query = (
                "select metric_id, grain, period_start, channel, segment_scheme, segment, slice_name, slice_value, "
                "stat, variant, value, n, status "
                "from metric_value where metric_id not like 'automation%' and metric_id <> 'throughput_rate' "
                "and grain <> 'asof'"
            )
            metrics = {
                ("metric", *row[:-3]): tuple(map(_to_nine_places, row[-3:])) for row in mart.execute(text(query))
            }
    groups: dict[int, list[tuple[str, str]]] = {}
    for source, source_id, group in links:
        groups.setdefault(group, []).append((source, source_id))
    profiles = {("profile", *sorted(records)): 1 for records in groups.values()}
    return {**profiles, **consents, **metrics, ("customers",): customers}


def differing(found: Left, *allowed: Left) -> Left:
    """What is in ``found`` otherwise than in each of ``allowed``; None where it is missing."""
    keys = found.keys() | {key for one in allowed for key in one}
    return {key: found.get(key) for key in keys if found.get(key) not in [one.get(key) for one in allowed]}


def known_records(home: Home) -> set[Ref]:
    """The records that rows were about when they were read."""
    with home.opened() as opened:
        return {ref for ref, _ in _aliases(opened)}


def assert_whole(home: Home, in_source: set[Ref]) -> None:
    """Every row opens, every key has a row, nothing is under way, and maintenance leaves no file without a commit.

    Args:
        home: The installation, whose lake is maintained by this.
        in_source: The records its sources have now: a key without rows may be of none of them.
    """
    with home.opened() as opened:
        assert _open_every_row(opened)
        assert in_source.isdisjoint(_records_without_rows(opened))
        with opened.stores.control.connect() as control:
            assert live_holders(control) == set()  # one of the dead may stay until somebody wants it
            assert control.execute(text("select process from sync_run where status = 'running'")).all() == []
        opened.lake.maintain(keep=timedelta(0))
        assert _files(opened) == _committed_files(opened)


def _open_every_row(opened: Installation) -> int:
    """Decrypt every personal value of every version of every row; how many rows there are."""
    return sum(
        len(opened.revealer.reveal(entity, rows, [plan.name for plan in personal_fields(entity)]))
        for entity in ENTITIES
        for rows in _every_row(opened, entity.__entity__)
    )


def _every_row(opened: Installation, table: str) -> Iterator[pa.Table]:
    for name in opened.lake.snapshot([table]).tables[table].files:
        with pq.ParquetFile(opened.lake.root / table / name) as file:
            yield file.read()


def _records_without_rows(opened: Installation) -> set[Ref]:
    """The records whose key no row needs."""
    used = {
        subject
        for entity in ENTITIES
        for rows in _every_row(opened, entity.__entity__)
        for subject in rows["subject_id"].to_pylist()
    }
    return {ref for ref, subject in _aliases(opened) if subject not in used}


def _aliases(opened: Installation) -> list[tuple[Ref, bytes]]:
    with opened.stores.vault.connect() as vault:
        found = vault.execute(text("select source, kind, id, subject_id from subject_alias")).all()
    return [((source, kind, id_), bytes(subject)) for source, kind, id_, subject in found]


def _files(opened: Installation) -> set[str]:
    """What lies in the folders of the tables, logs apart; what delta-rs was writing to a log when it was killed too."""
    root = opened.lake.root
    return {str(path.relative_to(root)) for where in ("*/layer=*/*", "*/_delta_log/*#*") for path in root.glob(where)}


def _committed_files(opened: Installation) -> set[str]:
    tables = opened.lake.snapshot().tables
    return {f"{table}/{name}" for table, present in tables.items() for name in present.files}


def _to_nine_places(value: Any) -> Any:
    """Sums of floating-point numbers depend, far behind the point, on the order in which threads add up."""
    return round(value, 9) if isinstance(value, float) else value
