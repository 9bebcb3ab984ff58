-- Unit: a delivered invitation, by the channel it was sent by. Inputs: survey_invitation, survey_response.
-- An answer belongs to the invitation it names; where it names none, to one of the same kind about the same ticket.
with answered as (
    select distinct
        invitation.source,
        invitation.invitation_id
    from survey_invitation as invitation
    join survey_response as response
        on response.source = invitation.source
        and response.invitation_id = invitation.invitation_id
        and response.answered_at >= invitation.delivered_at
        and response.answered_at <= invitation.delivered_at + interval 14 day

    union

    select distinct
        invitation.source,
        invitation.invitation_id
    from survey_invitation as invitation
    join survey_response as response
        on response.source = invitation.source
        and response.ticket_id = invitation.ticket_id
        and response.instrument = invitation.instrument
        and response.answered_at >= invitation.delivered_at
        and response.answered_at <= invitation.delivered_at + interval 14 day
    where response.invitation_id is null
)

select
    invitation.delivered_at as at,
    invitation.profile_id,
    invitation.source,
    invitation.request_channel as channel,
    invitation.instrument,
    case when answered.invitation_id is null then 0 else 1 end as x
from survey_invitation as invitation
left join answered
    on answered.source = invitation.source
    and answered.invitation_id = invitation.invitation_id
