-- Unit: an answer to a satisfaction survey that can be judged. Input: survey_answer.
select
    answered_at as at,
    profile_id,
    source,
    channel,
    locale,
    satisfied as x
from survey_answer
where instrument = 'CSAT'
    and satisfied is not null
