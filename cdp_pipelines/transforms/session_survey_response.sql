-- Grain: one row per answered survey item. Inputs: raw_survey_response (lake, current rows), survey_subject.
-- Where the answer names no person, its ticket does.
select
    response.source,
    response.source_id as response_id,
    response.invitation_id,
    response.ticket_id,
    subject.profile_id,
    response.answered_at,
    response.instrument,
    response.item_id,
    response.scale_min,
    response.scale_max,
    response.orientation,
    response.score,
    response.category,
    response.channel,
    response.topic,
    response.touchpoint,
    response.mode,
    case
        when coalesce(response.person_id, response.ticket_id) is null then 'nobody'
        else coalesce(subject.standing, 'excluded')
    end as standing
from raw_survey_response as response
left join survey_subject as subject
    on subject.source = response.source
    and subject.is_person = (response.person_id is not null)
    and subject.id = coalesce(response.person_id, response.ticket_id)
