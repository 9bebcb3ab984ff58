"""The demo's own installation, in a folder of its own that is made anew each time."""

import shutil
from pathlib import Path

from demo.business import Business

HOME = Path("demo-home")
_MARK = ".made-by-make-demo"

_CONFIG = """\
# Made by `make demo`. A credential is never in this file; it goes into the vault with: cdp sources connect NAME
root_key_file = "{root_key}"

[company]
base_currency = "EUR"
time_zone = "Europe/Berlin"
phone_region = "DE"
jurisdiction = "EU"
k = 5
margin_rate = 0.4

[sources.hubspot]
base_url = "{hubspot}"
rate_scale = {scale}
[sources.hubspot.options]
subscription_purposes = {{ {purposes} }}

[sources.zendesk]
account = "demo"
base_url = "{zendesk}"
rate_scale = {scale}
[sources.zendesk.options]
external_id_is = "hubspot"
"""

_SHOP_AND_REVIEWS = """
[sources.shopify]
account = "demo"
base_url = "{shopify}"
rate_scale = {scale}

[sources.google_reviews]
base_url = "{google_reviews}"
rate_scale = {scale}
"""


def fresh_home() -> Path:
    """An empty folder for the demo; one that the demo did not make is left alone.

    Raises:
        SystemExit: The folder exists and was not made by the demo.
    """
    if HOME.exists() and not (HOME / _MARK).exists():
        raise SystemExit(f"{HOME} exists and was not made by the demo; move it away, then run: make demo")
    shutil.rmtree(HOME, ignore_errors=True)
    (HOME / "keys").mkdir(parents=True, mode=0o700)
    (HOME / _MARK).touch()
    return HOME


def write_config(home: Path, business: Business, *, scale: int, purposes: dict[str, str], systems: int = 4) -> Path:
    """The demo's cdp.toml; for the first two systems alone, if the benchmark asks for it."""
    path = home / "cdp.toml"
    text = (_CONFIG if systems == 2 else _CONFIG + _SHOP_AND_REVIEWS).format(
        shopify=business.shopify["url"],
        google_reviews=business.google_reviews["url"],
        root_key=(home / "keys" / "root.key").resolve(),
        hubspot=business.hubspot["url"],
        zendesk=business.zendesk["url"],
        scale=scale,
        purposes=", ".join(f'"{id_}" = "{purpose}"' for id_, purpose in purposes.items()),
    )
    path.write_text(text)
    return path
