-- Grain: one row per position of a valid order, gift cards left out. Inputs: valid_order, order_line, currency_rate.
-- net: quantity x unit price - discounts - tax contained in the price, in the order's currency.
-- amount_base: the same in the base currency at the rate of the order's day; null where the rates do not have it.
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
    ) / 1000000 as net,
    (
        cast(line.quantity as double) * line.unit_price_micros - line.discount_micros - line.included_tax_micros
    ) / 1000000 * rate.rate as amount_base,
    case when rate.rate is null then 0 else 1 end as has_rate
from valid_order as sold
join order_line as line
    on line.source = sold.source
    and line.order_id = sold.order_id
left join currency_rate as rate
    on rate.currency = line.currency
    and sold.day >= rate.from_day
    and sold.day < rate.until_day
where not line.is_gift_card
