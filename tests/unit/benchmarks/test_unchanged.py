"""Requests of a sync that found nothing new are judged by the stream that asks most."""

from benchmarks.extract.unchanged import most, said


def test_the_stream_that_asks_most_is_judged():
    assert (most("hubspot", {"contacts": 4, "deals": 1}).verdict, most("hubspot", {"contacts": 3}).verdict) == (
        "**no**",
        "yes",
    )
    assert "contacts" in most("hubspot", {"contacts": 4, "deals": 1}).name


def test_requests_no_stream_has_counted_are_not_hidden():
    log = [{"template": "/a"}, {"template": "/a"}, {"template": "/b"}]
    assert said("hubspot", {"contacts": 2}, log) == (
        "hubspot, 3 requests for 1 streams (1 counted to none): 2 times `/a`, 1 times `/b`."
    )
