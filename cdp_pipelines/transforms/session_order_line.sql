-- Grain: one row per position of an order. Inputs: raw_order_line (lake, current rows), staged_order.
select
    line.source,
    line.source_id as order_line_id,
    line.order_id,
    sold.profile_id,
    line.product_id,
    line.sku,
    line.product_category,
    line.quantity,
    line.unit_price_micros,
    line.discount_micros,
    line.included_tax_micros,
    line.unit_cost_micros,
    line.currency,
    line.is_gift_card,
    line.is_customised,
    coalesce(sold.standing, 'excluded') as standing
from raw_order_line as line
left join staged_order as sold
    on sold.source = line.source
    and sold.order_id = line.order_id
