-- Grain: one row per valid order with the categories of what was bought, each once. Inputs: order_net, order_line_net.
-- amount_base is null where a line lacks a rate.
with category as (
    select
        source,
        order_id,
        array_agg(distinct product_category) as product_category
    from order_line_net
    where product_category is not null
    group by
        source,
        order_id
)

select
    sold.source,
    sold.order_id,
    sold.profile_id,
    sold.placed_at,
    sold.channel,
    sold.amount_base,
    category.product_category
from order_net as sold
left join category
    on category.source = sold.source
    and category.order_id = sold.order_id
