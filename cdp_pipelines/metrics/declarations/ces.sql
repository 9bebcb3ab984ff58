-- Unit: an answer about effort, as ease from 1 to 7 (high is easy). Input: survey_answer.
with ease as (
    select
        answered_at,
        profile_id,
        source,
        channel,
        locale,
        1 + 6 * (upright - scale_min) / (scale_max - scale_min) as ease
    from survey_answer
    where instrument = 'CES'
        and scale_max > scale_min
        and upright between scale_min and scale_max
)

select
    answered_at as at,
    profile_id,
    source,
    channel,
    locale,
    ease as value,
    case when ease >= 5 then 1 else 0 end as is_easy,
    8 - ease as effort
from ease
