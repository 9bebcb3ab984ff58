-- Unit: an answer from 0 to 10 to the question how likely one is to recommend. Input: survey_answer.
select
    answered_at as at,
    profile_id,
    source,
    channel,
    locale,
    case when upright >= 9 then 1 else 0 end as up,
    case when upright <= 6 then 1 else 0 end as down
from survey_answer
where instrument = 'NPS'
    and scale_min = 0
    and scale_max = 10
    and upright between 0 and 10
