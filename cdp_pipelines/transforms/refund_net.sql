-- Grain: one row per refund of a valid order. Inputs: valid_order, refund, refund_line, order_line, currency_rate, clock.
-- net: what was paid back for goods, on the basis of the lines' net value (no tax, no shipping, no gift cards), in the
-- order's currency. amount_base: the same at the rate of the day it was paid back; null where the rates do not have it,
-- though nothing is nothing in every currency.
-- channel: the order's.
with goods as (
    select
        line.source,
        line.refund_id,
        sum(line.amount_micros) as amount_micros
    from refund_line as line
    left join order_line as bought
        on bought.source = line.source
        and bought.order_line_id = line.order_line_id
    where not coalesce(bought.is_gift_card, false)
    group by
        line.source,
        line.refund_id
),

paid_back as (
    select
        refund.source,
        refund.refund_id,
        refund.order_id,
        sold.profile_id,
        sold.placed_at,
        sold.channel,
        refund.refunded_at,
        cast(timezone(clock.time_zone, refund.refunded_at) as date) as day,
        refund.currency,
        (cast(coalesce(goods.amount_micros, 0) as double) + refund.adjustment_micros) / 1000000 as net
    from refund
    join valid_order as sold
        on sold.source = refund.source
        and sold.order_id = refund.order_id
    left join goods
        on goods.source = refund.source
        and goods.refund_id = refund.refund_id
    cross join clock
    where refund.refunded_at <= clock.as_of
)

select
    paid_back.source,
    paid_back.refund_id,
    paid_back.order_id,
    paid_back.profile_id,
    paid_back.placed_at,
    paid_back.channel,
    paid_back.refunded_at,
    paid_back.day,
    paid_back.currency,
    paid_back.net,
    case when paid_back.net = 0 then 0 else paid_back.net * rate.rate end as amount_base,
    case when rate.rate is null and paid_back.net <> 0 then 0 else 1 end as has_rate
from paid_back
left join currency_rate as rate
    on rate.currency = paid_back.currency
    and paid_back.day >= rate.from_day
    and paid_back.day < rate.until_day
