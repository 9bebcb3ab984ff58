-- Grain: one row per checkout a source lists. Inputs: raw_checkout (lake, current rows), party.
select
    checkout.source,
    checkout.source_id as checkout_id,
    party.profile_id,
    checkout.order_id,
    checkout.started_at,
    checkout.completed_at,
    checkout.channel,
    checkout.checkout_mode,
    checkout.device,
    checkout.currency,
    checkout.total_micros,
    case
        when checkout.is_test then 'dropped'
        when checkout.person_id is null then 'nobody'
        else coalesce(party.standing, 'excluded')
    end as standing
from raw_checkout as checkout
left join party
    on party.source = checkout.source
    and party.person_id = checkout.person_id
