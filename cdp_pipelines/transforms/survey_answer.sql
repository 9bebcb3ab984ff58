-- Grain: one row per answered survey item. Inputs: survey_response, person_locale.
-- upright: the answer with its good end up. satisfied: 1 or 0, null where the answer cannot be judged: the source's
-- own sorting where it sorts; else the two best of five or more points, the best one of fewer. dissatisfied: the same
-- from the other end.
with turned as (
    select
        source,
        ticket_id,
        profile_id,
        answered_at,
        instrument,
        channel,
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
    turned.source,
    turned.ticket_id,
    turned.profile_id,
    turned.answered_at,
    turned.instrument,
    turned.channel,
    person_locale.locale,
    turned.mode,
    turned.scale_min,
    turned.scale_max,
    turned.upright,
    case
        when category = 'good' then 1
        when category is not null then 0
        when upright is null or scale_max <= scale_min then null
        when scale_max - scale_min >= 4 and upright >= scale_max - 1 then 1
        when scale_max - scale_min < 4 and upright >= scale_max then 1
        when scale_max - scale_min >= 1 then 0
    end as satisfied,
    case
        when category = 'bad' then 1
        when category is not null then 0
        when upright is null or scale_max <= scale_min then null
        when scale_max - scale_min >= 4 and upright <= scale_min + 1 then 1
        when scale_max - scale_min < 4 and upright <= scale_min then 1
        when scale_max - scale_min >= 1 then 0
    end as dissatisfied
from turned
left join person_locale
    on person_locale.profile_id = turned.profile_id
