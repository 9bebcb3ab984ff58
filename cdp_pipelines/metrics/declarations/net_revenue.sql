-- Unit: a line of a valid order, or what was paid back for goods of one category; value in the base currency.
-- orders: 1 for one line of each order. Inputs: order_line_net, refund_part_net.
select
    placed_at as at,
    profile_id,
    source,
    channel,
    product_category,
    amount_base as value,
    case
        when row_number() over (
            partition by source, order_id
            order by order_line_id
        ) = 1 then 1
        else 0
    end as orders
from order_line_net

union all

select
    refunded_at as at,
    profile_id,
    source,
    channel,
    product_category,
    -amount_base as value,
    0 as orders
from refund_part_net
