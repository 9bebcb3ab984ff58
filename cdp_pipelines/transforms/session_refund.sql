-- Grain: one row per refund of an order. Inputs: raw_refund (lake, current rows), staged_order.
select
    refund.source,
    refund.source_id as refund_id,
    refund.order_id,
    refund.return_id,
    sold.profile_id,
    refund.refunded_at,
    refund.amount_micros,
    refund.adjustment_micros,
    refund.currency,
    refund.reason,
    refund.opened_by,
    coalesce(sold.standing, 'excluded') as standing
from raw_refund as refund
left join staged_order as sold
    on sold.source = refund.source
    and sold.order_id = refund.order_id
