-- Grain: one row per answered survey item. Inputs: raw_survey_response (lake, current rows), staged_ticket, party.
-- Where the answer names no person, its ticket does.
select
    response.source,
    response.source_id as response_id,
    response.invitation_id,
    response.ticket_id,
    coalesce(party.profile_id, ticket.profile_id) as profile_id,
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
        when response.person_id is not null then coalesce(party.standing, 'excluded')
        when response.ticket_id is not null then coalesce(ticket.standing, 'excluded')
        else 'nobody'
    end as standing
from raw_survey_response as response
left join party
    on party.source = response.source
    and party.person_id = response.person_id
left join staged_ticket as ticket
    on ticket.source = response.source
    and ticket.ticket_id = response.ticket_id
    and response.person_id is null
