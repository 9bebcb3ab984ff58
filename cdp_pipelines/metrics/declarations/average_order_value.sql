-- Unit: a valid order with its net value in the base currency before refunds. Input: order_category.
select
    placed_at as at,
    profile_id,
    source,
    channel,
    product_category,
    amount_base as value
from order_category
