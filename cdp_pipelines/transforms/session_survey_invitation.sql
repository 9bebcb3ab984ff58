-- Grain: one row per survey offered. Inputs: raw_survey_invitation (lake, current rows), survey_subject.
-- Where the invitation names no person, its ticket does.
select
    invitation.source,
    invitation.source_id as invitation_id,
    invitation.ticket_id,
    subject.profile_id,
    invitation.instrument,
    invitation.delivered_at,
    invitation.request_channel,
    invitation.trigger,
    case
        when coalesce(invitation.person_id, invitation.ticket_id) is null then 'nobody'
        else coalesce(subject.standing, 'excluded')
    end as standing
from raw_survey_invitation as invitation
left join survey_subject as subject
    on subject.source = invitation.source
    and subject.is_person = (invitation.person_id is not null)
    and subject.id = coalesce(invitation.person_id, invitation.ticket_id)
