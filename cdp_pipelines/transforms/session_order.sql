-- Grain: one row per order. Inputs: raw_order (lake, current rows), party.
-- Test orders are never measured. is_valid: the order counts as a purchase; a cancelled one does not.
select
    sold.source,
    sold.source_id as order_id,
    party.profile_id,
    sold.account_id,
    sold.checkout_id,
    sold.checkout_started_at,
    sold.placed_at,
    sold.completed_at,
    sold.cancelled_at,
    sold.promised_at,
    sold.fulfilled_at,
    sold.delivered_at,
    sold.is_valid and sold.cancelled_at is null as is_valid,
    sold.payment_status,
    sold.fulfillment_status,
    sold.channel,
    sold.sales_channel,
    sold.checkout_mode,
    sold.location,
    sold.currency,
    sold.presentment_currency,
    sold.total_micros,
    case
        when sold.is_test then 'dropped'
        when sold.person_id is null then 'nobody'
        else coalesce(party.standing, 'excluded')
    end as standing
from raw_order as sold
left join party
    on party.source = sold.source
    and party.person_id = sold.person_id
