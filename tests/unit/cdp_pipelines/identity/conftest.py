import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from cdp_pipelines.config import Settings, load_settings
from cdp_pipelines.database import IdRegister, Stores, SubjectVault, append_ledger, load_ring, open_stores
from cdp_pipelines.engine import Engine
from cdp_pipelines.identity import IdentityReport, ProfileReport, build_profiles, resolve
from cdp_pipelines.lake import Lake, entity_table
from models import ENTITIES, ConsentEvent, Entity, Person
from models.derive import arrow_schema, validator
from privacy.keys import create_root_key
from privacy.protect import Protector, Revealer

START = datetime(2026, 3, 1, 12, tzinfo=UTC)

CONFIG = """
root_key_file = "root.key"
[sources.crm]
[sources.desk]
"""


def _free() -> None:
    """Nobody else wants to write."""


@dataclass
class Installation:
    """Stores, lake and keys in a temporary folder, with a clock that moves an hour per act."""

    settings: Settings
    stores: Stores
    lake: Lake
    protector: Protector
    revealer: Revealer
    engine: Engine
    now: datetime = START

    def put(self, entity: type[Entity], *rows: dict[str, Any]) -> None:
        """Write rows as a sync does."""
        self.now += timedelta(hours=1)
        check = validator(entity)
        whole = [check({"version_at": self.now, **row}) for row in rows]
        protected = self.protector.protect(entity, whole, run_id="sync", read_at=self.now)
        self.lake.append(entity.__entity__, protected.table)

    def people(self, *rows: dict[str, Any]) -> None:
        self.put(Person, *rows)

    def decide(self, *rows: dict[str, Any]) -> None:
        """Write decisions to the ledger."""
        unsaid = {"person_id": None, "address_token": None, "channel": "all", "scope": "all", "inferred": False}
        unsaid |= {"lawful_basis": None, "evidence": None, "policy_version": None, "deleted": False}
        entries = [{**unsaid, "source_id": f"e{i}", **row} for i, row in enumerate(rows)]
        schema = arrow_schema(ConsentEvent)
        columns = pa.schema([schema.field(name) for name in entries[0]])
        append_ledger(self.stores.control, pa.Table.from_pylist(entries, schema=columns), run_id="sync")

    def resolve(self) -> IdentityReport:
        self.now += timedelta(hours=1)
        return resolve(**self.given(), protector=self.protector, revealer=self.revealer, run_id="r", before_write=_free)

    def build(self) -> ProfileReport:
        return build_profiles(**self.given(), run_id="r", before_write=_free)

    def links(self) -> dict[tuple[str, str], str]:
        """Record to profile."""
        rows = self.lake.current("identity_link").to_pylist()
        return {(row["source"], row["source_id"]): row["profile_id"] for row in rows}

    def partition(self) -> set[frozenset[str]]:
        """Records by profile, as "source id"."""
        groups: dict[str, set[str]] = {}
        for key, profile in self.links().items():
            groups.setdefault(profile, set()).add(" ".join(key))
        return {frozenset(group) for group in groups.values()}

    def published(self, table: str) -> list[dict[str, Any]]:
        with self.stores.profile.connect() as connection:
            rows = connection.exec_driver_sql(f"select * from {table}").mappings().all()  # noqa: S608
        return [dict(row) for row in rows]

    def registered(self) -> pa.Table:
        return IdRegister(self.stores.control).rows()

    def given(self) -> dict[str, Any]:
        """What every step is given."""
        names = ("lake", "stores", "engine", "settings", "now")
        return {**{name: getattr(self, name) for name in names}, "snapshot": self.lake.snapshot()}


@pytest.fixture(scope="session")
def blank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An installation without data, made once: creating the stores takes longer than most tests."""
    folder = tmp_path_factory.mktemp("installation")
    (folder / "cdp.toml").write_text(CONFIG)
    settings = load_settings(folder / "cdp.toml", {})
    create_root_key(settings.root_key_file)
    with open_stores(settings, upgrade=True) as stores:
        load_ring(stores, settings, {})
    return folder


@pytest.fixture
def installation(blank: Path, tmp_path: Path) -> Iterator[Installation]:
    home = Path(shutil.copytree(blank, tmp_path / "home"))
    settings = load_settings(home / "cdp.toml", {})
    with open_stores(settings) as stores:
        ring, vault = load_ring(stores, settings, {}), SubjectVault(stores.vault)
        yield Installation(
            settings,
            stores,
            Lake(settings.lake, [entity_table(entity) for entity in ENTITIES]),
            Protector(ring, vault, phone_region="DE"),
            Revealer(ring, vault),
            Engine(memory_limit="500MB", threads=1, temp_directory=settings.data / "tmp"),
        )
