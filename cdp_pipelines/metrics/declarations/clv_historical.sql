-- Unit: a change of what a person has been worth: an order (n: 1 for the person's first), or a refund.
-- Inputs: order_net, refund_net.
with worth as (
    select profile_id, placed_at as changed_at, source, order_id as id, amount_base as value, 1 as orders
    from order_net
    union all
    select profile_id, refunded_at as changed_at, source, refund_id as id, -amount_base as value, 0 as orders
    from refund_net
)

select
    changed_at as at,
    profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    value,
    orders,
    case
        when orders = 1 and row_number() over (
            partition by profile_id, orders
            order by changed_at, source, id
        ) = 1 then 1
        else 0
    end as n
from worth
