"""Google's reviews: the maps with literals, then the reader, one odd answer at a time."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors import IncompleteError, Patience, RejectedError, RetriableError, SettingsError, source
from connectors.google_reviews.maps import map_review
from connectors.spec import Context
from models import Review
from models.derive import validator

GOOGLE = source("google_reviews")
REVIEWS = GOOGLE.stream("reviews")
NAME = "accounts/1/locations/2/reviews/abc"
WRITTEN, CHANGED = "2026-01-02T03:04:05Z", "2026-02-01T00:00:00.123456Z"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def review(number, *, updated=CHANGED, created=WRITTEN, location="2", **more):
    name = f"accounts/1/locations/{location}/reviews/{number}"
    reviewer = {"displayName": "Foo Bar", "profilePhotoUrl": "https://photo.example/x"}
    times = {"createTime": created, "updateTime": updated}
    return {"name": name, "reviewId": str(number), "reviewer": reviewer, "starRating": "FOUR", **times, **more}


def mapped(record):
    ((entity, row),) = map_review(record, Context())
    return validator(entity)({"source": "google_reviews", **row})


def at(text):
    return datetime.fromisoformat(text)


def test_a_review_with_everything():
    reply = {"comment": "Dear Foo", "updateTime": "2026-02-02T00:00:00Z", "reviewReplyState": "APPROVED"}
    row = mapped(review("abc", comment="Nice. Foo", reviewReply=reply, reviewMediaItems=[{}]))
    assert row == {
        "source": "google_reviews",
        "source_id": "locations/2/reviews/abc",
        "version_at": at(CHANGED),
        "deleted": False,
        "person_id": None,
        "platform": "google",
        "location": "2",
        "at": at(WRITTEN),
        "updated_at": at(CHANGED),
        "rating": 4.0,
        "rating_max": 5.0,
        "reply_at": at("2026-02-02T00:00:00Z"),
        "is_anonymous": False,
        "author": "Foo Bar",
        "text": "Nice. Foo",
    }


def test_what_an_anonymous_author_is_called_is_no_name():
    row = mapped(review("abc", reviewer={"displayName": "A Google user", "isAnonymous": True}))
    assert (row["author"], row["is_anonymous"]) == (None, True)


@pytest.mark.parametrize("reviewer", [None, {}])
def test_a_review_without_reviewer_or_words_is_still_a_rating(reviewer):
    row = mapped({**review("abc"), "reviewer": reviewer})
    assert (row["author"], row["text"], row["reply_at"], row["rating"]) == (None, None, None, 4.0)


@pytest.mark.parametrize(
    ("reply", "is_public"),
    [
        ({"updateTime": CHANGED}, True),
        ({"updateTime": CHANGED, "reviewReplyState": "APPROVED"}, True),
        ({"updateTime": CHANGED, "reviewReplyState": "PENDING"}, False),
        ({"updateTime": CHANGED, "state": "REJECTED"}, False),
        ({}, False),
    ],
)
def test_a_reply_counts_when_the_public_can_see_it(reply, is_public):
    assert (mapped(review("abc", reviewReply=reply))["reply_at"] is not None) is is_public


@pytest.mark.parametrize(
    ("comment", "words"),
    [
        ("Gut.", "Gut."),
        ("(Translated by Google) Good.\n\n(Original)\nGut.", "Gut."),
        ("Gut.\n\n(Translated by Google)\nGood.", "Gut."),
        ("(Translated by Google) Good.", "Good."),
        ("  ", None),
    ],
)
def test_the_authors_own_words_are_kept(comment, words):
    assert mapped(review("abc", comment=comment))["text"] == words


def test_times_may_have_up_to_nine_digits():
    row = mapped(review("abc", updated="2026-02-01T00:00:00.123456789Z", created="2026-01-02T03:04:05.5Z"))
    assert (row["updated_at"], row["at"]) == (at(CHANGED), at("2026-01-02T03:04:05.500000Z"))


@pytest.mark.parametrize(
    ("word", "rating"), [("ONE", 1.0), ("FIVE", 5.0), ("STAR_RATING_UNSPECIFIED", None), (None, None)]
)
def test_stars_are_words(word, rating):
    assert mapped(review("abc", starRating=word))["rating"] == rating


def test_an_unknown_word_for_stars_is_refused():
    with pytest.raises(ValueError, match="unknown rating"):
        map_review(review("abc", starRating="SIX"), Context())


class Profile:
    """A user of Business Profile: reviews by location, newest first, ``size`` on a page."""

    def __init__(self, size=2, **places):
        self.size = size
        self.places = {number.removeprefix("l"): list(reviews) for number, reviews in places.items()}
        self.totals, self.refused, self.calls = {}, {}, []
        self.before = lambda _number, _start: None

    def handle(self, request):
        self.calls.append(request)
        parts = request.url.path.strip("/").split("/")
        if parts == ["v1", "accounts"]:
            return httpx.Response(200, json={"accounts": [{"name": "accounts/1"}, {"name": "accounts/9"}]})
        if parts[-1] == "locations":
            listed = [{"name": f"locations/{number}", "title": f"T{number}"} for number in self.places]
            return httpx.Response(200, json={"locations": listed} if listed else {})
        return self._page(parts[4], request.url.params)

    def _page(self, number, params):
        start = int(params.get("pageToken", "0"))
        if odd := self.before(number, start) or self.refused.get(number):
            return odd
        reviews = sorted(self.places[number], key=lambda r: r["updateTime"], reverse=True)
        if not reviews:
            return httpx.Response(200, json={})
        shown = reviews[start : start + self.size]
        total = self.totals.get(number, len({r["name"] for r in reviews}))
        body = {"reviews": shown, "totalReviewCount": total, "averageRating": 4.1}
        if start + self.size < len(reviews):
            body["nextPageToken"] = str(start + self.size)
        return httpx.Response(200, json=body)

    @property
    def pages(self):
        return [call.url.params.get("pageToken", "0") for call in self.calls if call.url.path.endswith("/reviews")]


@pytest.fixture
def read(vendor):
    def run(profile, **arguments):
        there = vendor({}, source=GOOGLE)
        there.handle = profile.handle
        return there.read(stream=REVIEWS, patience=Patience(attempts=1), **{"clock": lambda: NOW, **arguments})

    return run


def ids(pages):
    return [row["source_id"].rpartition("/")[2] for page in pages for row in page.rows[Review]]


def day(number, hour=0):
    return f"2026-02-{number:02}T{hour:02}:00:00Z"


def old(count):
    """Reviews of the first of February, of one minute each."""
    return [
        review(f"o{n}", created=f"2026-02-01T00:{n:02}:00Z", updated=f"2026-02-01T00:{n:02}:00Z") for n in range(count)
    ]


def cursor(**place):
    given = {"since": "2026-02-10T00:00:00+00:00", "whole_at": (NOW - timedelta(hours=2)).isoformat(), "gap": 0}
    return {"places": {"2": {**given, **place}}}


def test_a_first_load_reads_every_location_to_its_end_and_says_what_is_there(read):
    profile = Profile(l2=old(3), l5=[review("x", location="5")], l7=[])
    pages = read(profile, cursor=None)
    assert sorted(ids(pages)) == ["o0", "o1", "o2", "x"]
    sweeps = {sweep.prefix: sorted(sweep.present) for page in pages for sweep in page.sweeps}
    assert sweeps == {
        "locations/2/": [f"locations/2/reviews/o{n}" for n in range(3)],
        "locations/5/": ["locations/5/reviews/x"],
        "locations/7/": [],
    }
    last = pages[-1].cursor["places"]
    assert {number: place["count"] for number, place in last.items()} == {"2": 3, "5": 1, "7": 0}
    assert last["2"] == {"since": "2026-02-01T00:02:00+00:00", "whole_at": NOW.isoformat(), "count": 3, "gap": 0}


def test_a_location_that_two_accounts_list_is_read_once(read):
    profile = Profile(l2=old(1))
    assert ids(read(profile, cursor=None)) == ["o0"]
    assert len(profile.pages) == 1


def test_a_later_run_stops_where_everything_has_been_read(read):
    new = [review("n1", updated=day(12), created=day(12)), review("n2", updated=day(9, 12))]
    profile = Profile(l2=[*old(6), *new])
    pages = read(profile, cursor=cursor(count=7))
    assert ids(pages) == ["n1", "n2", "o5", "o4"]
    assert profile.pages == ["0", "2"]
    assert not [sweep for page in pages for sweep in page.sweeps]
    assert pages[-1].cursor["places"]["2"] == {**cursor(count=8)["places"]["2"], "since": "2026-02-12T00:00:00+00:00"}


@pytest.mark.parametrize("hours", [23.5, 100])
def test_once_a_day_everything_is_read_because_replies_move_no_time(read, hours):
    profile = Profile(l2=old(6))
    place = cursor(count=6, whole_at=(NOW - timedelta(hours=hours)).isoformat())
    assert len(ids(read(profile, cursor=place))) == 6


def test_a_count_that_lacks_a_review_makes_the_run_look_for_it(read):
    profile = Profile(l2=[*old(6), review("n1", updated=day(12), created=day(12))])
    pages = read(profile, cursor=cursor(count=7))
    (sweep,) = [sweep for page in pages for sweep in page.sweeps]
    assert len(sweep.present) == 7
    assert set(ids(pages)) == {"n1", *(f"o{n}" for n in range(6))}


def test_a_run_goes_on_with_the_location_it_had_not_finished(read):
    profile = Profile(l2=old(3), l5=[review("x", location="5", updated="2026-02-20T00:00:00Z")])
    first = read(profile, cursor=None)
    after_first_location = next(page.cursor for page in first if page.cursor)
    assert list(after_first_location["places"]) == ["2"]
    profile.calls.clear()
    assert ids(read(profile, cursor=after_first_location))[-1] == "x"


def test_a_backfill_reads_as_far_back_as_asked_and_leaves_the_cursor(read):
    profile = Profile(l2=[*old(6), review("n1", updated=day(12))])
    pages = read(profile, cursor=cursor(count=7), since=datetime(2026, 2, 5, tzinfo=UTC))
    assert ids(pages) == ["n1", "o5"]
    assert {page.cursor for page in pages} == {None}


def test_a_review_that_comes_in_while_pages_are_read_brings_none_twice(read):
    profile = Profile(l2=old(4))

    def arrive(_number, start):
        if start == 2 and len(profile.places["2"]) == 4:
            profile.places["2"].append(review("n1", updated=day(12)))

    profile.before = arrive
    pages = read(profile, cursor=None)
    assert ids(pages) == ["o3", "o2", "o1", "o0"]
    (notice,) = [notice for page in pages for notice in page.notices]
    assert notice.startswith("Location 2 says it has 5 reviews and lists 4, so what is not listed is not taken")
    assert not [sweep for page in pages for sweep in page.sweeps]


def test_two_reviews_with_one_id_are_one_and_it_is_said(read):
    twin = review("o1", updated="2026-01-20T00:00:00Z", comment="other words")
    pages = read(Profile(l2=[*old(2), twin]), cursor=None)
    assert ids(pages) == ["o1", "o0"]
    notices = [notice for page in pages for notice in page.notices]
    assert notices == ["1 review ids of location 2 came twice with different content; the one changed last is kept."]
    (sweep,) = [sweep for page in pages for sweep in page.sweeps]
    assert len(sweep.present) == 2


def test_one_id_at_two_locations_is_two_reviews(read):
    profile = Profile(l2=[review("same")], l5=[review("same", location="5")])
    rows = [row["source_id"] for page in read(profile, cursor=None) for row in page.rows[Review]]
    assert rows == ["locations/2/reviews/same", "locations/5/reviews/same"]


def test_a_gap_that_stays_is_the_vendors_and_no_reason_to_find_no_deletion(read):
    profile = Profile(l2=old(2))
    profile.totals["2"] = 3
    first = read(profile, cursor=None)
    assert not [sweep for page in first for sweep in page.sweeps]
    again = read(profile, cursor=first[-1].cursor, clock=lambda: NOW + timedelta(days=1))
    assert [len(sweep.present) for page in again for sweep in page.sweeps] == [2]
    assert not [notice for page in again for notice in page.notices]


def test_page_tokens_that_end_begin_the_listing_again(read):
    profile = Profile(l2=old(4))
    expired = iter([httpx.Response(400, json={"error": {"code": 400, "status": "INVALID_ARGUMENT"}})])

    def expire(_number, start):
        if start != 2:
            return None
        answer = next(expired, None)
        if answer:
            profile.places["2"][3]["comment"] = "edited meanwhile"
            profile.places["2"][3]["updateTime"] = day(12)
        return answer

    profile.before = expire
    pages = read(profile, cursor=None)
    assert ids(pages) == ["o3", "o2", "o3", "o1", "o0"]
    assert not [notice for page in pages for notice in page.notices]
    assert profile.pages == ["0", "2", "0", "2"]


def test_page_tokens_that_always_end_stop_the_stream(read):
    profile = Profile(l2=old(4))
    refusal = httpx.Response(400, json={"error": {"code": 400, "status": "INVALID_ARGUMENT"}})
    profile.before = lambda _number, start: refusal if start == 2 else None
    with pytest.raises(RejectedError, match=r"status 400 \(INVALID_ARGUMENT\)"):
        read(profile, cursor=None)
    assert profile.pages == ["0", "2"] * 3


@pytest.mark.parametrize("status", [403, 404])
def test_a_location_that_refuses_is_named_when_the_others_are_read(vendor, status):
    profile = Profile(l2=old(1), l5=[review("x", location="5")], l7=[])
    profile.refused["2"] = httpx.Response(status, json={"error": {"code": status, "status": "X"}})
    there, found = vendor({}, source=GOOGLE), []
    there.handle = profile.handle

    async def run():
        async with there.connection(patience=Patience(attempts=1)) as connection:
            async for page in connection.read(REVIEWS, cursor=None):
                found.append(page)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(RejectedError, match=r"1 of 3 locations refuse their reviews: 2\. The others are read"):
        asyncio.run(run())
    assert (ids(found), list(found[-1].cursor["places"])) == (["x"], ["5", "7"])


def test_a_missing_scope_stops_at_once(read):
    profile = Profile(l2=old(1), l5=[])
    details = [{"reason": "ACCESS_TOKEN_SCOPE_INSUFFICIENT"}]
    body = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": details}}
    profile.refused["2"] = httpx.Response(403, json=body)
    with pytest.raises(RejectedError, match=r"lacks the permission https://www.googleapis.com/auth/business.manage"):
        read(profile, cursor=None)


def test_an_api_that_is_switched_off_is_no_fault_of_a_location(read):
    profile = Profile(l2=old(1), l5=[])
    body = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": [{"reason": "SERVICE_DISABLED"}]}}
    profile.refused["2"] = httpx.Response(403, json=body)
    with pytest.raises(RejectedError, match="the API is switched off"):
        read(profile, cursor=None)


def test_a_page_without_its_list_is_an_error_and_not_an_empty_page(read):
    profile = Profile(l2=old(1))
    profile.refused["2"] = httpx.Response(200, json={"totalReviewCount": 1})
    with pytest.raises(IncompleteError, match='has no list "reviews"'):
        read(profile, cursor=None)


def test_a_review_without_a_name_stops_the_stream(read):
    nameless = {k: v for k, v in review("abc").items() if k != "name"}
    profile = Profile()
    profile.places["2"] = []
    profile.refused["2"] = httpx.Response(200, json={"reviews": [nameless], "totalReviewCount": 1})
    with pytest.raises(IncompleteError, match='a record has no "name"'):
        read(profile, cursor=None)


def test_a_review_that_makes_no_sense_is_set_aside_and_the_others_go_on(read):
    odd = review("odd", updated="2026-01-20T00:00:00Z", starRating="ELEVEN")
    pages = read(Profile(l2=[*old(1), odd]), cursor=None)
    assert ids(pages) == ["o0"]
    assert [item.error_class for page in pages for item in page.rejected] == ["ValueError"]


def test_only_the_configured_locations_are_read(read):
    profile = Profile(l2=old(1), l5=[review("x", location="5")])
    assert ids(read(profile, cursor=None, options={"locations": ["5"]})) == ["x"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"locations": ["6"]}, "locations has 6, which this user does not see. Locations: 2."),
        ({"locations": "6"}, "locations must be a list of texts"),
        ({"locations": [6]}, "locations must be a list of texts"),
        ({"largest_removal": 2}, "largest_removal must be a number from 0 to 1"),
        ({"largest_removal": "half"}, "largest_removal must be a number from 0 to 1"),
    ],
)
def test_options_that_mean_nothing_are_refused(read, options, sentence):
    with pytest.raises(SettingsError, match=sentence):
        read(Profile(l2=[]), cursor=None, options=options)


def test_the_option_for_removals_reaches_the_sweep(read):
    pages = read(Profile(l2=old(1)), cursor=None, options={"largest_removal": 1})
    assert [sweep.most for page in pages for sweep in page.sweeps] == [1.0]


def check(vendor, profile, **changes):
    there = vendor({}, source=GOOGLE)
    there.handle = profile.handle
    return there.check(**changes), there


def test_check_lists_the_locations(vendor):
    result, _ = check(vendor, Profile(l2=[], l5=[]))
    assert (result.ok, result.details) == (True, ("Location 2: T2", "Location 5: T5"))


def test_check_says_that_there_is_no_location(vendor):
    result, _ = check(vendor, Profile())
    assert (result.ok, "manages no location" in result.sentence) == (True, True)


def quota(limit):
    details = [{"reason": "RATE_LIMIT_EXCEEDED", "metadata": {"quota_limit_value": limit}}]
    return httpx.Response(429, json={"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}})


def test_a_quota_of_nothing_is_said_at_once_and_not_waited_for(vendor):
    there = vendor(quota("0"), source=GOOGLE)
    result = there.check()
    assert "status 429 (RESOURCE_EXHAUSTED): Google has not given this project access" in result.sentence
    assert (len(there.requests), there.waits, result.rerun_helps) == (1, [], False)


def test_a_quota_that_is_spent_is_waited_for(vendor):
    there = vendor(quota("300"), source=GOOGLE)
    with pytest.raises(RetriableError, match="cannot answer now"):
        there.read(stream=REVIEWS)
    assert len(there.requests) == 3
    assert sum(there.waits) == pytest.approx(12)  # each time a tenth of the minute


def test_an_api_that_is_switched_off_is_said(vendor):
    details = [{"reason": "SERVICE_DISABLED"}]
    body = {"error": {"code": 403, "status": "PERMISSION_DENIED", "details": details}}
    there = vendor(httpx.Response(403, json=body), source=GOOGLE)
    with pytest.raises(RejectedError, match="the API is switched off in this app's project"):
        there.read(stream=REVIEWS)


def test_each_api_is_asked_at_its_own_host(vendor):
    profile = Profile(l2=old(1))
    there = vendor({}, source=GOOGLE)
    there.handle = profile.handle
    there.read(stream=REVIEWS)
    assert {(call.url.host, call.url.path) for call in profile.calls} == {
        ("mybusinessaccountmanagement.googleapis.com", "/v1/accounts"),
        ("mybusinessbusinessinformation.googleapis.com", "/v1/accounts/1/locations"),
        ("mybusinessbusinessinformation.googleapis.com", "/v1/accounts/9/locations"),
        ("mybusiness.googleapis.com", "/v4/accounts/1/locations/2/reviews"),
    }


def test_a_listing_of_locations_that_runs_in_a_circle_is_an_error(vendor):
    there = vendor({"accounts": [], "nextPageToken": "x"}, source=GOOGLE)
    with pytest.raises(IncompleteError, match="asks for a page it has had"):
        there.read(stream=REVIEWS)


def minute(number):
    return (datetime(2026, 2, 11, tzinfo=UTC) + timedelta(minutes=number)).isoformat()


def happen(reviews, event, moment):
    """One thing that can happen to a location: somebody writes, edits or takes back a review."""
    kind, place = event
    if kind == "write" or not reviews:
        reviews.append(review(f"w{moment}", created=minute(moment), updated=minute(moment)))
    elif kind == "edit":
        reviews[place % len(reviews)] |= {"updateTime": minute(moment), "comment": f"edited {moment}"}
    else:
        del reviews[place % len(reviews)]


def current(rows, pages):
    """What is known after a run: its rows over those from before, without what a whole listing lacks."""
    rows = rows | {row["source_id"]: row for page in pages for row in page.rows[Review]}
    for sweep in (sweep for page in pages for sweep in page.sweeps):
        rows = {key: row for key, row in rows.items() if key in sweep.present}
    return rows


EVENTS = st.tuples(st.sampled_from(["write", "edit", "take back"]), st.integers(0, 30))


@given(st.lists(st.lists(EVENTS, max_size=5), min_size=1, max_size=4), st.integers(0, 7))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_happens_between_runs_the_next_one_knows_what_stands(read, runs, before):
    profile, rows, state, moment = Profile(l2=old(before)), {}, None, 0
    for number, events in enumerate([[], *runs]):
        for event in events:
            moment += 1
            happen(profile.places["2"], event, moment)
        pages = read(profile, cursor=state, clock=lambda hours=number: NOW + timedelta(hours=hours))
        state, rows = pages[-1].cursor, current(rows, pages)
        standing = {mapped(record)["source_id"]: mapped(record) for record in profile.places["2"]}
        assert rows == standing
