-- Unit: a valid order; it is in the slice of each category it holds. Input: order_category.
select
    placed_at as at,
    profile_id,
    product_category
from order_category
