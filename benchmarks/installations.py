"""A fresh installation that reads from stand-ins."""

from collections.abc import Sequence
from pathlib import Path

from benchmarks.processes import StandIns
from cdp_pipelines import database
from cdp_pipelines.config import load_settings
from cdp_pipelines.installation import open_installation
from cdp_pipelines.setup import set_up

_COMPANY = """\
root_key_file = "{root_key}"

[company]
base_currency = "EUR"
time_zone = "Europe/Berlin"
phone_region = "DE"
jurisdiction = "EU"
"""
_SOURCE = """
[sources.{name}]
account = "demo"
base_url = "{url}"
rate_scale = {rate_scale}
"""
NO_LIMIT = 10_000
"""A rate scale at which no budget is felt."""


def installation(home: Path, stand_ins: StandIns, sources: Sequence[str], *, rate_scale: float) -> Path:
    """Set one up in ``home`` and give the path of its cdp.toml.

    Args:
        home: An empty folder.
        stand_ins: Where ``sources`` are served.
        sources: Names of vendors.
        rate_scale: Multiplies the budgets the connectors declare.
    """
    (home / "keys").mkdir(parents=True, mode=0o700)
    config = home / "cdp.toml"
    tables = [_SOURCE.format(name=n, url=stand_ins.vendors[n]["url"], rate_scale=rate_scale) for n in sources]
    config.write_text(_COMPANY.format(root_key=(home / "keys" / "root.key").resolve()) + "".join(tables))
    settings = load_settings(config)
    list(set_up(settings))
    with open_installation(settings) as opened:
        for name in sources:
            database.set_credential(opened.stores, opened.ring, name, _credential(stand_ins.vendors[name]))
    return config


def _credential(vendor: dict[str, str]) -> str:
    return f"{vendor['user']}:{vendor['token']}" if "user" in vendor else vendor["token"]
