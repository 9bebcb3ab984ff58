"""Shopify's JSON to canonical rows, with literals."""

import copy
from datetime import datetime

import pytest

from connectors.shopify.account import missing_scopes, warn
from connectors.shopify.maps import map_checkout, map_customer, map_order, map_refunds, map_returns
from connectors.spec import Context
from models import Checkout, ConsentEvent, Order, OrderLine, Person, Refund, RefundLine, ReturnLine
from models.derive import validator

CREATED, UPDATED, ASKED = "2025-01-02T03:04:05Z", "2026-01-02T03:04:05Z", "2025-06-01T00:00:00Z"


def gid(kind, number):
    return f"gid://shopify/{kind}/{number}"


def money(amount, currency="EUR"):
    return {"shopMoney": {"amount": amount, "currencyCode": currency}}


def rows_of(mapped, entity):
    """Rows of one entity, checked as the core checks them."""
    return [validator(entity)({"source": "shopify", **row}) for found, row in mapped if found is entity]


def only(mapped, entity):
    (row,) = rows_of(mapped, entity)
    return row


def customer(**changes):
    record = {
        "id": gid("Customer", 7),
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "firstName": "Anna",
        "lastName": "",
        "locale": "de",
        "defaultEmailAddress": email(),
        "defaultPhoneNumber": None,
        "defaultAddress": None,
    }
    return record | changes


def email(state="NOT_SUBSCRIBED", level=None, at=None, address="anna@foo.example"):
    return {
        "emailAddress": address,
        "marketingState": state,
        "marketingOptInLevel": level,
        "marketingUpdatedAt": at,
    }


def phone(state="NOT_SUBSCRIBED", level=None, at=None):
    return {
        "phoneNumber": "+49301234567",
        "marketingState": state,
        "marketingOptInLevel": level,
        "marketingUpdatedAt": at,
    }


def mapped_customer(**changes):
    return map_customer(customer(**changes), Context())


def test_a_customer_is_a_person():
    address = {"address1": "Foo 1", "address2": "c/o Bar", "zip": "10115", "city": "Berlin", "country": "Germany"}
    person = only(mapped_customer(defaultAddress={**address, "phone": "030 999"}, defaultPhoneNumber=phone()), Person)

    assert (person["source_id"], person["given_name"], person["family_name"]) == ("7", "Anna", None)
    assert (person["email"], person["phone"], person["other_phones"]) == (
        "anna@foo.example",
        "+49301234567",
        ["030 999"],
    )
    assert (person["street"], person["postal_code"], person["city"]) == ("Foo 1, c/o Bar", "10115", "Berlin")
    assert (person["region"], person["locale"], person["is_guest"]) == ("Germany", "de", False)


def test_the_number_of_the_address_is_no_further_one_if_it_is_the_same():
    person = only(mapped_customer(defaultAddress={"phone": "+49301234567"}, defaultPhoneNumber=phone()), Person)
    assert person["other_phones"] is None


def test_an_erased_customer_is_a_person_without_values():
    blank = {"firstName": None, "lastName": None, "defaultEmailAddress": None}
    person = only(mapped_customer(**blank), Person)
    assert [person[name] for name in ("given_name", "family_name", "email", "phone", "street")] == [None] * 5


@pytest.mark.parametrize("state", ["NOT_SUBSCRIBED", "PENDING", "INVALID", "NEVER_SUBSCRIBED"])
def test_silence_and_unconfirmed_wishes_are_no_decision(state):
    assert rows_of(mapped_customer(defaultEmailAddress=email(state, at=ASKED)), ConsentEvent) == []


def test_a_subscription_is_a_dated_grant_with_its_level():
    decision = only(mapped_customer(defaultEmailAddress=email("SUBSCRIBED", "CONFIRMED_OPT_IN", ASKED)), ConsentEvent)

    assert (decision["source_id"], decision["person_id"]) == ("customer/7/email", "7")
    assert (decision["purpose"], decision["channel"], decision["scope"]) == ("marketing", "email", "all")
    assert (decision["state"], decision["evidence"]) == ("granted", "confirmed_opt_in")
    assert (decision["lawful_basis"], decision["inferred"]) == ("consent", False)
    assert decision["at"] == datetime.fromisoformat(ASKED)


def test_leaving_is_a_withdrawal_of_its_channel():
    both = {"defaultEmailAddress": email("SUBSCRIBED", "UNKNOWN", ASKED)}
    decisions = rows_of(mapped_customer(**both, defaultPhoneNumber=phone("UNSUBSCRIBED", None, ASKED)), ConsentEvent)

    assert [(d["channel"], d["state"]) for d in decisions] == [("email", "granted"), ("sms", "withdrawn")]
    assert decisions[1]["lawful_basis"] is None


def test_an_erased_consent_is_a_withdrawal():
    decision = only(mapped_customer(defaultPhoneNumber=phone("REDACTED", None, ASKED)), ConsentEvent)
    assert (decision["state"], decision["evidence"]) == ("withdrawn", "redacted")


@pytest.mark.parametrize(("state", "at"), [("SUBSCRIBED", CREATED), ("UNSUBSCRIBED", UPDATED)])
def test_undated_grants_are_early_and_undated_withdrawals_late(state, at):
    decision = only(mapped_customer(defaultEmailAddress=email(state)), ConsentEvent)
    assert (decision["at"], decision["inferred"]) == (datetime.fromisoformat(at), True)


def test_a_state_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="unknown marketing state"):
        mapped_customer(defaultEmailAddress=email("MAYBE"))


@pytest.mark.parametrize("wrong", ["7", "gid://shopify/Customer/", "https://foo.example/7"])
def test_an_id_of_another_form_is_refused(wrong):
    with pytest.raises(ValueError, match="an id of another form") as caught:
        mapped_customer(id=wrong)
    assert "foo" not in str(caught.value)


def line(number=1, price="10.00", quantity=2, discounts=(), taxes=(), **changes):
    record = {
        "id": gid("LineItem", number),
        "sku": "A-1",
        "quantity": quantity,
        "isGiftCard": False,
        "product": {"id": gid("Product", 5), "productType": "Shoes"},
        "originalUnitPriceSet": money(price),
        "discountAllocations": [{"allocatedAmountSet": money(amount)} for amount in discounts],
        "taxLines": [{"priceSet": money(amount)} for amount in taxes],
    }
    return record | changes


def order(*lines, **changes):
    record = {
        "id": gid("Order", 9),
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "processedAt": ASKED,
        "cancelledAt": None,
        "test": False,
        "taxesIncluded": True,
        "sourceName": "web",
        "checkoutToken": "c0ffee",
        "displayFinancialStatus": "PAID",
        "displayFulfillmentStatus": "FULFILLED",
        "presentmentCurrencyCode": "CHF",
        "totalPriceSet": money("20.00"),
        "customer": {"id": gid("Customer", 7)},
        "email": "anna@foo.example",
        "phone": None,
        "displayAddress": {"firstName": "Anna", "lastName": "Bar", "zip": "10115"},
        "lineItems": {"nodes": list(lines)},
    }
    return record | changes


def mapped_order(*lines, **changes):
    return map_order(order(*lines, **changes), Context())


def test_an_order_of_a_customer_brings_no_person_of_its_own():
    mapped = mapped_order(line())
    row = only(mapped, Order)

    assert rows_of(mapped, Person) == []
    assert (row["source_id"], row["person_id"], row["checkout_id"]) == ("9", "7", "c0ffee")
    assert (row["placed_at"], row["completed_at"]) == tuple(map(datetime.fromisoformat, (ASKED, CREATED)))
    assert (row["currency"], row["presentment_currency"], row["total_micros"]) == ("EUR", "CHF", 20_000_000)
    assert (row["channel"], row["checkout_mode"], row["payment_status"]) == ("web", "self_web", "paid")


def test_a_position_has_all_its_discounts_and_the_tax_in_its_price():
    row = only(mapped_order(line(discounts=("1.50", "0.25"), taxes=("2.00", "0.96"))), OrderLine)

    assert (row["source_id"], row["order_id"], row["product_id"]) == ("1", "9", "5")
    assert (row["product_category"], row["sku"], row["quantity"]) == ("Shoes", "A-1", 2)
    assert (row["unit_price_micros"], row["discount_micros"]) == (10_000_000, 1_750_000)
    assert row["included_tax_micros"] == 2_960_000


def test_tax_on_top_is_not_in_the_price():
    row = only(mapped_order(line(taxes=("2.00",)), taxesIncluded=False), OrderLine)
    assert row["included_tax_micros"] == 0


def test_a_product_that_is_gone_leaves_its_position():
    row = only(mapped_order(line(product=None, sku=None, isGiftCard=True)), OrderLine)
    assert (row["product_id"], row["product_category"], row["is_gift_card"]) == (None, None, True)


@pytest.mark.parametrize("currency", ["EUR", "JPY", "XXX"])
def test_an_order_is_kept_in_whatever_currency_it_is(currency):
    mapped = mapped_order(line(originalUnitPriceSet=money("1000", currency)), totalPriceSet=money("1000", currency))
    assert only(mapped, Order)["currency"] == only(mapped, OrderLine)["currency"] == currency


def test_a_guest_is_a_person_known_by_the_order():
    mapped = mapped_order(line(), customer=None)
    guest = only(mapped, Person)

    assert only(mapped, Order)["person_id"] == guest["source_id"] == "guest-order:9"
    assert (guest["is_guest"], guest["email"], guest["family_name"]) == (True, "anna@foo.example", "Bar")


def test_a_guest_can_be_known_by_the_number_in_the_address():
    mapped = mapped_order(customer=None, email=None, displayAddress={"phone": "030 999"})
    guest = only(mapped, Person)
    assert (guest["phone"], guest["other_phones"]) == ("030 999", None)


@pytest.mark.parametrize("address", [None, {"firstName": "Anna"}])
def test_a_guest_without_address_and_number_is_nobody(address):
    mapped = mapped_order(line(), customer=None, email="", displayAddress=address)

    assert rows_of(mapped, Person) == []
    assert only(mapped, Order)["person_id"] is None


@pytest.mark.parametrize(
    ("changes", "valid"),
    [
        ({}, True),
        ({"displayFinancialStatus": None}, True),
        ({"displayFinancialStatus": "PENDING"}, True),
        ({"test": True}, False),
        ({"cancelledAt": UPDATED}, False),
        ({"displayFinancialStatus": "VOIDED"}, False),
        ({"displayFinancialStatus": "EXPIRED"}, False),
    ],
)
def test_which_orders_count(changes, valid):
    assert only(mapped_order(**changes), Order)["is_valid"] is valid


@pytest.mark.parametrize(
    ("origin", "channel", "mode"),
    [
        ("pos", "in_store", "assisted_store"),
        ("iphone", "app", "self_app"),
        ("4711", "other", "unknown"),
        (None, "other", "unknown"),
    ],
)
def test_where_an_order_was_placed(origin, channel, mode):
    row = only(mapped_order(sourceName=origin), Order)
    assert (row["channel"], row["checkout_mode"], row["sales_channel"]) == (channel, mode, origin)


def refund_line(number=3, subtotal="10.00", tax="1.60", restock="NO_RESTOCK", quantity=1):
    return {
        "id": gid("RefundLineItem", number) if number else None,
        "quantity": quantity,
        "restockType": restock,
        "lineItem": {"id": gid("LineItem", 1)},
        "subtotalSet": money(subtotal),
        "totalTaxSet": money(tax),
    }


def refund(total, *lines, shipping=(), returned=None):
    return {
        "id": gid("Refund", 2),
        "processedAt": ASKED,
        "updatedAt": UPDATED,
        "return": {"id": gid("Return", returned)} if returned else None,
        "totalRefundedSet": money(total),
        "refundLineItems": {"nodes": list(lines)},
        "refundShippingLines": {
            "nodes": [{"subtotalAmountSet": money(amount), "taxAmountSet": money("0.50")} for amount in shipping]
        },
    }


def mapped_refunds(*refunds, taxes_included=True):
    record = {"id": gid("Order", 9), "updatedAt": UPDATED, "taxesIncluded": taxes_included, "refunds": list(refunds)}
    return map_refunds(record, Context())


def test_a_refund_and_the_part_of_it_that_is_for_goods():
    mapped = mapped_refunds(refund("14.90", refund_line(), shipping=("4.90",), returned=6))
    row, part = only(mapped, Refund), only(mapped, RefundLine)

    assert (row["source_id"], row["order_id"], row["return_id"]) == ("2", "9", "6")
    assert (row["amount_micros"], row["adjustment_micros"]) == (14_900_000, 0)
    assert row["refunded_at"] == datetime.fromisoformat(ASKED)
    assert (part["refund_id"], part["order_line_id"], part["restock"]) == ("2", "1", "none")
    assert part["amount_micros"] == 8_400_000  # the tax was in the price


def test_tax_on_top_is_paid_back_on_top():
    mapped = mapped_refunds(refund("17.00", refund_line(), shipping=("4.90",)), taxes_included=False)
    assert only(mapped, RefundLine)["amount_micros"] == 10_000_000
    assert only(mapped, Refund)["adjustment_micros"] == 0  # 10.00 + 1.60 tax + 4.90 shipping + 0.50 tax on it


@pytest.mark.parametrize(("total", "adjustment"), [("15.00", 5_000_000), ("7.00", -3_000_000), ("0.00", 0)])
def test_what_was_paid_beyond_the_positions_or_kept_of_them(total, adjustment):
    assert only(mapped_refunds(refund(total, refund_line())), Refund)["adjustment_micros"] == adjustment


def test_a_goodwill_payment_has_no_position():
    mapped = mapped_refunds(refund("5.00"))
    assert rows_of(mapped, RefundLine) == []
    assert only(mapped, Refund)["adjustment_micros"] == 5_000_000


@pytest.mark.parametrize("refunds", [refund("-5.00"), refund("5.00", refund_line(subtotal="-5.00"))])
def test_a_refund_below_zero_is_refused(refunds):
    with pytest.raises(ValueError, match="a refund below zero"):
        mapped_refunds(refunds)


def test_positions_of_a_refund_may_lack_an_id():
    mapped = mapped_refunds(refund("20.00", refund_line(None), refund_line(None)))
    assert [row["source_id"] for row in rows_of(mapped, RefundLine)] == ["2/0", "2/1"]


def test_goods_that_came_back_without_a_return_make_one():
    back = only(mapped_refunds(refund("10.00", refund_line(restock="RETURN", quantity=2))), ReturnLine)

    assert (back["source_id"], back["return_id"], back["order_line_id"]) == ("refund/3", None, "1")
    assert (back["quantity"], back["status"], back["returned_at"]) == (2, "closed", datetime.fromisoformat(ASKED))


def test_goods_that_came_back_with_a_return_are_left_to_it():
    mapped = mapped_refunds(refund("10.00", refund_line(restock="RETURN"), returned=6))
    assert rows_of(mapped, ReturnLine) == []


def returned(status="REQUESTED", closed=None, line=None):
    item = {"id": gid("ReturnLineItem", 4), "quantity": 1, "returnReason": "SIZE_TOO_SMALL"}
    item["fulfillmentLineItem"] = {"lineItem": {"id": gid("LineItem", 1)}}
    return {
        "id": gid("Return", 6),
        "status": status,
        "createdAt": ASKED,
        "requestApprovedAt": None,
        "closedAt": closed,
        "returnLineItems": {"nodes": [line or item]},
    }


def mapped_returns(*returns, updated=CREATED):
    record = {"id": gid("Order", 9), "updatedAt": updated, "returns": {"nodes": list(returns)}}
    return map_returns(record, Context())


def test_a_return_is_its_positions():
    row = only(mapped_returns(returned()), ReturnLine)

    assert (row["source_id"], row["return_id"], row["order_id"], row["order_line_id"]) == ("4", "6", "9", "1")
    assert (row["status"], row["reason"], row["returned_at"]) == ("requested", "size_too_small", None)


def test_the_version_of_a_return_is_the_latest_time_anything_says():
    assert only(mapped_returns(returned()), ReturnLine)["version_at"] == datetime.fromisoformat(ASKED)
    closed = only(mapped_returns(returned("CLOSED", "2025-07-01T00:00:00.5Z")), ReturnLine)
    assert closed["version_at"] == closed["returned_at"] == datetime.fromisoformat("2025-07-01T00:00:00.5+00:00")
    assert only(mapped_returns(returned(), updated=UPDATED), ReturnLine)["version_at"].year == 2026


def test_a_declined_return_never_came_back():
    row = only(mapped_returns(returned("DECLINED", UPDATED)), ReturnLine)
    assert (row["status"], row["returned_at"]) == ("declined", None)


def test_a_position_nobody_could_verify_is_kept_without_its_line():
    line = {"id": gid("UnverifiedReturnLineItem", 8), "quantity": 1, "returnReason": None}
    row = only(mapped_returns(returned(line=line)), ReturnLine)
    assert (row["source_id"], row["order_line_id"], row["reason"]) == ("8", None, None)


def test_a_return_in_a_state_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="unknown state of a return"):
        mapped_returns(returned("LOST"))


def checkout(url):
    return {
        "id": gid("AbandonedCheckout", 11),
        "createdAt": CREATED,
        "updatedAt": UPDATED,
        "completedAt": None,
        "abandonedCheckoutUrl": url,
        "customer": None,
        "totalPriceSet": money("12.34"),
    }


@pytest.mark.parametrize(
    ("url", "source_id"),
    [
        ("https://s.example/1/checkouts/ac/0123456789abcdefghij/recover?key=verysecret", "0123456789abcdefghij"),
        ("https://s.example/1/checkouts/0123456789abcdef?key=verysecret", "0123456789abcdef"),
        ("https://s.example/1/checkouts/cn/short/recover?key=verysecretverysecret", "11"),
        ("https://s.example/recover?key=verysecretverysecret", "11"),
    ],
)
def test_a_checkout_is_known_by_its_token_and_never_by_its_key(url, source_id):
    row = only(map_checkout(checkout(url), Context()), Checkout)

    assert row["source_id"] == source_id
    assert "verysecret" not in str(row)
    assert (row["currency"], row["total_micros"], row["person_id"]) == ("EUR", 12_340_000, None)


def test_maps_leave_their_records_alone():
    record = order(line(), customer=None)
    before = copy.deepcopy(record)
    map_order(record, Context())
    assert record == before


def test_a_refusal_names_permissions_in_either_form():
    denied = {"errors": [{"extensions": {"requiredAccess": "`read_customers` access scope."}}]}
    merchant = {"errors": "[API] This action requires merchant approval for read_orders scope."}

    assert missing_scopes(denied) == ("read_customers",)
    assert missing_scopes(merchant) == ("read_orders",)
    assert missing_scopes({"errors": "[API] Invalid API key"}) == missing_scopes({}) == ()


def test_a_short_order_history_is_warned_of():
    (warning,) = warn({"scopes": frozenset({"read_orders"})})
    assert "read_all_orders" in warning
    assert "60 days" in warning
    assert warn({"scopes": frozenset({"read_orders", "read_all_orders"})}) == ()
