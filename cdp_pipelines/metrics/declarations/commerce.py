"""What people buy, how often they come back, what they send back and what they leave in the basket."""

from cdp_pipelines.metrics.classes import Amount, Count, PersonShare, PersonSum, Proportion, Ratio
from cdp_pipelines.metrics.declaration import Metric
from cdp_pipelines.metrics.rows import MONEY

ORDER_COUNT = Metric(
    id="order_count",
    name="Orders",
    family="customer_centricity",
    tier=1,
    definition=(
        "Orders placed, without tests, cancelled ones and those whose payment was voided. "
        "By category of product, an order counts in each category it holds."
    ),
    numerator="orders",
    denominator="-",
    measures=(Count(),),
    unit="orders",
    better="up",
    purpose="service_delivery",
    k=0,
    sources=("shopify",),
    entities=("order", "order_line"),
    slices=("channel", "source", "product_category"),
    transforms=("valid_order", "order_line_net", "order_net", "order_category"),
    eligible="order",
    seed_refs=("purchase history",),
)

NET_REVENUE = Metric(
    id="net_revenue",
    name="Net revenue",
    family="customer_centricity",
    tier=1,
    definition=(
        "Quantity times unit price less discounts of the lines of valid orders, on the day of the order, less what was "
        "refunded for goods, on the day of the refund. Without tax, shipping, tips and gift cards; in the base "
        "currency at the rate of the day. Where a rate is missing there is no number."
    ),
    numerator="line values less refunds",
    denominator="-",
    measures=(Amount(),),
    unit=MONEY,
    better="up",
    purpose="service_delivery",
    k=0,
    sources=("shopify",),
    entities=("order", "order_line", "refund", "refund_line"),
    slices=("channel", "source", "product_category"),
    transforms=("valid_order", "order_line_net", "refund_net", "refund_part_net"),
    eligible="order",
    counted="orders",
    seed_refs=("predictable revenue streams",),
)

AVERAGE_ORDER_VALUE = Metric(
    id="average_order_value",
    name="Average order value",
    family="customer_centricity",
    tier=1,
    definition=(
        "Net value of the lines of valid orders, before refunds, by the number of these orders, in the base currency. "
        "By category of product: the whole value of orders that hold the category."
    ),
    numerator="line values",
    denominator="orders",
    measures=(Ratio(y="value"),),
    unit=MONEY,
    better="up",
    purpose="service_delivery",
    k=0,
    sources=("shopify",),
    entities=("order", "order_line"),
    slices=("channel", "source", "product_category"),
    transforms=("valid_order", "order_line_net", "order_net", "order_category"),
    eligible="order",
    seed_refs=("average order value",),
)

REPEAT_PURCHASE_RATE = Metric(
    id="repeat_purchase_rate",
    name="Repeat purchase",
    family="customer_centricity",
    tier=1,
    definition=(
        "Persons with two or more valid orders in the 365 days up to the day, out of all persons with one or more. "
        "Orders of nobody identifiable cannot be followed; they lower coverage."
    ),
    numerator="persons with two or more orders",
    denominator="persons with an order",
    measures=(PersonShare(least=2),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("shopify",),
    entities=("order", "order_line"),
    grains=("asof365",),
    slices=("product_category",),
    transforms=("valid_order", "order_line_net", "order_net", "order_category"),
    linked=True,
    eligible="order",
    window="trailing 365 days, at the end of each month and now",
    seed_refs=("Repeat Purchase Rate", "increased sales and repeat business"),
)

PURCHASE_FREQUENCY = Metric(
    id="purchase_frequency",
    name="Purchase frequency",
    family="customer_centricity",
    tier=1,
    definition=(
        "Valid orders of identified persons in the 365 days up to the day, by the number of these persons. "
        "Orders of nobody identifiable cannot be followed; they lower coverage."
    ),
    numerator="orders",
    denominator="persons with an order",
    measures=(Ratio(per_person=True),),
    unit="orders per person",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("shopify",),
    entities=("order",),
    grains=("asof365",),
    transforms=("valid_order",),
    linked=True,
    eligible="order",
    window="trailing 365 days, at the end of each month and now",
    seed_refs=("purchase frequency",),
)

CUSTOMER_RETENTION_RATE = Metric(
    id="customer_retention_rate",
    name="Customer retention",
    family="customer_centricity",
    tier=1,
    definition=(
        "Of the persons with a valid order in the 365 days before the period, those who have one in the 365 days "
        "before its end too; a period under way is measured up to now. Persons who are new or come back do not enter. "
        "Cohorts are years of the first order."
    ),
    numerator="persons still active at the end",
    denominator="persons active at the start",
    measures=(Proportion(),),
    unit="ratio",
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("shopify",),
    entities=("order",),
    grains=("month", "quarter", "year"),
    slices=("acquisition_cohort",),
    membership="retained",
    transforms=("valid_order",),
    linked=True,
    eligible="order",
    external_ref="(E-N)/S identity when no reactivation",
    seed_refs=("customer retention rates",),
)

PRODUCT_RETURN_RATE = Metric(
    id="product_return_rate",
    name="Products returned",
    family="automation",
    tier=1,
    definition=(
        "Units returned within 60 days of their order out of all units sold in valid orders of the month. "
        "By reason: units returned for it, out of all units sold."
    ),
    numerator="units returned within 60 days",
    denominator="units sold",
    measures=(Proportion(n="sold", whole=("reason",)),),
    unit="ratio",
    better="down",
    purpose="service_delivery",
    k=0,
    sources=("shopify",),
    entities=("order", "order_line", "return_line"),
    grains=("cohort",),
    slices=("channel", "source", "product_category", "reason"),
    lag_hours=60 * 24,
    transforms=("valid_order", "order_line_net"),
    eligible="order",
    counted="orders",
    window="month of sale",
    seed_refs=("minimizing costly recalls or returns",),
)

CART_ABANDONMENT_RATE = Metric(
    id="cart_abandonment_rate",
    name="Cart abandonment",
    family="autonomy",
    tier=1,
    definition=(
        "Checkouts started online that became no order within 24 hours, out of all checkouts started online. A shop "
        "lists its abandoned checkouts; an online order that is not among them tells of one more, finished at once."
    ),
    numerator="checkouts without an order within 24 hours",
    denominator="checkouts started",
    measures=(Proportion(),),
    unit="ratio",
    better="down",
    purpose="analytics",
    k=5,
    sources=("shopify",),
    entities=("checkout", "order"),
    slices=("channel", "source"),
    lag_hours=24,
    transforms=("checkout_start",),
    eligible="checkout",
    seed_refs=("cart abandonment",),
)

CLV_HISTORICAL = Metric(
    id="clv_historical",
    name="Customer value so far",
    family="customer_centricity",
    tier=1,
    definition=(
        "Net value of all valid orders less refunds of identified persons since their first order, times the margin "
        "rate of the settings, at the end of the day. Variant revenue: without the margin rate."
    ),
    numerator="value of orders less refunds, times margin rate",
    denominator="-",
    measures=(PersonSum(column="margin"), PersonSum(column="value", variant="revenue")),
    unit=MONEY,
    better="up",
    purpose="service_delivery",
    k=5,
    sources=("shopify",),
    entities=("order", "order_line", "refund", "refund_line"),
    grains=("asof",),
    membership="state",
    transforms=("valid_order", "order_line_net", "order_net", "refund_net"),
    linked=True,
    margin=True,
    eligible="order",
    counted="orders",
    window="as of the end of the day",
    seed_refs=("total revenue a business can expect", "increasing their lifetime value"),
)

COMMERCE = (
    ORDER_COUNT,
    NET_REVENUE,
    AVERAGE_ORDER_VALUE,
    REPEAT_PURCHASE_RATE,
    PURCHASE_FREQUENCY,
    CUSTOMER_RETENTION_RATE,
    PRODUCT_RETURN_RATE,
    CART_ABANDONMENT_RATE,
    CLV_HISTORICAL,
)
