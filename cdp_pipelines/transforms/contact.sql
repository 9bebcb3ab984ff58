-- Grain: one row per time a customer turned to us on a ticket. Inputs: customer_ticket, public_message.
-- Opening a ticket is one; writing on it is another once 30 minutes have passed since the customer's last words there,
-- so a chat is one contact and asking again the next day is a second one.
with spoken as (
    select
        source,
        ticket_id,
        created_at as spoken_at
    from customer_ticket
    union all
    select
        source,
        ticket_id,
        written_at as spoken_at
    from public_message
    where actor = 'customer'
),

paused as (
    select
        source,
        ticket_id,
        spoken_at,
        lag(spoken_at) over (
            partition by source, ticket_id
            order by spoken_at
        ) as spoken_before
    from spoken
)

select
    ticket.source,
    ticket.ticket_id,
    ticket.profile_id,
    ticket.channel,
    ticket.topic,
    paused.spoken_at as at
from paused
join customer_ticket as ticket
    on ticket.source = paused.source
    and ticket.ticket_id = paused.ticket_id
where paused.spoken_before is null
    or paused.spoken_at > paused.spoken_before + interval 30 minute
