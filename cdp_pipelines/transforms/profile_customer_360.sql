-- Grain: one row per profile with a living customer record. Inputs: member (profile_member), permission (one row per
-- profile, one column per purpose), raw_ticket, raw_message, survey_answer, clock (as_of).
-- A column is null for a profile that does not permit the column's purpose: service_delivery for what is needed to
-- help the person, analytics for what describes the relationship. What was never connected is null, not 0.
-- The last scores are on the scales of the metrics csat (satisfied: 1 or 0), ces (ease from 1 to 7) and nps (0 to 10).
with known as (
    select
        profile_id,
        min(created_at) as first_seen,
        count(distinct source) filter (where is_alive) as source_count,
        min_by(account_id, place) filter (where is_alive and has_account_id) as account_id,
        min_by(locale, place) filter (where is_alive and has_locale) as locale,
        min_by(region, place) filter (where is_alive and has_region) as region,
        min_by(acquisition_channel, place)
            filter (where is_alive and has_acquisition_channel) as acquisition_channel,
        min_by(lifecycle_stage, place) filter (where is_alive and has_lifecycle_stage) as lifecycle_stage,
        (
            max(case when is_alive and (has_full_name or has_given_name or has_family_name) then 1 else 0 end)
            + max(case when is_alive and has_email then 1 else 0 end)
            + max(case when is_alive and has_phone then 1 else 0 end)
            + max(case when is_alive and has_street then 1 else 0 end)
            + max(case when is_alive and has_postal_code then 1 else 0 end)
            + max(case when is_alive and has_city then 1 else 0 end)
            + max(case when is_alive and has_region then 1 else 0 end)
            + max(case when is_alive and has_locale then 1 else 0 end)
        ) / 8.0 as completeness
    from member
    group by profile_id
    having count(*) filter (where is_alive) > 0
),

asked as (
    select
        member.profile_id,
        max(ticket.created_at)
            filter (where coalesce(ticket.submitter_id, ticket.requester_id) = ticket.requester_id) as last_at,
        count(*) filter (
            where ticket.status in ('new', 'open', 'pending', 'hold') and ticket.merged_into is null
        ) as open_tickets
    from raw_ticket as ticket
    join member
        on member.source = ticket.source
        and member.source_id = ticket.requester_id
    where not ticket.is_spam
        and ticket.status <> 'deleted'
    group by member.profile_id
),

wrote as (
    select
        member.profile_id,
        max(message.at) as last_at
    from raw_message as message
    join member
        on member.source = message.source
        and member.source_id = message.author_id
    where message.is_public
        and coalesce(message.actor, 'customer') = 'customer'
    group by member.profile_id
),

comparable as (
    select
        profile_id,
        answered_at,
        case when instrument = 'CSAT' then satisfied end as csat,
        case
            when instrument = 'CES' and scale_max > scale_min and upright between scale_min and scale_max
                then 1 + 6 * (upright - scale_min) / (scale_max - scale_min)
        end as ease,
        case
            when instrument = 'NPS' and scale_min = 0 and scale_max = 10 and upright between 0 and 10 then upright
        end as nps
    from survey_answer
),

score as (
    select
        profile_id,
        max_by(nps, answered_at) filter (where nps is not null) as last_nps,
        max_by(csat, answered_at) filter (where csat is not null) as last_csat,
        max_by(ease, answered_at) filter (where ease is not null) as last_ease
    from comparable
    group by profile_id
),

connected as (
    select count(*) > 0 as has_tickets
    from raw_ticket
)

select
    known.profile_id,
    case when permission.service_delivery then known.account_id end as account_id,
    case when permission.service_delivery then known.first_seen end as first_seen,
    case when permission.service_delivery then known.locale end as locale,
    case when permission.service_delivery then known.region end as region,
    case when permission.analytics then known.acquisition_channel end as acquisition_channel,
    cast(known.source_count as integer) as source_count,
    case when permission.analytics then known.lifecycle_stage end as lifecycle_stage,
    case when permission.service_delivery then greatest(asked.last_at, wrote.last_at) end as last_contact_at,
    case
        when permission.service_delivery and connected.has_tickets
            then cast(coalesce(asked.open_tickets, 0) as integer)
    end as open_tickets,
    case when permission.analytics then score.last_nps end as last_nps,
    case when permission.analytics then score.last_csat end as last_csat,
    case when permission.analytics then score.last_ease end as last_ease,
    permission.analytics as consent_analytics,
    permission.profiling as consent_profiling,
    permission.marketing as consent_marketing,
    permission.research as consent_research,
    known.completeness,
    clock.as_of as refreshed_at
from known
join permission
    on permission.profile_id = known.profile_id
left join asked
    on asked.profile_id = known.profile_id
left join wrote
    on wrote.profile_id = known.profile_id
left join score
    on score.profile_id = known.profile_id
cross join connected
cross join clock
order by known.profile_id
