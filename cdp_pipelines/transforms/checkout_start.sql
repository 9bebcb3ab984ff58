-- Grain: one row per checkout that a customer started online. Inputs: checkout, order.
-- A source lists few of its checkouts (Shopify those that were abandoned, even if finished later), so an order placed
-- online whose checkout is not listed tells of one more, finished at once.
-- is_finished: it became an order within 24 hours.
with bought as (
    select
        sold.source,
        sold.order_id,
        sold.checkout_id,
        sold.profile_id,
        sold.channel,
        coalesce(sold.completed_at, sold.placed_at) as finished_at,
        coalesce(sold.checkout_started_at, sold.placed_at) as started_at
    from "order" as sold
    where sold.checkout_mode in ('self_web', 'self_app')
        or (sold.checkout_mode = 'unknown' and sold.channel in ('web', 'app'))
),

match as (
    select
        checkout.source,
        checkout.checkout_id,
        bought.order_id,
        bought.finished_at
    from checkout
    join bought
        on bought.source = checkout.source
        and bought.checkout_id = checkout.checkout_id

    union

    select
        checkout.source,
        checkout.checkout_id,
        bought.order_id,
        bought.finished_at
    from checkout
    join bought
        on bought.source = checkout.source
        and bought.order_id = checkout.order_id
),

ordered as (
    select
        source,
        checkout_id,
        min(finished_at) as finished_at
    from match
    group by
        source,
        checkout_id
)

select
    checkout.source,
    checkout.profile_id,
    checkout.channel,
    checkout.started_at,
    case
        when least(checkout.completed_at, ordered.finished_at) <= checkout.started_at + interval 24 hour then 1
        else 0
    end as is_finished
from checkout
left join ordered
    on ordered.source = checkout.source
    and ordered.checkout_id = checkout.checkout_id
where checkout.checkout_mode not in ('kiosk', 'assisted_store', 'assisted_phone')

union all

select
    bought.source,
    bought.profile_id,
    bought.channel,
    bought.started_at,
    case when bought.finished_at <= bought.started_at + interval 24 hour then 1 else 0 end as is_finished
from bought
where not exists (
    select 1
    from match
    where match.source = bought.source
        and match.order_id = bought.order_id
)
