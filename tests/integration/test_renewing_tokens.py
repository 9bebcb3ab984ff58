"""Tokens that end: one process renews them for all, and one that dies on the way loses nothing that can be kept."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from forks import FORKS
from oauth_vendor import Vendor, running_vendor
from renewing_process import keep_grant, start, tokens

from cdp_pipelines import database
from cdp_pipelines.config import Settings
from cdp_pipelines.credentials import Grant, read_credential
from cdp_pipelines.database import Stores
from cdp_pipelines.errors import CredentialError
from cdp_pipelines.installation import clock
from connectors import Connection, RejectedError, RetriableError
from connectors.registry import source
from connectors.spec import Tokens
from privacy.keys import create_root_key

POINTS = ("refresh_intended", "refresh_received", "refresh_stored")


@pytest.fixture
def vendor(request: pytest.FixtureRequest) -> Iterator[Vendor]:
    with running_vendor(rotation=getattr(request, "param", "strict")) as vendor:
        vendor.refresh_tokens["refresh-0"] = None
        yield vendor


@pytest.fixture
def keyed(settings: Settings) -> Settings:
    create_root_key(settings.root_key_file)
    return settings


def stored(stores: Stores, settings: Settings) -> Grant:
    found = read_credential(stores, database.load_ring(stores, settings, {}), "hubspot")
    assert isinstance(found, Grant)
    return found


def test_a_token_that_lasts_is_used_without_asking(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed, ended=False)

    assert tokens(stores, keyed, vendor.url).current() == "access-old"
    assert vendor.exchanges == []


def test_a_token_is_renewed_before_it_ends_and_kept(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed)

    token = tokens(stores, keyed, vendor.url).current()

    assert token in vendor.valid
    assert tokens(stores, keyed, vendor.url).current() == token
    grant = stored(stores, keyed)
    assert (grant.previous_refresh_token, grant.renewing_since, len(vendor.exchanges)) == ("refresh-0", None, 1)


def test_two_processes_at_once_ask_the_vendor_once(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed)
    together = FORKS.Barrier(2)

    started = [start(keyed, vendor.url, together=together) for _ in range(2)]
    got = [answers.get(timeout=60) for _, answers in started]
    for process, _ in started:
        process.join(30)

    assert got[0] == got[1]
    assert got[0] in vendor.valid
    assert len(vendor.exchanges) == 1


@pytest.mark.parametrize("vendor", ["stays", "repeats", "strict"], indirect=True)
@pytest.mark.parametrize("point", POINTS)
def test_a_renewal_killed_on_the_way_is_taken_up(vendor: Vendor, point: str, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed)
    process, _ = start(keyed, vendor.url, kill_at=point)
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    again = tokens(stores, keyed, vendor.url)

    if (vendor.rotation, point) != ("strict", "refresh_received"):
        assert again.current() in vendor.valid
        assert stored(stores, keyed).renewing_since is None
        return
    # Nobody has the new tokens, and the vendor has ended the old ones: only a person can help, and is told so.
    with pytest.raises(RejectedError, match=r"interrupted .* cdp sources connect hubspot$"):
        again.current()
    with pytest.raises(RejectedError, match="interrupted"):
        again.current()


def test_the_refresh_token_before_is_tried_too(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed, refresh_token="never-committed", previous_refresh_token="refresh-0")

    assert tokens(stores, keyed, vendor.url).current() in vendor.valid


def test_a_vendor_that_does_not_answer_loses_nothing(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed)
    vendor.status = 503

    with pytest.raises(RetriableError, match="status 503"):
        tokens(stores, keyed, vendor.url).current()
    vendor.status = None

    assert tokens(stores, keyed, vendor.url).current() in vendor.valid


def test_a_refusal_says_what_to_do_and_quotes_nobody(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    vendor.refresh_tokens.clear()
    keep_grant(stores, keyed)

    with pytest.raises(RejectedError, match="it ended, or was withdrawn") as refused:
        tokens(stores, keyed, vendor.url).current()

    assert "Private" not in str(refused.value)
    assert "cdp sources connect hubspot" in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_grant_without_a_refresh_token_says_so(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed, refresh_token=None)

    with pytest.raises(RejectedError, match="gave none to renew it with"):
        tokens(stores, keyed, vendor.url).current()


def test_a_removed_credential_is_named(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    with pytest.raises(CredentialError):
        tokens(stores, keyed, vendor.url).current()


def test_nothing_readable_is_at_rest(vendor: Vendor, stores: Stores, keyed: Settings, database: str) -> None:
    keep_grant(stores, keyed)
    token = tokens(stores, keyed, vendor.url).current()
    secrets = [value.encode() for value in (token, "refresh-0", "app-secret-7", *vendor.refresh_tokens)]

    if database == "sqlite":
        written = b"".join(path.read_bytes() for path in keyed.data.rglob("*") if path.is_file())
    else:
        with stores.vault.connect() as connection:
            rows = connection.exec_driver_sql("select * from credential").all()
        written = repr([[bytes(v) if isinstance(v, memoryview) else v for v in row] for row in rows]).encode()
    assert b"hubspot" in written
    assert [secret for secret in secrets if secret in written] == []


class Calls:
    """A connection that asks the vendor's one page."""

    def __init__(self, url: str, given: Tokens) -> None:
        self._url, self._tokens = url, given

    def __call__(self) -> Any:
        async def check() -> Any:
            async with Connection(
                source("hubspot"),
                token=self._tokens,
                account=None,
                base_url=self._url,
                rate_scale=10_000,
                options={},
                clock=clock,
            ) as connection:
                return await connection.check()

        return asyncio.run(check())


on_one_database = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@on_one_database
def test_a_token_refused_before_its_time_is_renewed_once(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed, ended=False)  # the vendor does not know it

    result = Calls(vendor.url, tokens(stores, keyed, vendor.url))()

    assert result.ok
    assert len(vendor.exchanges) == 1


@on_one_database
@pytest.mark.parametrize("vendor", ["stays"], indirect=True)
def test_a_new_token_that_is_refused_too_ends_it(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed, ended=False)
    accept: Callable[..., Any] = vendor._new
    vendor._new = lambda token: {**accept(token), "access_token": f"wrong-{len(vendor.exchanges)}"}  # type: ignore[method-assign]

    result = Calls(vendor.url, tokens(stores, keyed, vendor.url))()

    assert not result.ok
    assert "the token is wrong, expired or withdrawn" in result.sentence
    assert len(vendor.exchanges) == 1


@on_one_database
@pytest.mark.parametrize("vendor", ["stays"], indirect=True)
def test_tokens_print_nothing(vendor: Vendor, stores: Stores, keyed: Settings) -> None:
    keep_grant(stores, keyed)
    asked = tokens(stores, keyed, vendor.url)
    asked.current()

    shown = repr(asked) + repr(stored(stores, keyed))
    assert [word for word in ("access-", "refresh-", "app-secret") if word in shown] == []
