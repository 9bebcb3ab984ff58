-- Grain: one row per valid order. Inputs: valid_order, order_line_net.
-- amount_base: the sum of its lines in the base currency, 0 for gift cards alone; null if a line lacks a rate.
-- n_lines: positions that count, units: what they hold.
with summed as (
    select
        source,
        order_id,
        sum(amount_base) as amount_base,
        min(has_rate) as has_rate,
        count(*) as n_lines,
        sum(quantity) as units
    from order_line_net
    group by
        source,
        order_id
)

select
    sold.source,
    sold.order_id,
    sold.profile_id,
    sold.placed_at,
    sold.day,
    sold.channel,
    sold.checkout_mode,
    sold.currency,
    case when coalesce(summed.has_rate, 1) = 1 then coalesce(summed.amount_base, 0) end as amount_base,
    coalesce(summed.has_rate, 1) as has_rate,
    coalesce(summed.n_lines, 0) as n_lines,
    coalesce(summed.units, 0) as units
from valid_order as sold
left join summed
    on summed.source = sold.source
    and summed.order_id = sold.order_id
