"""A whole installation on the sandbox, for the tests that need one. Imported by conftest files only."""

import atexit
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from cdp_pipelines import database
from cdp_pipelines.config import Settings, load_settings
from cdp_pipelines.installation import Installation, clock, open_installation
from cdp_pipelines.setup import set_up
from cdp_pipelines.sweeping import SweptSource, Wanted, sweep_source
from cdp_pipelines.sync import SyncReport, sync_source
from models import ENTITIES
from models.derive import personal_fields
from sandbox.world import World

HUBSPOT_TOKEN = "pat-na1-sandbox"
ZENDESK_TOKEN = "agent@example.com/token:sandbox-token"
GOOGLE_TOKEN = "ya29.sandbox"
TOKENS = {
    "hubspot": HUBSPOT_TOKEN,
    "zendesk": ZENDESK_TOKEN,
    "google_reviews": GOOGLE_TOKEN,
    "shopify": "shpat_sandbox",
}
ENVIRONMENT = {"CDP_HUBSPOT_TOKEN": HUBSPOT_TOKEN, "CDP_ZENDESK_TOKEN": ZENDESK_TOKEN}
FOUR_SYSTEMS = {f"CDP_{name.upper()}_TOKEN": token for name, token in TOKENS.items()}
"""The tokens of an installation that ``with_shop_and_reviews`` made."""

CONFIG = """\
root_key_file = "{key}"

[company]
time_zone = "Europe/Berlin"
phone_region = "DE"

[sources.hubspot]
base_url = "{hubspot}"
rate_scale = 10000

[sources.hubspot.options]
subscription_purposes = {{ "311003" = "research", "311004" = "profiling" }}

[sources.zendesk]
account = "demo"
base_url = "{zendesk}"
rate_scale = 10000

[sources.zendesk.options]
external_id_is = "hubspot"
"""

SHOP_AND_REVIEWS = """
[sources.shopify]
account = "sandbox-shop"
base_url = "{shopify}"
rate_scale = 10000

[sources.google_reviews]
base_url = "{google_reviews}"
rate_scale = 10000
"""


@dataclass(frozen=True)
class Home:
    """One installation's folder and settings."""

    settings: Settings

    @property
    def config(self) -> Path:
        return self.settings.path

    @contextmanager
    def opened(self) -> Iterator[Installation]:
        with open_installation(self.settings) as opened:
            yield opened

    def sync(self, name: str, **options: Any) -> SyncReport:
        with self.opened() as opened:
            source, settings = opened.source(name)
            return sync_source(source, settings, opened.sinks, token=TOKENS[name], now=clock, **options)

    def sweep(self, name: str, *, now: Callable[[], datetime] = clock, **wanted: Any) -> SweptSource:
        with self.opened() as opened:
            source, settings = opened.source(name)
            asked = Wanted(**wanted)
            return sweep_source(source, settings, opened.sinks, token=TOKENS[name], now=now, wanted=asked)


def small_business() -> World:
    """The business that the fixture ``vendors`` serves; always the same."""
    return World(seed=5, customers=40)


def make_home(folder: Path, urls: dict[str, str]) -> Home:
    """A set-up installation that reads from ``urls``.

    All of one test process have the same keys, so the data of one may be copied into another.
    """
    keys = folder.parent / f"{folder.name}-keys"
    for prepared, copied in ((_set_up() / "home", folder), (_set_up() / "keys", keys)):
        shutil.copytree(prepared, copied, dirs_exist_ok=True)
    return _configured(folder, keys, urls)


@cache
def _set_up() -> Path:
    """A folder with an installation and its keys, to be copied: migrating the stores costs more than most tests."""
    folder = Path(tempfile.mkdtemp(prefix="cdp-home-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "home").mkdir()
    nowhere = dict.fromkeys(TOKENS, "http://127.0.0.1:9")
    home = _configured(folder / "home", folder / "keys", nowhere)
    list(set_up(home.settings, environment={}))
    return folder


def _configured(folder: Path, keys: Path, urls: dict[str, str]) -> Home:
    path = folder / "cdp.toml"
    path.write_text(CONFIG.format(key=keys / "root.key", **urls))
    return Home(load_settings(path, environment={}))


def with_shop_and_reviews(home: Home, urls: dict[str, str]) -> Home:
    """The same installation, reading from all four systems."""
    with home.config.open("a") as file:
        file.write(SHOP_AND_REVIEWS.format(**urls))
    return Home(load_settings(home.config, environment={}))


def contents(home: Home) -> dict[str, Any]:
    """Everything a sync leaves behind, in clear and without what differs from run to run."""
    with home.opened() as opened:
        control = opened.stores.control
        rows = {entity.__entity__: _clear_rows(opened, entity) for entity in ENTITIES if _from_source(entity)}
        return {
            "rows": rows,
            "cursors": {
                (source.name, stream.name): _to_the_second(database.load_cursor(control, source.name, stream.name))
                for source in _sources()
                for stream in source.streams
            },
            "ledger": sorted(_ledger(opened), key=repr),
            "quarantine": database.quarantine_counts(control),
        }


def _to_the_second(cursor: Any) -> Any:
    """A cursor that is a moment holds the microseconds our own clock added to the vendor's second."""
    if isinstance(cursor, dict):  # the moment of a whole reading is by our own clock
        return {key: _to_the_second(value) for key, value in cursor.items() if key != "whole_at"}
    return re.sub(r"\.\d+", "", cursor).replace("+00:00", "Z") if isinstance(cursor, str) else cursor


def _sources() -> Any:
    from connectors.registry import SOURCES

    return SOURCES


def _from_source(entity: Any) -> bool:
    return entity.__entity__ not in {"automation_run", "identity_link", "identity_event", "match_key"}


def _clear_rows(opened: Installation, entity: Any) -> dict[tuple[str, str], dict[str, Any]]:
    table = opened.lake.current(entity.__entity__, include_deleted=True)
    personal = [plan.name for plan in personal_fields(entity)]
    clear = opened.revealer.reveal(entity, table, personal)
    tokens = [plan.token_column for plan in personal_fields(entity) if plan.token_column]  # each has keys of its own
    leave_out = [*personal, *tokens, "subject_id", "read_at", "run_id", "digest", "commit_seq"]
    facts = table.drop_columns(leave_out).to_pylist()
    return {
        (fact["source"], fact["source_id"]): {**fact, **{name: str(row[name]) for name in personal}}
        for fact, row in zip(facts, clear, strict=True)
    }


def _ledger(opened: Installation) -> list[tuple[Any, ...]]:
    table = database.read_ledger(opened.stores.control)
    rows = table.to_pylist() if hasattr(table, "to_pylist") else [dict(row) for row in table]
    leave_out = {"run_id", "recorded_at", "address_token", "id", "seq"}
    return [tuple((k, v) for k, v in sorted(row.items()) if k not in leave_out) for row in rows]
