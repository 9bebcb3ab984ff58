"""Google reviews from the stand-in into the lake: nothing lost, nothing double, and what was taken back is marked."""

import threading
from copy import copy
from typing import Any

import httpx
import pytest
from installations import Home

from cdp_pipelines.cli.main import execute
from cdp_pipelines.config import load_settings
from cdp_pipelines.leaks import find_leaks
from models import Review
from sandbox.oauth import CLIENT_ID, CLIENT_SECRET
from sandbox.server import Running

SECTION = '[sources.google_reviews]\nbase_url = "{url}"\nrate_scale = 10000\n'


@pytest.fixture
def profile(home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch) -> Home:
    """An installation that reads reviews."""
    monkeypatch.setenv("CDP_GOOGLE_REVIEWS_TOKEN", "ya29.sandbox")
    return configured(home, SECTION.format(url=vendors.urls["google_reviews"]))


def configured(home: Home, text: str) -> Home:
    with home.config.open("a") as file:
        file.write(text)
    return Home(load_settings(home.config, environment={}))


def stored(home: Home, *, deleted: bool = False) -> dict[str, dict[str, Any]]:
    with home.opened() as opened:
        rows = opened.lake.current("review", include_deleted=True).to_pylist()
    return {row["source_id"]: row for row in rows if row["deleted"] is deleted}


def standing(vendors: Running) -> set[str]:
    return {f"locations/{r.place.id}/reviews/{r.id}" for r in vendors.world.reviews.reviews}


def test_what_is_taken_back_is_marked_and_stays_readable(profile: Home, vendors: Running) -> None:
    profile.sync("google_reviews")
    before = standing(vendors)
    assert set(stored(profile)) == before
    ratings = {key: row["rating"] for key, row in stored(profile).items()}

    vendors.world.advance(days=1)
    report = profile.sync("google_reviews")

    gone = before - standing(vendors)
    assert gone
    assert (set(stored(profile)), set(stored(profile, deleted=True))) == (standing(vendors), gone)
    assert report.streams[0].deleted == len(gone)
    assert {key: row["rating"] for key, row in stored(profile, deleted=True).items()} == {k: ratings[k] for k in gone}
    with profile.opened() as opened:
        table = opened.lake.current("review", include_deleted=True)
        authors = {
            row["source_id"]: clear["author"]
            for row, clear in zip(table.to_pylist(), opened.revealer.reveal(Review, table, ["author"]), strict=True)
        }
    taken_back = {f"locations/{r.place.id}/reviews/{r.id}": r.reviewer for r in vendors.world.reviews.retired}
    assert {key: authors[key] for key in gone} == {key: taken_back[key] for key in gone}


def test_a_review_that_is_listed_again_counts_again(profile: Home, vendors: Running) -> None:
    reviews = vendors.world.reviews.reviews
    profile.sync("google_reviews")
    hidden = reviews.pop()

    profile.sync("google_reviews")
    assert len(stored(profile, deleted=True)) == 1
    reviews.append(hidden)
    profile.sync("google_reviews")

    assert set(stored(profile)) == standing(vendors)
    assert stored(profile, deleted=True) == {}


def test_a_reply_that_is_taken_back_is_gone_after_the_next_whole_reading(profile: Home, vendors: Running) -> None:
    review = next(r for r in vendors.world.reviews.reviews if r.reply)
    key = f"locations/{review.place.id}/reviews/{review.id}"
    profile.sync("google_reviews")
    assert stored(profile)[key]["reply_at"] is not None

    vendors.world.advance(days=1)
    review.reply = review.replied = None
    if key not in standing(vendors):  # the day took it back
        vendors.world.reviews.reviews.append(review)
    profile.sync("google_reviews")

    assert stored(profile)[key]["reply_at"] is None


def test_so_many_missing_at_once_that_it_looks_like_a_fault_stay_until_somebody_says_so(
    profile: Home, vendors: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    data = vendors.world.reviews
    place = data.places[0]
    data.reviews += [copied(data.reviews[0], number, place) for number in range(30)]
    profile.sync("google_reviews")
    everything = len(stored(profile))
    data.reviews = [review for review in data.reviews if review.place != place]

    assert execute(["--config", str(profile.config), "sync", "google_reviews"]) == 0
    said = capsys.readouterr().out
    assert len(stored(profile)) == everything
    assert "look like a fault, so they stay; if they are really gone, see docs/connectors/google_reviews.md." in said

    allowed = configured(profile, "options.largest_removal = 1\n")
    allowed.sync("google_reviews")
    assert set(stored(allowed)) == standing(vendors)


def copied(review: Any, number: int, place: Any) -> Any:
    twin = copy(review)
    twin.id, twin.place = f"{review.id[:20]}{number:02}", place
    return twin


def test_two_reviews_with_one_id_are_stored_once_and_named(
    profile: Home, vendors: Running, capsys: pytest.CaptureFixture[str]
) -> None:
    reviews = vendors.world.reviews.reviews
    twin = copy(reviews[0])
    twin.stars, twin.updated = 6 - twin.stars, twin.updated + 60_000_000
    reviews.append(twin)

    assert execute(["--config", str(profile.config), "sync", "google_reviews"]) == 0

    assert "1 review ids of location" in capsys.readouterr().out
    assert set(stored(profile)) == standing(vendors)
    assert stored(profile)[f"locations/{twin.place.id}/reviews/{twin.id}"]["rating"] == twin.stars


def test_nothing_of_a_review_or_a_deal_is_in_clear(profile: Home, vendors: Running) -> None:
    profile.sync("google_reviews")
    profile.sync("hubspot")
    vendors.world.advance(days=1)
    profile.sync("google_reviews")

    with profile.opened() as opened:
        found = find_leaks(opened, values=vendors.world.personal_values())
    assert (found.findings, found.skipped) == ((), ())


def test_a_profile_is_connected_in_the_browser_and_its_tokens_are_renewed(
    home: Home, vendors: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = f'[sources.google_reviews.oauth]\nclient_id = "{CLIENT_ID}"\n'
    profile = configured(home, SECTION.format(url=vendors.urls["google_reviews"]) + app)
    monkeypatch.setenv("CDP_GOOGLE_REVIEWS_CLIENT_SECRET", CLIENT_SECRET)
    monkeypatch.setenv("DISPLAY", ":0")
    threads: list[threading.Thread] = []

    def agree(address: str) -> bool:
        threads.append(threading.Thread(target=httpx.get, args=(address,), kwargs={"follow_redirects": True}))
        threads[-1].start()
        return True

    monkeypatch.setattr("webbrowser.open", agree)
    assert execute(["--config", str(profile.config), "sources", "connect", "google_reviews"]) == 0
    threads[0].join(10)
    said = capsys.readouterr().out
    assert "may read everything the streams need" in said

    vendors.grants["google_reviews"].expire()
    assert execute(["--config", str(profile.config), "sync", "google_reviews"]) == 0
    assert set(stored(profile)) == standing(vendors)


def test_deals_arrive_with_their_amounts_and_archived_ones_are_marked(home: Home, vendors: Running) -> None:
    home.sync("hubspot")
    vendors.world.advance(days=1)
    home.sync("hubspot")
    with home.opened() as opened:
        rows = {row["source_id"]: row for row in opened.lake.current("deal", include_deleted=True).to_pylist()}
    deals = vendors.world.hubspot.deals
    assert {key: row["deleted"] for key, row in rows.items()} == {
        key: d.archived is not None for key, d in deals.items()
    }
    for key, deal in deals.items():
        amount = deal.props.get("amount")
        assert rows[key]["amount_micros"] == (round(float(amount) * 1_000_000) if amount else None)
        assert rows[key]["is_won"] == (deal.props["hs_is_closed_won"] == "true")
        assert (rows[key]["closed_at"] is not None) == (deal.props["hs_is_closed"] == "true")
