-- Unit: a valid order. Input: valid_order.
select
    placed_at as at,
    profile_id
from valid_order
