-- Grain: one row per customer's ticket. Inputs: customer_ticket, public_message, clock.
-- minutes: from its creation to the first public words of a member of staff; for an unanswered one the minutes it
-- has waited so far, with is_answered = 0. Bots and internal notes are no answer.
with reply as (
    select
        source,
        ticket_id,
        min(written_at) as replied_at
    from public_message
    where actor = 'agent'
    group by
        source,
        ticket_id
)

select
    ticket.source,
    ticket.ticket_id,
    ticket.profile_id,
    ticket.created_at,
    ticket.channel,
    ticket.topic,
    ticket.priority,
    (epoch(coalesce(reply.replied_at, clock.as_of)) - epoch(ticket.created_at)) / 60 as minutes,
    case when reply.replied_at is null then 0 else 1 end as is_answered
from customer_ticket as ticket
cross join clock
left join reply
    on reply.source = ticket.source
    and reply.ticket_id = ticket.ticket_id
where ticket.created_at <= clock.as_of
