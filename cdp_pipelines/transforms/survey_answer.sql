-- Grain: one row per answered survey item. Input: survey_response.
-- upright: the answer with its good end up. satisfied: 1 or 0, null where the answer cannot be judged: the source's
-- own sorting where it sorts; else the two best of five or more points, the best one of fewer.
with turned as (
    select
        source,
        profile_id,
        answered_at,
        instrument,
        channel,
        topic,
        touchpoint,
        mode,
        category,
        scale_min,
        scale_max,
        case
            when orientation = 'high_bad' then scale_max + scale_min - score
            else score
        end as upright
    from survey_response
)

select
    source,
    profile_id,
    answered_at,
    instrument,
    channel,
    topic,
    touchpoint,
    mode,
    scale_min,
    scale_max,
    upright,
    case
        when category = 'good' then 1
        when category is not null then 0
        when upright is null or scale_max <= scale_min then null
        when scale_max - scale_min >= 4 and upright >= scale_max - 1 then 1
        when scale_max - scale_min < 4 and upright >= scale_max then 1
        when scale_max - scale_min >= 1 then 0
    end as satisfied
from turned
