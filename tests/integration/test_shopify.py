"""Shopify into the lake over real HTTP: whole, repeated, disturbed, and what is said when something is wrong."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from installations import TOKENS, Home, contents, make_home

from cdp_pipelines import database
from cdp_pipelines.config import load_settings
from cdp_pipelines.errors import SyncFailedError
from cdp_pipelines.installation import clock
from connectors.connection import CheckResult, Connection
from connectors.shopify import SHOPIFY
from sandbox import Fault, Running, World, running
from sandbox.shop_records import ShopRefund

SECTION = '\n[sources.shopify]\naccount = "sandbox-shop"\nbase_url = "{shopify}"\nrate_scale = 10000\n'
SIXTY_DAYS, NO_SCOPES = "shpat_sandbox_60days", "shpat_sandbox_noscope"


@pytest.fixture
def shop() -> Iterator[Running]:
    with running(World(seed=21, customers=40)) as state:
        yield state


@pytest.fixture
def home(shop: Running, tmp_path: Path) -> Home:
    path = make_home(tmp_path / "home", shop.urls).config
    path.write_text(path.read_text() + SECTION.format(**shop.urls))
    return Home(load_settings(path, environment={}))


def rows(home: Home) -> dict[str, Any]:
    """What is in the lake, and the ledger, without when it came."""
    found = contents(home)
    return {"rows": found["rows"], "ledger": found["ledger"]}


def failed(home: Home, *streams: str) -> str:
    """What is said of a sync that fails."""
    with pytest.raises(SyncFailedError) as caught:
        home.sync("shopify", streams=streams or None)
    return str(caught.value)


def cursor(home: Home, stream: str) -> dict[str, Any] | None:
    with home.opened() as opened:
        return database.load_cursor(opened.stores.control, "shopify", stream)


def check(home: Home, token: str) -> CheckResult:
    async def ask() -> CheckResult:
        async with Connection(
            SHOPIFY,
            token=token,
            account=None,
            base_url=home.settings.sources["shopify"].base_url,
            rate_scale=10_000,
            options={},
            clock=clock,
        ) as connection:
            return await connection.check()

    return asyncio.run(ask())


def assert_money_adds_up(shop: Running, found: dict[str, Any]) -> None:
    """Every order and refund of the lake is worth what it is worth in the shop."""
    for order in shop.world.shop.orders.values():
        lines = [row for row in found["order_line"].values() if row["order_id"] == str(order.id)]
        worth = sum(row["quantity"] * row["unit_price_micros"] - row["discount_micros"] for row in lines)
        assert worth == order.subtotal * 10_000
        taxes = sum(row["included_tax_micros"] for row in lines)
        assert taxes == (order.tax * 10_000 if order.tax_included else 0)
        for refund in order.refunds:
            stored = found["refund"]["shopify", str(refund.id)]
            parts = [row for row in found["refund_line"].values() if row["refund_id"] == str(refund.id)]
            taxes = sum(line.tax for line in refund.lines) * 10_000
            goods = sum(row["amount_micros"] for row in parts) + stored["adjustment_micros"]
            assert stored["amount_micros"] == refund.amount * 10_000
            assert goods + taxes + refund.shipping * 10_000 == stored["amount_micros"]


def test_everything_the_shop_holds_is_in_the_lake_and_a_repeated_sync_writes_nothing(shop: Running, home: Home) -> None:
    first = home.sync("shopify")
    found, held = contents(home)["rows"], shop.world.shop

    assert {key[1] for key in found["order"]} == {str(number) for number in held.orders}
    assert len(found["order_line"]) == sum(len(order.lines) for order in held.orders.values())
    assert {key[1] for key in found["refund"]} == {str(r.id) for o in held.orders.values() for r in o.refunds}
    assert {key[1] for key in found["checkout"]} == {checkout.token for checkout in held.checkouts.values()}
    returned = {str(line.id) for o in held.orders.values() for r in o.returns for line in r.lines}
    assert returned <= {key[1] for key in found["return_line"]}
    customers = {str(c.id) for c in held.customers.values() if c.present}
    guests = {f"guest-order:{o.id}" for o in held.orders.values() if o.customer_id is None}
    assert {key[1] for key in found["person"]} == customers | guests

    assert_money_adds_up(shop, found)
    before = rows(home)
    second = home.sync("shopify")
    assert sum(stream.written for stream in first.streams) > 0
    assert sum(stream.written for stream in second.streams) == 0
    assert rows(home) == before


def test_what_changes_and_leaves_is_found_by_the_next_sync_as_by_a_first_load(
    shop: Running, home: Home, tmp_path: Path
) -> None:
    home.sync("shopify")
    known, held = contents(home)["rows"], shop.world.shop
    shop.world.advance(3)
    home.sync("shopify")
    path = make_home(tmp_path / "fresh", shop.urls).config
    path.write_text(path.read_text() + SECTION.format(**shop.urls))
    fresh = Home(load_settings(path, environment={}))
    fresh.sync("shopify")

    later, whole = contents(home)["rows"], contents(fresh)["rows"]
    for table in ("person", "order", "checkout", "refund", "return_line"):
        standing = {key: row for key, row in later[table].items() if not row["deleted"]}
        if table in {"refund", "return_line"}:
            standing = {k: row for k, row in standing.items() if ("shopify", row["order_id"]) in whole["order"]}
        assert standing == whole[table]
    gone = {key for key in known["person"] if key[1].isdigit() and not held.customers[int(key[1])].present}
    assert gone
    assert {key for key, row in later["person"].items() if row["deleted"] and key[1].isdigit()} == gone
    deleted = {key for key in known["order"] if int(key[1]) not in held.orders}
    assert {key for key, row in later["order"].items() if row["deleted"]} == deleted


def test_an_operation_that_never_ends_is_named_and_taken_up_by_the_next_run(
    shop: Running, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("connectors.shopify.operations._LONGEST_WAIT", 0.5)
    shop.switches.bulk = "stuck"
    said = failed(home, "customers")
    begun = cursor(home, "customers")

    assert "the bulk operation is RUNNING after" in said
    assert begun is not None
    assert begun["operation"].startswith("gid://shopify/BulkOperation/")
    shop.switches.bulk = "ok"
    monkeypatch.undo()
    before = shop.count("shopify")
    home.sync("shopify", streams=["customers"])
    assert shop.count("shopify") - before <= 4  # looks at the operation, file: nothing was started anew
    assert contents(home)["rows"]["person"]


@pytest.mark.parametrize("kind", ["truncated_json", "cut_in_body"])
def test_a_file_that_was_cut_loses_and_doubles_nothing(
    shop: Running, home: Home, monkeypatch: pytest.MonkeyPatch, kind: Any
) -> None:
    monkeypatch.setattr("connectors.bulk._ATTEMPTS", 1)
    shop.switches.faults = [Fault("shopify", "/bulk/", kind, times=None)]
    said = failed(home, "orders")
    assert "cut" in said or "ended early" in said
    shop.switches.faults = []
    home.sync("shopify", streams=["orders"])

    orders = contents(home)["rows"]
    assert {key[1] for key in orders["order"]} == {str(number) for number in shop.world.shop.orders}
    assert len(orders["order_line"]) == sum(len(order.lines) for order in shop.world.shop.orders.values())


def test_an_operation_that_failed_is_named_and_begun_anew(shop: Running, home: Home) -> None:
    shop.switches.bulk = "fails"
    assert "the bulk operation is FAILED (INTERNAL_SERVER_ERROR)" in failed(home, "customers")
    assert cursor(home, "customers") == {}
    shop.switches.bulk = "ok"
    home.sync("shopify", streams=["customers"])
    assert contents(home)["rows"]["person"]


def test_a_refund_below_zero_waits_in_quarantine_until_it_is_repaired(shop: Running, home: Home) -> None:
    order = next(order for order in shop.world.shop.orders.values() if not order.refunds)
    refund = ShopRefund(1, order.updated, -500, [])
    order.refunds.append(refund)
    report = home.sync("shopify", streams=["orders", "refunds"])

    assert {stream.stream: stream.quarantined for stream in report.streams}["refunds"] == 1
    found = contents(home)["rows"]
    assert ("shopify", "1") not in found["refund"]
    assert ("shopify", str(order.id)) in found["order"]
    refund.amount = 500
    again = home.sync("shopify", streams=["orders", "refunds"])
    assert {stream.stream: stream.recovered for stream in again.streams}["refunds"] == 1
    assert contents(home)["rows"]["refund"]["shopify", "1"]["amount_micros"] == 5_000_000


def test_a_missing_permission_is_named(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TOKENS, "shopify", NO_SCOPES)
    result = check(home, NO_SCOPES)

    assert (result.ok, "read_orders" in result.sentence) == (False, True)
    assert "lacks a permission" in failed(home, "orders")


def test_a_short_order_history_is_said_in_one_sentence_and_deletes_nothing(
    shop: Running, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = check(home, SIXTY_DAYS)
    assert result.ok
    assert result.sentence.count("read_all_orders") == 1
    home.sync("shopify", streams=["orders"])
    whole = contents(home)["rows"]["order"]
    monkeypatch.setitem(TOKENS, "shopify", SIXTY_DAYS)
    shop.world.advance(2)
    home.sync("shopify", streams=["orders"])
    assert not [row for row in contents(home)["rows"]["order"].values() if row["deleted"]]
    assert whole.keys() <= contents(home)["rows"]["order"].keys()


def test_withdrawn_marketing_consent_reaches_the_ledger_with_its_time(shop: Running, home: Home) -> None:
    home.sync("shopify", streams=["customers"])
    customer = next(
        c for c in shop.world.shop.customers.values() if c.present and c.email_consent.state == "SUBSCRIBED"
    )
    now = shop.world.clock
    customer.email_consent.state, customer.email_consent.at, customer.updated = "UNSUBSCRIBED", now, now
    home.sync("shopify", streams=["customers"])

    entries = [dict(entry) for entry in contents(home)["ledger"]]
    of_customer = [e for e in entries if e["event_id"] == f"customer/{customer.id}/email"]
    assert [entry["state"] for entry in sorted(of_customer, key=lambda e: e["at"])] == ["granted", "withdrawn"]
    assert max(entry["at"] for entry in of_customer).timestamp() == now
