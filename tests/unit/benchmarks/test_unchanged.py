"""Requests of a sync that found nothing new are judged by the stream that asks most; re-reads stand beside it."""

from benchmarks.extract.unchanged import judged, said
from connectors import source

HUBSPOT = source("hubspot")


def synced(contacts, deals, rereads=0):
    made = {"contacts": contacts + rereads, "deals": deals}
    return {"requests_by_stream": made, "rereads_by_stream": {"contacts": rereads, "deals": 0}}


def test_the_stream_that_asks_most_is_judged():
    (many, _), (few, _) = judged(HUBSPOT, synced(4, 1)), judged(HUBSPOT, synced(3, 1))
    assert (many.verdict, few.verdict) == ("**no**", "yes")
    assert "contacts" in many.name


def test_what_is_read_again_is_counted_apart():
    most, rereads = judged(HUBSPOT, synced(2, 1, rereads=7))
    assert (most.value, most.verdict, rereads.value, rereads.verdict) == (2, "yes", 7, "")


def test_no_request_is_hidden():
    log = [{"template": "/a"}, {"template": "/a"}, {"template": "/b"}]
    assert said(HUBSPOT, synced(1, 0, rereads=1), log).splitlines() == [
        "hubspot, 3 requests for 2 streams and 1 of them for all: 2 times `/a`, 1 times `/b`.",
        "",
        f"- contacts: 1 of 2 requests read again {HUBSPOT.stream('contacts').rereads}",
    ]
