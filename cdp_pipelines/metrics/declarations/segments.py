"""Groups of customers that behave alike."""

from cdp_pipelines.metrics.classes import Segmentation
from cdp_pipelines.metrics.declaration import Metric

SEG_RFM = Metric(
    id="seg_rfm",
    name="Customers by recency, frequency and money",
    family="segmentation",
    tier=1,
    definition=(
        "Persons with a valid order in the last 365 days, in fifths by the time since their last order, the number of "
        "their orders and their net revenue in these days; groups are named by the first two. Only persons who permit "
        "profiling are placed. Where a rate is missing nobody is."
    ),
    numerator="persons",
    denominator="-",
    measures=(Segmentation(),),
    unit="persons",
    better="ctx",
    purpose="profiling",
    k=5,
    sources=("shopify",),
    entities=("order", "order_line", "refund", "refund_line", "identity_link"),
    grains=("asof365",),
    slices=("rfm",),
    transforms=("valid_order", "order_line_net", "order_net", "refund_net"),
    linked=True,
    eligible="order",
    counted="orders",
    window="as of now, over the trailing 365 days",
    external_ref="RFM (Hughes)",
    seed_refs=("purchase frequency, and average order value",),
)

SEGMENTS = (SEG_RFM,)
