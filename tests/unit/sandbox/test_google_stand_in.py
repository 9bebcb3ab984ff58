"""The traps of Google's review API that a connector must survive."""

from datetime import datetime

import httpx
import pytest

from sandbox import Fault, World, running

AUTHORIZED = {"authorization": "Bearer ya29.sandbox"}
STARS = {"ONE": 1, "TWO": 2, "THREE": 3, "FOUR": 4, "FIVE": 5}


@pytest.fixture(scope="module")
def world():
    return World(seed=6, customers=800)


@pytest.fixture(scope="module")
def stand_ins(world):
    with running(world) as state:
        yield state


@pytest.fixture(scope="module")
def google(stand_ins):
    with httpx.Client(base_url=stand_ins.urls["google_reviews"], headers=AUTHORIZED) as client:
        yield client


def path(place):
    return f"/v4/accounts/{place.account}/locations/{place.id}/reviews"


def walk(google, place, **params):
    """Every review of a place, following page tokens."""
    found, token = [], {}
    while True:
        page = google.get(path(place), params={**params, **token}).json()
        found += page.get("reviews", [])
        if "nextPageToken" not in page:
            return found
        token = {"pageToken": page["nextPageToken"]}


def moment(text):
    return datetime.fromisoformat(text)


def test_accounts_and_locations_name_things_differently(google, world):
    accounts = google.get("/v1/accounts").json()["accounts"]
    found = {}
    for account in accounts:
        answer = google.get(f"/v1/{account['name']}/locations", params={"readMask": "name,title"}).json()
        found |= {location["name"]: location for location in answer["locations"]}
    assert set(found) == {f"locations/{place.id}" for place in world.reviews.places}
    assert all(set(location) == {"name", "title"} for location in found.values())


def test_locations_come_only_with_a_mask_and_in_pages(google, world):
    account = world.reviews.places[0].account
    assert google.get(f"/v1/accounts/{account}/locations").json()["error"]["status"] == "INVALID_ARGUMENT"
    first = google.get(f"/v1/accounts/{account}/locations", params={"readMask": "name", "pageSize": "1"}).json()
    more = {"readMask": "name", "pageSize": "1", "pageToken": first["nextPageToken"]}
    second = google.get(f"/v1/accounts/{account}/locations", params=more).json()
    names = [page["locations"][0]["name"] for page in (first, second)]
    assert len(set(names)) == 2
    assert google.get("/v1/accounts/1/locations", params={"readMask": "name"}).status_code == 404


def test_reviews_come_newest_change_first_fifty_a_page(google, world):
    place = world.reviews.places[0]
    expected = sorted(world.reviews.of(place), key=lambda r: (r.updated, r.id), reverse=True)
    assert len(expected) > 50
    assert [r["reviewId"] for r in walk(google, place)] == [r.id for r in expected]
    page = google.get(path(place)).json()
    assert (len(page["reviews"]), page["totalReviewCount"]) == (50, len(expected))
    assert page["averageRating"] == round(sum(r.stars for r in expected) / len(expected), 1)


def test_reviews_can_be_sorted_by_rating_but_not_upwards_in_time(google, world):
    place = world.reviews.places[0]
    stars = [STARS[r["starRating"]] for r in walk(google, place, orderBy="rating")]
    assert stars == sorted(stars)
    assert google.get(path(place), params={"orderBy": "updateTime"}).status_code == 400
    assert google.get(path(place), params={"orderBy": "updateTime asc"}).status_code == 400


@pytest.mark.parametrize("params", [{"pageSize": "51"}, {"pageToken": "x"}, {"pageToken": "bm8="}])
def test_pages_that_are_too_large_and_tokens_that_are_none_are_refused(google, world, params):
    answer = google.get(path(world.reviews.places[0]), params=params)
    assert (answer.status_code, answer.json()["error"]["status"]) == (400, "INVALID_ARGUMENT")


def test_a_location_without_reviews_answers_an_empty_object(google, world):
    empty = world.reviews.places[-1]
    assert not world.reviews.of(empty)
    assert google.get(path(empty)).json() == {}


def test_what_is_false_or_empty_is_left_out(google, world):
    shown = {r["reviewId"]: r for place in world.reviews.places for r in walk(google, place)}
    for review in world.reviews.reviews:
        told = shown[review.id]
        assert told.get("comment") == review.text
        assert ("reviewReply" in told) == (review.reply is not None)
        assert told["reviewer"].get("isAnonymous", False) is (review.reviewer is None)
        assert STARS[told["starRating"]] == review.stars
        assert moment(told["createTime"]).timestamp() == pytest.approx(review.created / 1e6, abs=1e-5)
        assert not [value for value in told.values() if value in (False, "", 0, None)]
    forms = {len(r["updateTime"]) for r in shown.values()}
    assert {len("2026-01-01T00:00:00Z"), len("2026-01-01T00:00:00.123456Z")} <= forms


def test_a_reply_moves_no_time_of_its_review(world):
    answered = [review for review in world.reviews.reviews if review.replied]
    assert any(review.replied > review.updated for review in answered)


def test_one_review_and_unknown_ones(google, world):
    review = world.reviews.reviews[0]
    assert google.get(f"{path(review.place)}/{review.id}").json()["reviewId"] == review.id
    for wrong in (f"{path(review.place)}/none", "/v4/accounts/1/locations/2/reviews"):
        answer = google.get(wrong)
        assert (answer.status_code, answer.json()["error"]["status"]) == (404, "NOT_FOUND")


def test_reviews_of_many_locations_come_as_one_list(google, world):
    account = world.reviews.places[0].account
    places = [place for place in world.reviews.places if place.account == account]
    names = [f"accounts/{place.account}/locations/{place.id}" for place in places]
    found, token = [], ""
    while True:
        body = {"locationNames": names, "pageSize": 50, "pageToken": token}
        page = google.post(f"/v4/accounts/{account}/locations:batchGetReviews", json=body).json()
        found += [(entry["name"], entry["review"]["reviewId"]) for entry in page["locationReviews"]]
        token = page.get("nextPageToken", "")
        if not token:
            break
    expected = {(f"accounts/{r.place.account}/locations/{r.place.id}", r.id) for r in world.reviews.reviews}
    assert set(found) == {entry for entry in expected if entry[0] in names}
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    ("body", "status"),
    [({"locationNames": []}, 400), ({"locationNames": ["accounts/1/locations/2"]}, 404), ({"pageSize": 51}, 400)],
)
def test_a_batch_of_locations_that_makes_no_sense_is_refused(google, world, body, status):
    account = world.reviews.places[0].account
    assert google.post(f"/v4/accounts/{account}/locations:batchGetReviews", json=body).status_code == status


def test_rating_only_reviews_can_be_left_out_of_a_batch(google, world):
    place = world.reviews.places[0]
    body = {"locationNames": [f"accounts/{place.account}/locations/{place.id}"], "ignoreRatingOnlyReviews": True}
    page = google.post(f"/v4/accounts/{place.account}/locations:batchGetReviews", json=body).json()
    assert all(entry["review"]["comment"] for entry in page["locationReviews"])


@pytest.mark.parametrize(
    ("token", "status", "said"),
    [
        ("wrong", 401, "UNAUTHENTICATED"),
        ("ya29.noscope", 403, "PERMISSION_DENIED"),
        ("1//sandbox-refresh", 401, "UNAUTHENTICATED"),
    ],
)
def test_tokens_that_open_nothing(google, token, status, said):
    answer = google.get("/v1/accounts", headers={"authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["status"]) == (status, said)


def test_an_unknown_path_is_answered_by_the_edge(google):
    answer = google.get("/v4/nothing")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html")


def test_the_quota_of_a_minute_has_an_end_without_a_waiting_time():
    with running(World(seed=1, customers=20), rate_scale=0.01) as state:
        url = f"{state.urls['google_reviews']}/v1/accounts"
        answers = [httpx.get(url, headers=AUTHORIZED) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    error = answers[-1].json()["error"]
    assert (error["status"], error["details"][0]["metadata"]["quota_limit_value"]) == ("RESOURCE_EXHAUSTED", "3")
    assert "retry-after" not in answers[-1].headers


@pytest.mark.parametrize(("kind", "status"), [("500", 500), ("503_retry_after", 503), ("429_retry_after", 429)])
def test_faults_have_googles_bodies(google, stand_ins, kind, status):
    stand_ins.switches.faults = [Fault("google_reviews", "/v1/accounts", kind)]
    answer = google.get("/v1/accounts")
    assert (answer.status_code, answer.json()["error"]["code"]) == (status, status)


def test_days_bring_new_edited_answered_and_withdrawn_reviews():
    world = World(seed=7, customers=300)
    before = {r.id: (r.updated, r.reply, r.stars) for r in world.reviews.reviews}
    with running(world) as state, httpx.Client(base_url=state.urls["google_reviews"], headers=AUTHORIZED) as google:
        place = world.reviews.places[0]
        token = google.get(path(place), params={"pageSize": 5}).json()["nextPageToken"]
        world.advance()
        # Page tokens do not outlive the list they were cut from.
        assert google.get(path(place), params={"pageToken": token}).status_code == 400
        shown = {r["reviewId"] for spot in world.reviews.places for r in walk(google, spot)}
    after = {r.id: (r.updated, r.reply, r.stars) for r in world.reviews.reviews}
    assert shown == set(after)
    assert after.keys() - before.keys()
    assert before.keys() - after.keys()
    both = before.keys() & after.keys()
    assert any(before[i][0] < after[i][0] for i in both)
    assert any(before[i][1] is None and after[i][1] for i in both)


def test_what_was_written_in_public_counts_as_a_personal_value(world):
    values = set(world.personal_values())
    for review in (*world.reviews.reviews, *world.reviews.retired):
        assert not review.reviewer or ("name", review.reviewer) in values
        assert not review.text or ("text", review.text) in values
