-- Grain: one row per deal. Inputs: raw_deal (lake, current rows), party.
-- A deal is about the first person it is with. One with an organisation alone is about nobody identifiable.
select
    deal.source,
    deal.source_id as deal_id,
    party.profile_id,
    deal.account_id,
    deal.pipeline,
    deal.stage,
    deal.deal_type,
    deal.created_at,
    deal.closed_at,
    deal.is_closed,
    deal.is_won,
    deal.amount_micros,
    deal.currency,
    case
        when deal.person_id is null then 'nobody'
        else coalesce(party.standing, 'excluded')
    end as standing
from raw_deal as deal
left join party
    on party.source = deal.source
    and party.person_id = deal.person_id
