-- Grain: one row per answered survey item of a member, in the shape survey_answer reads. Inputs: raw_survey_response,
-- raw_ticket, member (profile_member). An answer that names nobody is that of the ticket's requester.
select
    response.source,
    response.ticket_id,
    member.profile_id,
    response.answered_at,
    response.instrument,
    response.channel,
    response.mode,
    response.category,
    response.scale_min,
    response.scale_max,
    response.orientation,
    response.score
from raw_survey_response as response
left join raw_ticket as ticket
    on response.person_id is null
    and ticket.source = response.source
    and ticket.source_id = response.ticket_id
join member
    on member.source = response.source
    and member.source_id = coalesce(response.person_id, ticket.requester_id)
