"""From rows to profiles to published metrics: the two steps that follow the syncs.

Both work on one snapshot of the lake, recorded when the first begins, so that identity, metrics and what is
published agree with each other whatever syncs write meanwhile.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypedDict

from cdp_pipelines import database
from cdp_pipelines.automation import record_automation_runs
from cdp_pipelines.config import Settings
from cdp_pipelines.database.leases import Held
from cdp_pipelines.database.runs import RetryKind
from cdp_pipelines.engine import Engine
from cdp_pipelines.errors import error_class
from cdp_pipelines.identity import (
    IdentityReport,
    ProfileReport,
    build_profiles,
    read_consents,
    resolve,
)
from cdp_pipelines.installation import Installation
from cdp_pipelines.lake import Lake, Snapshot
from cdp_pipelines.memory import clean_up, rare_collection
from cdp_pipelines.metrics import MetricsReport, refresh

PROFILES = "identity"
METRICS = "metrics"


@dataclass(frozen=True, slots=True)
class ProfilesRefreshed:
    """What the identity step did, and the snapshot the metrics step goes on with."""

    run_id: str
    identity: IdentityReport
    profiles: ProfileReport
    snapshot: Snapshot


def refresh_profiles(opened: Installation, *, now: datetime, retry_kind: RetryKind = "auto") -> ProfilesRefreshed:
    """Resolve identities and publish the profile tables. Safe to repeat; an unchanged world writes nothing.

    ``retry_kind`` says who asks for the repeat, if the run before failed.
    """
    with _run(opened, PROFILES, retry_kind) as (held, run_id, counts):
        begun = datetime.now(UTC)  # what syncs wrote that were over by now is in the snapshot
        snapshot = opened.lake.snapshot()
        with opened.lake.pinned(snapshot):
            identity = resolve(
                **_inputs(opened, snapshot, now),
                protector=opened.protector,
                revealer=opened.revealer,
                run_id=run_id,
                before_write=held.check,
            )
            clean_up()  # what was compared is no longer needed
            linked = snapshot.merged(opened.lake.snapshot(["identity_link", "identity_event"]))
            profiles = build_profiles(**_inputs(opened, linked, now), run_id=run_id, before_write=held.check)
        counts.update(records=identity.records, snapshot=linked.to_json(), snapshot_at=begun.isoformat())
    database.keep_in_newest(opened.stores.control, PROFILES, "snapshot")
    return ProfilesRefreshed(run_id, identity, profiles, linked)


def refresh_metrics(opened: Installation, *, now: datetime, retry_kind: RetryKind = "auto") -> MetricsReport:
    """Compute every metric on the snapshot of the last identity step and publish all of them at once.

    ``retry_kind`` says who asks for the repeat, if the run before failed.

    Raises:
        StoreError: No identity step has finished yet.
    """
    with _run(opened, METRICS, retry_kind) as (held, run_id, counts):
        last = database.last_counts(opened.stores.control, PROFILES)
        snapshot = Snapshot.from_json(last["snapshot"])
        taken = datetime.fromisoformat(last["snapshot_at"]) if "snapshot_at" in last else None
        record_automation_runs(opened.sinks, engine=opened.engine, run_id=run_id, now=now, before_write=held.check)
        snapshot = snapshot.merged(opened.lake.snapshot(["automation_run"]))
        with opened.lake.pinned(snapshot):
            inputs = _inputs(opened, snapshot, now)
            consents = read_consents(**inputs)
            clean_up()  # decisions are read row by row, and their rows are no longer needed
            permitted, decided = consents.permissions(), consents.history
            report = refresh(
                **inputs,
                permissions=permitted,
                consents=decided,
                read_before=taken,
                run_id=run_id,
                before_write=held.check,
            )
        held.check()
        database.write_copies(opened.stores, opened.settings)
        counts.update(records=report.rows)
    return report


class _Inputs(TypedDict):
    """What every part of a run works on, by the names of their parameters."""

    lake: Lake
    stores: database.Stores
    engine: Engine
    settings: Settings
    snapshot: Snapshot
    now: datetime


def _inputs(opened: Installation, snapshot: Snapshot, now: datetime) -> _Inputs:
    return _Inputs(
        lake=opened.lake,
        stores=opened.stores,
        engine=opened.engine,
        settings=opened.settings,
        snapshot=snapshot,
        now=now,
    )


@contextmanager
def _run(opened: Installation, process: str, retry_kind: RetryKind) -> Iterator[tuple[Held, str, dict[str, Any]]]:
    """A recorded run of ``process``, one at a time; the dict given is stored as its counts."""
    control = opened.stores.control
    counts: dict[str, Any] = {}
    with database.lease(control, process) as held:
        run_id = database.start_run(control, process, retry_kind=retry_kind)
        try:
            with rare_collection():
                yield held, run_id, counts
        except BaseException as error:
            database.finish_run(control, run_id, "error", counts=counts, error_class=error_class(error))
            raise
        database.finish_run(control, run_id, "success", counts=counts)
