-- Grain: one row per survey offered. Inputs: raw_survey_invitation (lake, current rows), staged_ticket, party.
-- Where the invitation names no person, its ticket does.
select
    invitation.source,
    invitation.source_id as invitation_id,
    invitation.ticket_id,
    coalesce(party.profile_id, ticket.profile_id) as profile_id,
    invitation.instrument,
    invitation.delivered_at,
    invitation.request_channel,
    invitation.trigger,
    case
        when invitation.person_id is not null then coalesce(party.standing, 'excluded')
        when invitation.ticket_id is not null then coalesce(ticket.standing, 'excluded')
        else 'nobody'
    end as standing
from raw_survey_invitation as invitation
left join party
    on party.source = invitation.source
    and party.person_id = invitation.person_id
left join staged_ticket as ticket
    on ticket.source = invitation.source
    and ticket.ticket_id = invitation.ticket_id
    and invitation.person_id is null
