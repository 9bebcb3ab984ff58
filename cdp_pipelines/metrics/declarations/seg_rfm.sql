-- Unit: a person with a valid order in the last 365 days: seconds since the last one, orders, and their net value less
-- refunds, all in these days. amount is null where a rate is missing. Inputs: order_net, refund_net, clock.
with since as (
    select cast(timezone(time_zone, as_of) as date) - 365 as day
    from clock
),

bought as (
    select
        sold.profile_id,
        max(sold.placed_at) as last_at,
        count(*) as orders,
        case when min(sold.has_rate) = 1 then sum(sold.amount_base) end as amount
    from order_net as sold
    cross join since
    where sold.profile_id is not null
        and sold.day > since.day
    group by sold.profile_id
),

returned as (
    select
        refund.profile_id,
        case when min(refund.has_rate) = 1 then sum(refund.amount_base) end as amount
    from refund_net as refund
    cross join since
    where refund.day > since.day
    group by refund.profile_id
)

select
    clock.as_of as at,
    bought.profile_id,
    epoch(clock.as_of) - epoch(bought.last_at) as recency,
    bought.orders,
    case
        when returned.profile_id is null then bought.amount
        else bought.amount - returned.amount
    end as amount
from bought
cross join clock
left join returned
    on returned.profile_id = bought.profile_id
