-- Grain: one row per position of a return. Inputs: raw_return_line (lake, current rows), staged_order.
select
    line.source,
    line.source_id as return_line_id,
    line.return_id,
    line.order_id,
    line.order_line_id,
    sold.profile_id,
    line.quantity,
    line.status,
    line.requested_at,
    line.returned_at,
    line.reason,
    line.opened_by,
    coalesce(sold.standing, 'excluded') as standing
from raw_return_line as line
left join staged_order as sold
    on sold.source = line.source
    and sold.order_id = line.order_id
