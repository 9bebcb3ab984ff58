"""A small business on two days, and installations that have got so far with it: where the kill tests begin."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from pathlib import Path
from typing import Any

from chaos import parts, remains
from installations import FOUR_SYSTEMS, Home, make_home, with_shop_and_reviews

from cdp_pipelines.config import load_settings
from cdp_pipelines.credentials import Grant, store_grant
from connectors.registry import source
from sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from sandbox.server import running
from sandbox.vanishing import vanish
from sandbox.world import World

CUSTOMERS = 12
"""Enough for every point of the plan to be reached; a test would fail if not."""

_DAYS_BETWEEN = 3
_ENVIRONMENT = {name: token for name, token in FOUR_SYSTEMS.items() if "HUBSPOT" not in name}
_REFRESH_TOKEN = "na1-sandbox-for-ever"
"""HubSpot's access token is in the vault and has ended, so that a run begins by renewing it."""

Urls = dict[str, str]


@dataclass(frozen=True)
class Undisturbed:
    """A part of the way that nobody killed: how it ended, its installation, and what it left behind."""

    ended: parts.Ended
    home: Home
    left: remains.Left


class Scene:
    """Installations at the beginning and at the end of each part of the way. Each is made when it is first asked for.

    Args:
        folder: Where they are kept.
        earlier: The vendors' addresses, one of the two days.
        now: The vendors' addresses, the other day.
    """

    def __init__(self, folder: Path, earlier: Urls, now: Urls) -> None:
        self._folder, self._earlier, self._now = folder, earlier, now
        self.undisturbed: Callable[[str], Undisturbed] = cache(self._undisturbed)
        self._new = cache(self._made)
        self._read_earlier = cache(partial(self._read, "read"))

    def begin(self, part: str, folder: Path) -> Home:
        """A copy of the installation that the part begins with, in ``folder``."""
        if part in ("first_sync", "moving_sync"):
            home = copied(self._new(), folder)
        elif part in ("next_sync", "whole_again"):
            home = copied(self._read_earlier(), folder)
        else:
            home = copied(self.undisturbed("next_sync").home, folder)
        return home if part == "moving_sync" else self.a_few_days_later(home)

    def a_few_days_later(self, home: Home) -> Home:
        """The same installation; the vendors are those of the later day."""
        config = home.config.read_text()
        for name, url in self._earlier.items():
            config = config.replace(url, self._now[name])
        home.config.write_text(config)
        return _loaded(home.config.parent)

    @staticmethod
    def run(home: Home, part: str, **kill: Any) -> parts.Ended:
        """Do the part; ``kill`` as for ``parts.run``."""
        return parts.run(part, home.config, _ENVIRONMENT, **kill)

    def differing(self, part: str, home: Home) -> remains.Left:
        """What a part left behind that is not as an undisturbed one leaves it.

        When the vendors change while a sync is dead, each record is as if everything had been read on the later day
        alone, or on both days.
        """
        likes = ("first_sync", "next_sync") if part == "moving_sync" else (part,)
        return remains.differing(_left(part, home), *(self.undisturbed(like).left for like in likes))

    def _undisturbed(self, part: str) -> Undisturbed:
        home = self.begin(part, self._folder / part)
        if part == "moving_sync":
            home = self.a_few_days_later(home)
        ended = self.run(home, part)
        assert ended.code == 0
        return Undisturbed(ended, home, _left(part, home))

    def _made(self) -> Home:
        home = with_shop_and_reviews(make_home(self._folder / "new" / "home", self._earlier), self._earlier)
        with home.opened() as opened:
            ended = datetime.now(UTC) - timedelta(hours=1)
            grant = Grant(CLIENT_ID, CLIENT_SECRET, "access-ended", _REFRESH_TOKEN, expires_at=ended)
            store_grant(opened.stores, opened.ring, "hubspot", grant)
        return home

    def _read(self, name: str) -> Home:
        home = copied(self._new(), self._folder / name)
        assert self.run(home, "first_sync").code == 0
        return home


@contextmanager
def playing(folder: Path) -> Iterator[Scene]:
    """The business on both days, served until the block ends."""
    now = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=7)
    with running(_business(now)) as earlier, running(_business(now, days=_DAYS_BETWEEN)) as later:
        for vendors in (earlier, later):
            scopes = tuple(probe.scope for probe in source("hubspot").probes)
            vendors.grants["hubspot"].refresh[_REFRESH_TOKEN] = scopes
        yield Scene(folder, earlier.urls, later.urls)


def _business(now: datetime, days: int = 0) -> World:
    """The business of a day, with one record that cannot be mapped, so that there is something to set aside.

    If days have passed, two records are gone without a word, so that there is something for a sweep to find.
    """
    world = World(seed=11, customers=CUSTOMERS, now=now)
    next(iter(world.hubspot.feedback.values())).props["hs_value"] = "12"  # no answer on a scale from 0 to 10
    world.advance(days)
    if days:
        vanish(world, "contacts", {min(world.hubspot.contacts)})
        vanish(world, "deals", {min(world.hubspot.deals)})
    return world


def copied(home: Home, folder: Path) -> Home:
    """A copy of an installation that nobody has open; its keys are the same."""
    shutil.copytree(home.settings.home, folder / "home", dirs_exist_ok=True)
    return _loaded(folder / "home")


def _left(part: str, home: Home) -> remains.Left:
    return remains.read(home) | (remains.published(home) if part == "refresh" else {})


def _loaded(folder: Path) -> Home:
    return Home(load_settings(folder / "cdp.toml", environment={}))
