-- Unit: a position of a valid order, on the day it was sold, with what came back within 60 days for one reason; a
-- position returned for several reasons is there once for each, sold the first time only. What came back of an order
-- without saying which position has no category. No more counts as returned than was sold.
-- Inputs: valid_order, order_line_net, return_line.
with returned as (
    select
        sold.source,
        sold.order_id,
        line.order_line_id,
        coalesce(line.reason, 'unknown') as reason,
        sum(line.quantity) as units
    from return_line as line
    join valid_order as sold
        on sold.source = line.source
        and sold.order_id = line.order_id
    where line.status in ('open', 'closed')
        and line.returned_at <= sold.placed_at + interval 60 day
    group by
        sold.source,
        sold.order_id,
        line.order_line_id,
        coalesce(line.reason, 'unknown')
),

bought as (
    select
        line.source,
        line.order_id,
        line.order_line_id,
        line.profile_id,
        line.channel,
        line.product_category,
        line.placed_at,
        line.quantity,
        returned.reason,
        returned.units,
        row_number() over (
            partition by line.source, line.order_line_id
            order by returned.reason
        ) as place,
        sum(returned.units) over (
            partition by line.source, line.order_line_id
            order by returned.reason
        ) as units_so_far
    from order_line_net as line
    left join returned
        on returned.source = line.source
        and returned.order_line_id = line.order_line_id
)

select
    placed_at as at,
    profile_id,
    source,
    channel,
    product_category,
    reason,
    case when place = 1 then quantity else 0 end as sold,
    coalesce(least(units_so_far, quantity) - least(units_so_far - units, quantity), 0) as x,
    case
        when place = 1 and row_number() over (
            partition by source, order_id, place
            order by order_line_id
        ) = 1 then 1
        else 0
    end as orders
from bought

union all

select
    sold.placed_at as at,
    sold.profile_id,
    sold.source,
    sold.channel,
    null as product_category,
    returned.reason,
    0 as sold,
    returned.units as x,
    0 as orders
from returned
join valid_order as sold
    on sold.source = returned.source
    and sold.order_id = returned.order_id
where returned.order_line_id is null
