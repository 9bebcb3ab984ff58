-- Grain: one row per local day on which the number of active persons changes: those who wrote, opened a ticket or
-- answered a survey on that day or the 89 before it. Inputs: ticket, message, survey_response, clock.
with activity as (
    select profile_id, created_at as active_at
    from ticket
    where opened_by_customer
    union all
    select profile_id, message.at as active_at
    from message
    where actor = 'customer'
    union all
    select profile_id, answered_at as active_at
    from survey_response
),

active_day as (
    select distinct
        activity.profile_id,
        cast(timezone(clock.time_zone, activity.active_at) as date) as day
    from activity
    cross join clock
    where activity.profile_id is not null
        and activity.active_at <= clock.as_of
),

spell as (
    select
        day + 90 as until_day,
        greatest(
            day,
            lag(day + 90) over (
                partition by profile_id
                order by day
            )
        ) as from_day
    from active_day
),

change as (
    select from_day as day, 1 as persons
    from spell
    union all
    select until_day as day, -1 as persons
    from spell
)

select
    day,
    sum(persons) as n
from change
group by day
