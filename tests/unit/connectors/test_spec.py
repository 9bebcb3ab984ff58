"""Tables that make no sense are refused when they are built, with every problem at once."""

from dataclasses import replace

import pytest

from connectors import SOURCES, Budget, SettingsError, source
from connectors.auth import Basic, Bearer, bearer_or_basic_token
from connectors.spec import Window


def test_sources_have_names_of_their_own():
    assert [known.name for known in SOURCES] == sorted({known.name for known in SOURCES})
    assert [source(known.name) for known in SOURCES] == list(SOURCES)


def test_an_unknown_source_or_stream_lists_the_known_ones(acme):
    with pytest.raises(SettingsError, match="google_reviews, hubspot, shopify, zendesk"):
        source("acme")
    with pytest.raises(SettingsError, match="companies"):
        acme.stream("people")
    assert acme.stream("companies") is acme.streams[0]


def test_a_stream_names_all_its_problems(acme):
    with pytest.raises(ValueError, match="Stream Two Words") as caught:
        replace(acme.streams[0], name="Two Words", entities=(), key="nr", paging=None, absent_on=(200,))
    assert str(caught.value) == (
        "Stream Two Words: its name must be lower-case words joined by underscores; it yields no entity; its key "
        '"nr" is not among its fields; it needs either a paging style or a reader of its own; absent_on may hold '
        "error statuses only."
    )


def test_a_source_names_all_its_problems(acme):
    stream = replace(acme.streams[0], after=("later",), lookups=("names",))
    with pytest.raises(ValueError, match="Source acme") as caught:
        replace(acme, streams=(stream, stream), probes=())
    assert str(caught.value) == (
        "Source acme: two streams have the same name; companies comes after later, which is not declared above it; "
        "companies needs the lookups names, which do not exist; companies comes after later, which is not declared "
        "above it; companies needs the lookups names, which do not exist; check would have nothing to call."
    )


@pytest.mark.parametrize(("limit", "seconds"), [(0, 1), (1, 0)])
def test_a_window_that_allows_nothing_is_refused(limit, seconds):
    with pytest.raises(ValueError, match="allows nothing"):
        Window(limit, seconds)


def test_a_budget_without_a_window_is_refused():
    with pytest.raises(ValueError, match="at least one window"):
        Budget(windows=())


@pytest.mark.parametrize(
    ("token", "scheme"),
    [
        ("agent@example.com/token:abc", Basic),
        ("abc", Bearer),
        ("agent@example.com:password", Bearer),
        ("agent@example.com/token:", Bearer),
    ],
)
def test_the_scheme_follows_from_the_shape_of_the_token(token, scheme):
    assert type(bearer_or_basic_token(token)) is scheme


def test_credentials_do_not_print():
    assert repr(Bearer("secret")) == "Bearer(…)"
    assert "secret" not in str(vars(Basic("a@example.com/token:secret")).keys())
