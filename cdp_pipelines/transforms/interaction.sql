-- Grain: one row per time a customer or the business spoke to the other. Inputs: customer_ticket, public_message.
-- A public message is one; so is opening a ticket, unless the customer's own words followed within 30 minutes and are
-- that opening. direction: inbound from the customer, outbound to the customer, null where nobody says who wrote.
with opened as (
    select
        ticket.source,
        ticket.ticket_id,
        min(message.written_at) as written_at
    from customer_ticket as ticket
    left join public_message as message
        on message.source = ticket.source
        and message.ticket_id = ticket.ticket_id
        and message.actor = 'customer'
        and message.written_at <= ticket.created_at + interval 30 minute
    group by
        ticket.source,
        ticket.ticket_id
),

spoken as (
    select
        source,
        ticket_id,
        actor,
        written_at as at
    from public_message
    union all
    select
        ticket.source,
        ticket.ticket_id,
        'customer' as actor,
        ticket.created_at as at
    from customer_ticket as ticket
    join opened
        on opened.source = ticket.source
        and opened.ticket_id = ticket.ticket_id
    where opened.written_at is null
)

select
    ticket.source,
    ticket.ticket_id,
    ticket.profile_id,
    spoken.at,
    ticket.channel,
    ticket.topic,
    spoken.actor,
    case
        when spoken.actor = 'customer' then 'inbound'
        when spoken.actor is not null then 'outbound'
    end as direction
from spoken
join customer_ticket as ticket
    on ticket.source = spoken.source
    and ticket.ticket_id = spoken.ticket_id
