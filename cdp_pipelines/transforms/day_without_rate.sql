-- Grain: one row per currency in which orders or refunds have days without a rate. Inputs: raw_order, raw_refund (lake,
-- current rows), currency_rate, clock (time_zone).
with event as (
    select currency, placed_at as happened_at
    from raw_order
    where not is_test
        and is_valid
        and cancelled_at is null
    union all
    select currency, refunded_at as happened_at
    from raw_refund
),

used as (
    select distinct
        event.currency,
        cast(timezone(clock.time_zone, event.happened_at) as date) as day
    from event
    cross join clock
)

select
    used.currency,
    count(*) as days,
    min(used.day) as first_day,
    max(used.day) as last_day
from used
left join currency_rate as rate
    on rate.currency = used.currency
    and used.day >= rate.from_day
    and used.day < rate.until_day
where rate.rate is null
group by used.currency
order by used.currency
