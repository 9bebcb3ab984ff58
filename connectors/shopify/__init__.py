"""Shopify's Admin API: who has an account in the shop, what people order, send back and leave in the basket.

Lands:      customers, orders, refunds, returns, abandoned_checkouts
Left out:   notes, tags, attributes and return notes (free text without a use), billing addresses, IP addresses,
            payments, shipments, products beyond the type of what was bought, consent to WhatsApp and to the sale of
            data (no purpose of ours), who on the staff did what
Increments: a bulk operation first; then by the time of change, ten minutes over; refunds and returns by the time their
            order changed, and returns of orders with an open return each time; what was deleted by a list of all ids
            once a day
Limits:     points per query and second, told with every answer; 25,000 records per listing; orders of the last 60 days
            unless the token has read_all_orders
Source:     https://shopify.dev, Admin GraphQL API 2026-07, read 2026-11
"""

from datetime import timedelta

from connectors.auth import in_header
from connectors.bucket import Bucket
from connectors.cursors import ChangedSince
from connectors.graphql import CostMeter, ask, refusal
from connectors.shopify.account import ALL_ORDERS, load_scopes, missing_scopes, warn
from connectors.shopify.counts import counted
from connectors.shopify.maps import map_checkout, map_customer, map_order, map_refunds, map_returns
from connectors.shopify.oauth import OAUTH
from connectors.shopify.queries import CHECKOUTS, CUSTOMERS, ORDERS, PATH, REFUNDED, RETURNED, VERSION
from connectors.shopify.readers import (
    add_lines,
    add_refunds,
    add_returns,
    by_ids,
    customer_sweeps,
    order_sweeps,
    read_returns,
    reader,
)
from connectors.spec import ApiVersion, Budget, Probe, Source, Stream, Webhook
from connectors.windows import Window
from models import Checkout, ConsentEvent, Order, OrderLine, Person, Refund, RefundLine, ReturnLine

_IN_ONE_FILE = 1_000_000
"""Records of a first load: one file brings them, with a handful of requests."""
_ALL_IDS = "all ids once a day, because nothing else tells what was deleted"
_SINCE = ChangedSince("updated_at", overlap=timedelta(minutes=10))

SHOPIFY = Source(
    name="shopify",
    base_url="https://{account}.myshopify.com",
    auth=in_header("X-Shopify-Access-Token"),
    # What limits a reader are points: the smallest plan's here, the shop's own from its first answer on. The window
    # keeps a misread answer from becoming a flood.
    budget=Budget(windows=(Window(40, 1),), bucket=Bucket(2000, 100, dearest=1000)),
    oauth=OAUTH,
    meter=CostMeter,
    refusal=refusal,
    version=ApiVersion("X-Shopify-API-Version", VERSION),
    credential_help="Make or repair the token in Shopify under Settings, Apps, Develop apps, or install the app again.",
    missing_scopes=missing_scopes,
    advice={
        402: "the shop is frozen until it pays Shopify",
        404: "there is no such shop; account must be the part before .myshopify.com of its first address",
    },
    lookups={"scopes": load_scopes},
    warn=warn,
    probes=(
        Probe(ask(PATH, "{ customers(first: 1) { nodes { id } } }"), "read_customers"),
        Probe(ask(PATH, "{ orders(first: 1) { nodes { id } } }"), "read_orders"),
        Probe(ask(PATH, "{ orders(first: 1) { nodes { id returns(first: 1) { nodes { id } } } } }"), "read_returns"),
        Probe(ask(PATH, "{ abandonedCheckouts(first: 1) { nodes { id } } }"), "manage_abandoned_checkouts"),
        Probe(ask(PATH, "{ products(first: 1) { nodes { id } } }"), "read_products"),
    ),
    webhooks=(
        Webhook("customers/data_request", means="access", person="customer.id"),
        Webhook("customers/redact", means="erase", person="customer.id"),
        Webhook("shop/redact", means="erase_account"),
        Webhook("customers/delete", means="deleted", person="id"),
        Webhook("customers/merge", means="merged"),
    ),
    streams=(
        Stream(
            name="customers",
            entities=(ConsentEvent, Person),
            path=PATH,
            rows_at=CUSTOMERS.rows_at,
            map=map_customer,
            fields=CUSTOMERS.kinds,
            cursor=_SINCE,
            read=reader(CUSTOMERS, sweeps=customer_sweeps),
            by_ids=by_ids(CUSTOMERS),
            count=counted("customersCount"),
            per_request=_IN_ONE_FILE,
            rereads=_ALL_IDS,
        ),
        Stream(
            name="orders",
            entities=(Person, OrderLine, Order),
            path=PATH,
            rows_at=ORDERS.rows_at,
            map=map_order,
            fields=ORDERS.kinds,
            cursor=_SINCE,
            read=reader(ORDERS, sweeps=order_sweeps, needs=ALL_ORDERS),
            by_ids=by_ids(ORDERS),
            lookups=("scopes",),
            ids_per_request=ORDERS.first,
            enrich=add_lines,
            count=counted("ordersCount"),
            per_request=_IN_ONE_FILE,
            rereads=_ALL_IDS,
        ),
        Stream(
            name="refunds",
            entities=(ReturnLine, RefundLine, Refund),
            path=PATH,
            rows_at=REFUNDED.rows_at,
            map=map_refunds,
            fields=REFUNDED.kinds,
            cursor=_SINCE,
            read=reader(REFUNDED),
            by_ids=by_ids(REFUNDED),
            enrich=add_refunds,
        ),
        Stream(
            name="returns",
            entities=(ReturnLine,),
            path=PATH,
            rows_at=RETURNED.rows_at,
            map=map_returns,
            fields=RETURNED.kinds,
            cursor=_SINCE,
            read=read_returns,
            by_ids=by_ids(RETURNED),
            enrich=add_returns,
            rereads="the orders whose return is or was open, because nothing promises that a return changes its order",
        ),
        Stream(
            name="abandoned_checkouts",
            entities=(Checkout,),
            path=PATH,
            rows_at=CHECKOUTS.rows_at,
            map=map_checkout,
            fields=CHECKOUTS.kinds,
            cursor=_SINCE,
            read=reader(CHECKOUTS),
            by_ids=by_ids(CHECKOUTS),
            count=counted("abandonedCheckoutsCount"),
            per_request=_IN_ONE_FILE,
        ),
    ),
)
