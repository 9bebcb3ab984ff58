-- Grain: one row per position of a valid order, gift cards left out. Inputs: valid_order, order_line, currency_rate.
-- net: quantity x unit price - discounts - tax contained in the price, in the order's currency.
-- amount_base: the same in the base currency at the rate of the order's day; null where the rates do not have it, though
-- nothing is nothing in every currency.
with sold_line as (
    select
        sold.source,
        sold.order_id,
        line.order_line_id,
        sold.profile_id,
        sold.placed_at,
        sold.day,
        sold.channel,
        line.product_category,
        line.product_id,
        line.sku,
        line.quantity,
        line.currency,
        (
            cast(line.quantity as double) * line.unit_price_micros - line.discount_micros - line.included_tax_micros
        ) / 1000000 as net
    from valid_order as sold
    join order_line as line
        on line.source = sold.source
        and line.order_id = sold.order_id
    where not line.is_gift_card
)

select
    sold_line.source,
    sold_line.order_id,
    sold_line.order_line_id,
    sold_line.profile_id,
    sold_line.placed_at,
    sold_line.day,
    sold_line.channel,
    sold_line.product_category,
    sold_line.product_id,
    sold_line.sku,
    sold_line.quantity,
    sold_line.currency,
    sold_line.net,
    case when sold_line.net = 0 then 0 else sold_line.net * rate.rate end as amount_base,
    case when rate.rate is null and sold_line.net <> 0 then 0 else 1 end as has_rate
from sold_line
left join currency_rate as rate
    on rate.currency = sold_line.currency
    and sold_line.day >= rate.from_day
    and sold_line.day < rate.until_day
