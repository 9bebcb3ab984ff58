-- Grain: one row per public message on a customer's ticket, since it was created. Inputs: customer_ticket, message.
select
    ticket.source,
    ticket.ticket_id,
    message.actor,
    message.at as written_at
from customer_ticket as ticket
join message
    on message.source = ticket.source
    and message.ticket_id = ticket.ticket_id
    and message.at >= ticket.created_at
where message.is_public
