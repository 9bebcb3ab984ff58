-- Grain: one row per refund and position of the order. Inputs: raw_refund_line (lake, current rows), staged_order.
select
    line.source,
    line.source_id as refund_line_id,
    line.refund_id,
    line.order_id,
    line.order_line_id,
    sold.profile_id,
    line.quantity,
    line.amount_micros,
    line.currency,
    line.restock,
    coalesce(sold.standing, 'excluded') as standing
from raw_refund_line as line
left join staged_order as sold
    on sold.source = line.source
    and sold.order_id = line.order_id
