-- Grain: one row per order that counts as a purchase and has been placed. Inputs: order, clock.
-- day: the local day it was placed on, whose rate converts its lines.
select
    sold.source,
    sold.order_id,
    sold.profile_id,
    sold.placed_at,
    cast(timezone(clock.time_zone, sold.placed_at) as date) as day,
    sold.channel,
    sold.checkout_mode,
    sold.currency
from "order" as sold
cross join clock
where sold.is_valid
    and sold.placed_at <= clock.as_of
