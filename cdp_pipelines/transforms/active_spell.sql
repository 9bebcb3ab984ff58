-- Grain: one row per spell of local days on which a person is active: within 90 days of having written, opened a
-- ticket, answered a survey or ordered. Spells of one person neither overlap nor touch. until_day is the first day no
-- longer in it. Inputs: ticket, message, survey_response, order, clock.
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
    union all
    select profile_id, placed_at as active_at
    from "order"
    where is_valid
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

begun as (
    select
        profile_id,
        day,
        case
            when day <= lag(day + 90) over (
                partition by profile_id
                order by day
            ) then 0
            else 1
        end as is_new
    from active_day
),

numbered as (
    select
        profile_id,
        day,
        sum(is_new) over (
            partition by profile_id
            order by day
        ) as spell
    from begun
)

select
    profile_id,
    min(day) as from_day,
    max(day) + 90 as until_day
from numbered
group by
    profile_id,
    spell
