-- Grain: one row per refund of a valid order and category of product; what concerns no single position has no
-- category. Inputs: refund_net, refund, refund_line, order_line, currency_rate. The parts of a refund add up to its net
-- in refund_net: no tax, no shipping, no gift cards.
-- amount_base: in the base currency at the rate of the day it was paid back; null where the rates do not have it, though
-- nothing is nothing in every currency.
with goods as (
    select
        line.source,
        line.refund_id,
        bought.product_category,
        sum(line.amount_micros) as amount_micros
    from refund_line as line
    left join order_line as bought
        on bought.source = line.source
        and bought.order_line_id = line.order_line_id
    where not coalesce(bought.is_gift_card, false)
    group by
        line.source,
        line.refund_id,
        bought.product_category
),

part as (
    select source, refund_id, product_category, amount_micros
    from goods
    union all
    select source, refund_id, null as product_category, adjustment_micros as amount_micros
    from refund
    where adjustment_micros <> 0
)

select
    paid_back.source,
    paid_back.refund_id,
    paid_back.profile_id,
    paid_back.channel,
    paid_back.refunded_at,
    part.product_category,
    case
        when part.amount_micros = 0 then 0
        else cast(part.amount_micros as double) / 1000000 * rate.rate
    end as amount_base
from refund_net as paid_back
join part
    on part.source = paid_back.source
    and part.refund_id = paid_back.refund_id
left join currency_rate as rate
    on rate.currency = paid_back.currency
    and paid_back.day >= rate.from_day
    and paid_back.day < rate.until_day
