-- Grain: one row per profile with a living customer record. Inputs: member (profile_member), permission (one row per
-- profile, one column per purpose), activity (profile_activity, of profiles that permit service_delivery), decided (one
-- row per profile that ever decided), survey_answer, segment (profile_id, code of its group), raw_ticket, raw_order,
-- raw_review, company (margin_rate), clock (as_of).
-- A column is null for a profile that does not permit the column's purpose: service_delivery for what is needed to
-- serve the person, analytics for what describes the relationship, profiling for groups. What was never connected is
-- null, not 0. The last scores are on the scales of the metrics csat (satisfied: 1 or 0), ces (ease from 1 to 7) and
-- nps (0 to 10); of two answers of one moment the lower counts. completeness: the blocks filled of those that any
-- profile has, as the metric customer_360_completeness counts them: identity, consent, orders, service, feedback.
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
        max(case when is_alive and not is_guest then 1 else 0 end) as has_identity
    from member
    group by profile_id
    having count(*) filter (where is_alive) > 0
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

dated as (
    select
        comparable.*,
        max(case when nps is not null then answered_at end) over (partition by profile_id) as nps_at,
        max(case when csat is not null then answered_at end) over (partition by profile_id) as csat_at,
        max(case when ease is not null then answered_at end) over (partition by profile_id) as ease_at
    from comparable
),

score as (
    select
        profile_id,
        min(case when answered_at = nps_at then nps end) as last_nps,
        min(case when answered_at = csat_at then csat end) as last_csat,
        min(case when answered_at = ease_at then ease end) as last_ease
    from dated
    group by profile_id
),

connected as (
    select
        (select count(*) from raw_ticket) > 0 as has_tickets,
        (select count(*) from raw_order) > 0 as has_orders,
        (select count(person_id) from raw_review) > 0 as has_reviews
),

block as (
    select
        known.profile_id,
        known.has_identity,
        case when decided.profile_id is null then 0 else 1 end as has_consent,
        case when activity.has_orders then 1 else 0 end as has_orders,
        case when activity.has_service then 1 else 0 end as has_service,
        case when activity.has_feedback then 1 else 0 end as has_feedback
    from known
    join permission
        on permission.profile_id = known.profile_id
    left join decided
        on decided.profile_id = known.profile_id
    left join activity
        on activity.profile_id = known.profile_id
    where permission.service_delivery
),

enabled as (
    select max(has_identity) + max(has_consent) + max(has_orders) + max(has_service) + max(has_feedback) as blocks
    from block
)

select
    known.profile_id,
    case when permission.service_delivery then known.account_id end as account_id,
    case when permission.service_delivery then known.first_seen end as first_seen,
    case when permission.service_delivery then known.locale end as locale,
    case when permission.service_delivery then known.region end as region,
    case when permission.analytics then known.acquisition_channel end as acquisition_channel,
    cast(known.source_count as integer) as source_count,
    activity.first_order_at,
    activity.last_order_at,
    case
        when permission.service_delivery and connected.has_orders
            then cast(coalesce(activity.orders_365, 0) as integer)
    end as orders_365,
    case
        when permission.service_delivery and connected.has_orders
            then case when activity.profile_id is null then 0 else activity.net_revenue_365 end
    end as net_revenue_365,
    activity.aov,
    activity.net_revenue * company.margin_rate as clv_historical,
    case when permission.analytics then known.lifecycle_stage end as lifecycle_stage,
    case when permission.profiling then segment.code end as rfm,
    activity.last_contact_at,
    case
        when permission.service_delivery and connected.has_tickets
            then cast(coalesce(activity.open_tickets, 0) as integer)
    end as open_tickets,
    case
        when permission.service_delivery and connected.has_tickets
            then cast(coalesce(activity.issues_90, 0) as integer)
    end as issues_90,
    case when permission.analytics then score.last_nps end as last_nps,
    case when permission.analytics then score.last_csat end as last_csat,
    case when permission.analytics then score.last_ease end as last_ease,
    case
        when permission.service_delivery and connected.has_reviews
            then cast(coalesce(activity.reviews, 0) as integer)
    end as reviews,
    permission.analytics as consent_analytics,
    permission.profiling as consent_profiling,
    permission.marketing as consent_marketing,
    permission.research as consent_research,
    (
        block.has_identity + block.has_consent + block.has_orders + block.has_service + block.has_feedback
    ) / cast(enabled.blocks as double) as completeness,
    clock.as_of as refreshed_at
from known
join permission
    on permission.profile_id = known.profile_id
left join activity
    on activity.profile_id = known.profile_id
left join block
    on block.profile_id = known.profile_id
left join score
    on score.profile_id = known.profile_id
left join segment
    on segment.profile_id = known.profile_id
cross join enabled
cross join connected
cross join company
cross join clock
order by known.profile_id
