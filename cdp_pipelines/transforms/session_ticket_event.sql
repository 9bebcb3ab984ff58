-- Grain: one row per change of a ticket's state. Inputs: raw_ticket_event (lake, current rows), staged_ticket.
select
    event.source,
    event.ticket_id,
    ticket.profile_id,
    event.at,
    event.kind,
    event.status_from,
    event.status_to,
    coalesce(ticket.standing, 'excluded') as standing
from raw_ticket_event as event
left join staged_ticket as ticket
    on ticket.source = event.source
    and ticket.ticket_id = event.ticket_id
