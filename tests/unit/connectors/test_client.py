"""The one HTTP client: what it repeats, how long it waits, what it refuses and what it says."""

import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from connectors import IncompleteError, Patience, QuotaSpentError, RejectedError, RetriableError, SettingsError
from connectors.client import Attempt, is_retriable
from connectors.cursors import ChangedSince
from connectors.side_by_side import WIDTH

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
END = {"companies": [], "after_cursor": "c", "end_of_stream": True}


@pytest.mark.parametrize("status", [408, 423, 429, 477, 500, 502, 503, 504, 521, 524])
def test_statuses_that_may_change_are_repeated(vendor, status):
    there = vendor(httpx.Response(status), END)
    there.read()
    assert len(there.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 414, 415, 422, 530])
def test_statuses_that_stay_are_not_repeated(vendor, status):
    there = vendor(httpx.Response(status), END)
    with pytest.raises(RejectedError) as caught:
        there.read()
    assert (len(there.requests), caught.value.status) == (1, status)
    assert not is_retriable(status)


@pytest.mark.parametrize(
    "error", [httpx.ConnectError, httpx.ReadTimeout, httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError]
)
def test_a_broken_connection_is_repeated_and_its_message_stays_inside(vendor, error):
    there = vendor(error("https://ours.acme.example/companies?email=a@example.com"))
    with pytest.raises(RetriableError) as caught:
        there.read()
    assert len(there.requests) == 3
    assert error.__name__ in str(caught.value)
    assert "a@example.com" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"Retry-After": "17"}, b"", 17),
        ({"Retry-After": "0.5"}, b"", 0.5),
        ({"Retry-After": "-3"}, b"", 0),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:30 GMT", "Date": "Sun, 01 Mar 2026 12:00:10 GMT"}, b"", 20),
        ({"Retry-After": "Sun, 01 Mar 2026 12:00:00 GMT", "Date": "Sun, 01 Mar 2026 12:00:10 GMT"}, b"", 0),
        ({}, b'{"retry_after": 9}', 9),
    ],
    ids=["seconds", "fraction", "negative", "date by the vendor's clock", "date gone by", "body of an edge"],
)
def test_it_waits_as_long_as_the_vendor_says(vendor, headers, body, seconds):
    there = vendor(httpx.Response(429, headers=headers, content=body), END)
    there.read()
    assert there.waits == [seconds]


@pytest.mark.parametrize("header", ["1763830000", "inf", "nan", "Thu, 01 Jan 2099 00:00:00 GMT"])
def test_a_wait_of_years_is_not_what_the_vendor_means(vendor, header):
    """It is kept for all processes of the account: believed, it would close the account for as long."""
    there = vendor(httpx.Response(429, headers={"Retry-After": header}), END)
    there.read()
    assert [0.5 <= wait <= 1 for wait in there.waits] == [True]


def test_without_a_word_from_the_vendor_waits_grow(vendor):
    there = vendor(httpx.Response(500))
    with pytest.raises(RetriableError):
        there.read(patience=Patience(attempts=5, longest_wait_seconds=4))
    assert [low <= wait <= 2 * low for low, wait in zip([0.5, 1, 2, 2], there.waits, strict=True)] == [True] * 4


def test_a_wait_longer_than_the_patience_is_left_to_the_next_run(vendor):
    there = vendor(httpx.Response(429, headers={"Retry-After": "3600"}))
    with pytest.raises(RetriableError, match="asks to wait 3600 s") as caught:
        there.read(patience=Patience(total_seconds=900))
    assert (there.waits, caught.value.retry_after_seconds) == ([], 3600)


def test_a_spent_daily_quota_is_not_waited_for(vendor):
    there = vendor(httpx.Response(429, json={"policyName": "DAILY"}))
    with pytest.raises(QuotaSpentError, match="quota of the day"):
        there.read()
    assert len(there.requests) == 1


@pytest.mark.parametrize(
    ("body", "kind", "seen"),
    [
        (b'{"companies": [', "application/json", "15 bytes with status 200 that are not one JSON object"),
        (b"", "", "0 bytes with status 200 that are not one JSON object"),
        (b"<html>", "text/html; charset=utf-8", "6 bytes of text/html with status 200 that are not one JSON object"),
        (b"[1]", "a@example.com", "3 bytes with status 200 that are not one JSON object"),
        (b'{"a": "\xff"}', "application/json", "10 bytes with status 200 that are not UTF-8"),
    ],
)
def test_a_body_that_is_no_object_is_an_error_and_not_an_empty_page(vendor, body, kind, seen):
    there = vendor(httpx.Response(200, content=body, headers={"Content-Type": kind}))
    with pytest.raises(RetriableError, match=f"acme /companies: {seen}, so the answer was cut short"):
        there.read()


def test_what_json_is_called_does_not_matter(vendor):
    assert len(vendor(httpx.Response(200, json=END, headers={"Content-Type": "text/html"})).read()) == 1


def test_only_a_compression_that_can_be_bounded_is_asked_for(vendor):
    there = vendor(END)
    there.read()
    assert there.requests[0].headers["Accept-Encoding"] == "gzip"


def test_a_redirect_within_the_host_is_followed_with_the_token(vendor):
    there = vendor(httpx.Response(302, headers={"Location": "/elsewhere"}), END)
    there.read()
    assert [request.url.path for request in there.requests] == ["/companies", "/elsewhere"]
    assert {request.headers["Authorization"] for request in there.requests} == {"Bearer secret"}


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example/",
        "http://ours.acme.example/",
        "https://ours.acme.example.evil.example/",
        "//evil.example/x",
        "https://ours.acme.example:444/",
    ],
)
def test_a_redirect_to_another_host_is_refused_unseen(vendor, location):
    there = vendor(httpx.Response(302, headers={"Location": location}), END)
    with pytest.raises(RejectedError, match="redirected to another host"):
        there.read()
    assert len(there.requests) == 1


def test_redirects_in_a_circle_end(vendor):
    there = vendor(httpx.Response(302, headers={"Location": "/companies"}))
    with pytest.raises(RejectedError, match="more than 3 redirects"):
        there.read()


def test_a_refusal_names_the_code_and_never_the_sentence(vendor):
    body = {"category": "VALIDATION_ERROR", "message": "a@example.com is no good"}
    with pytest.raises(RejectedError) as caught:
        vendor(httpx.Response(400, json=body)).read()
    assert str(caught.value) == (
        "acme /companies: status 400 (VALIDATION_ERROR): asking again would not help; compare docs/connectors/acme.md "
        "with the vendor's changelog."
    )


def test_a_code_that_looks_like_a_value_is_left_out(vendor):
    with pytest.raises(RejectedError) as caught:
        vendor(httpx.Response(404, json={"error": "a@example.com", "category": {"title": "x"}})).read()
    assert str(caught.value).startswith("acme /companies: status 404: asking")


def test_a_missing_permission_is_named(vendor):
    with pytest.raises(RejectedError, match=r"lacks the permission companies\.read") as caught:
        vendor(httpx.Response(403, json={"missing": ["companies.read"]})).read()
    assert caught.value.missing_scopes == ("companies.read",)


def test_the_log_holds_the_path_and_no_query(vendor, caplog):
    caplog.set_level(logging.DEBUG)
    there = vendor(END)
    there.read(cursor={"cursor": "a@example.com"})
    assert there.queries == [{"cursor": "a@example.com"}]
    assert "/companies status=200 attempt=1" in caplog.text
    assert "a@example.com" not in caplog.text
    assert "secret" not in caplog.text


def test_an_observer_sees_every_attempt(vendor):
    there = vendor(httpx.Response(500), httpx.ReadError("cut"), END)
    there.read()
    assert [(a.path, a.status, a.number) for a in there.attempts] == [
        ("/companies", 500, 1),
        ("/companies", None, 2),
        ("/companies", 200, 3),
    ]
    assert isinstance(there.attempts[0], Attempt)


def test_when_nothing_is_left_the_next_call_waits_for_the_reset(vendor):
    spent = httpx.Response(200, headers={"X-Left": "0", "X-Reset": "30"}, json={**END, "end_of_stream": False})
    there = vendor(spent, END)
    there.read()
    assert [29 < wait <= 30 for wait in there.waits] == [True]


def test_when_nothing_is_left_and_no_reset_is_given_the_whole_window_passes(vendor):
    spent = httpx.Response(200, headers={"X-Left": "0"}, json={**END, "end_of_stream": False})
    there = vendor(spent, END)
    there.read()
    assert [1 <= wait <= 1.05 for wait in there.waits] == [True]


@pytest.mark.parametrize(
    ("base_url", "problem"),
    [
        ("http://acme.example", "in clear"),
        ("ftp://acme.example", "in clear"),
        ("https://user:pass@acme.example", "a scheme and a host only"),
        ("https://acme.example?x=1", "a scheme and a host only"),
        ("acme", "a scheme and a host only"),
    ],
)
def test_an_address_that_would_betray_the_token_is_refused(vendor, base_url, problem):
    with pytest.raises(SettingsError, match=problem):
        vendor(END).connection(base_url=base_url)


@pytest.mark.parametrize("base_url", ["https://acme.example/", "http://127.0.0.1:8080", "http://localhost:1"])
def test_https_and_this_machine_are_fine(vendor, base_url):
    vendor(END).connection(base_url=base_url)


@pytest.mark.parametrize("account", [None, "", "a/b", "evil.example/", "a b", "-x"])
def test_an_account_that_is_no_subdomain_is_refused(vendor, account):
    with pytest.raises(SettingsError, match="letters, digits and hyphens only"):
        vendor(END).connection(account=account)


@pytest.mark.parametrize("token", ["", "  ", "a\nb", "tökén"])
def test_a_token_that_cannot_be_one_is_refused_without_being_shown(vendor, token):
    with pytest.raises(SettingsError, match="holds characters no token has") as caught:
        vendor(END).connection(token=token)
    assert not token.strip() or token not in str(caught.value)


def test_an_option_nobody_reads_is_refused(vendor):
    with pytest.raises(SettingsError, match="unknown options colour"):
        vendor(END).connection(options={"colour": "red"})


def test_a_page_that_promises_more_without_saying_where_is_an_error(vendor):
    with pytest.raises(
        IncompleteError, match='acme/companies: a page says that more follows but gives no "after_cursor"'
    ):
        vendor({"companies": [], "end_of_stream": False}).read()


def test_nobody_has_to_observe(vendor):
    assert len(vendor(END).read(observer=None)) == 1


def test_a_refusal_that_is_a_list_says_nothing(vendor):
    with pytest.raises(RejectedError, match="acme /companies: status 400: asking"):
        vendor(httpx.Response(400, json=["a@example.com"])).read()


def test_check_needs_few_attempts(vendor):
    there = vendor(httpx.ConnectError("no"))
    result = there.check()
    assert (result.ok, len(there.requests)) == (False, 2)


def test_check_blames_the_probe_when_the_vendor_names_no_permission(vendor):
    result = vendor(httpx.Response(403)).check()
    assert (result.ok, result.scopes) == (False, ("companies.read",))


def test_the_vendors_clock_is_believed(vendor):
    moment = datetime(2026, 2, 20, tzinfo=UTC)
    too_recent = httpx.Response(400, headers={"Date": "Fri, 20 Feb 2026 00:00:00 GMT"})
    there = vendor(too_recent, END)
    there.read(since=moment)
    latest = int((moment - timedelta(seconds=61)).timestamp())
    assert there.queries == [{"start_time": str(int(moment.timestamp()))}, {"start_time": str(latest)}]


@pytest.mark.parametrize(("theirs", "believed"), [(timedelta(hours=-7), True), (timedelta(hours=7), False)])
def test_the_earlier_of_two_clocks_is_believed(vendor, vary, company, theirs, believed):
    """A cursor made of too late a time would lose what changed before it."""
    source = vary(cursor=ChangedSince("since", overlap=timedelta(minutes=5)))
    page = {"companies": [company(1)], "end_of_stream": True}
    answer = httpx.Response(200, json=page, headers={"Date": format_datetime(NOW + theirs, usegmt=True)})
    cursor = vendor(answer, source=source).read()[-1].cursor
    assert cursor == {"since": (NOW + theirs if believed else NOW).isoformat()}


def test_another_bad_request_is_not_repeated(vendor):
    there = vendor(httpx.Response(400))
    with pytest.raises(RejectedError):
        there.read()
    assert len(there.requests) == 1


def test_slow_answers_are_read_with_more_calls_under_way(vendor):
    """A hundred calls a second at 0.2 s each: twenty, and half as many more, as not all take equally long."""
    widths = []

    async def read(reading):
        stats = reading.client.stats
        for stats.requests, stats.answer_seconds in ((0, 0.0), (10, 1.0), (10, 2.0)):
            widths.append(reading.client.width("/companies"))
        yield reading.page([], cursor=None)

    there = vendor({})
    there.read(stream=replace(there.source.streams[0], paging=None, read=read))
    assert widths == [WIDTH, WIDTH, 30]
