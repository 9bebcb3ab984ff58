"""Ours: the contacts stream of an installation of its own."""

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fault_matrix.verdicts import Repair, Rows, Run, contact
from benchmarks.installations import NO_LIMIT, installation
from benchmarks.processes import StandIns
from cdp_pipelines.config import load_settings
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import Installation, clock, open_installation
from cdp_pipelines.sweeping import Wanted, sweep_source
from cdp_pipelines.sync import StreamReport, sync_source
from models import Person

_BEGINNING = datetime(2006, 1, 1, tzinfo=UTC)


class Ours:
    """Loads with ``cdp``'s own functions."""

    title, repair = "Ours", "the scheduled sweep, then `cdp sync --since`"
    name = "ours"

    def __init__(self, home: Path, stand_ins: StandIns) -> None:
        self._config = installation(home, stand_ins, ["hubspot"], rate_scale=NO_LIMIT)

    def load(self) -> Run:
        """An ordinary run of the contacts stream."""
        with open_installation(load_settings(self._config)) as opened:
            return _synced(opened, since=None)

    def repairs(self) -> list[Repair]:
        """The sweep, then everything again."""
        with open_installation(load_settings(self._config)) as opened:
            source, settings = opened.source("hubspot")
            token, wanted = opened.token("hubspot"), Wanted(streams=["contacts"])
            sweep_source(source, settings, opened.sinks, token=token, now=clock, wanted=wanted)
            swept = Run(_rows(opened))
            again = _synced(opened, since=_BEGINNING)
            return [Repair("the next sweep", swept, is_scheduled=True), Repair("reading everything again", again)]


def _synced(opened: Installation, *, since: datetime | None) -> Run:
    source, settings = opened.source("hubspot")
    token = opened.token("hubspot")
    try:
        report = sync_source(source, settings, opened.sinks, token=token, now=clock, streams=["contacts"], since=since)
    except SyncFailedError as error:
        return Run(_rows(opened), str(error))
    return Run(_rows(opened), _said(report.streams[0]))


def _said(report: StreamReport) -> str:
    waiting = [f"{report.quarantined} records were set aside"] if report.quarantined else []
    changed = [change.sentence for change in report.drift if change.what != "new"]
    return ". ".join([*waiting, *changed, *report.notices])


def _rows(opened: Installation) -> Rows:
    table = opened.lake.current(Person.__entity__)
    clear = opened.revealer.reveal(Person, table, ["email", "family_name"])
    ids = table["source_id"].to_pylist()
    return {id_: contact(row["email"], row["family_name"]) for id_, row in zip(ids, clear, strict=True)}
