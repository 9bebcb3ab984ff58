-- Grain: one row per customer's ticket with the times its requester wrote on it.
-- Inputs: customer_ticket, public_message, contact, message.
-- place: its position among the tickets of its person, by creation. A ticket of nobody identifiable stands alone.
-- n_contacts: how often its person turned to us. agent_touched: 1 if staff wrote on it, in public or not, or took it on.
with written as (
    select
        source,
        ticket_id,
        array_agg(written_at) as written_at
    from public_message
    where actor = 'customer'
    group by
        source,
        ticket_id
),

turned as (
    select
        source,
        ticket_id,
        count(*) as n_contacts
    from contact
    group by
        source,
        ticket_id
),

worked as (
    select
        source,
        ticket_id,
        1 as by_agent
    from message
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
    coalesce(ticket.profile_id, concat(ticket.source, '/', ticket.ticket_id)) as folder,
    list_append(coalesce(written.written_at, []), ticket.created_at) as touched_at,
    row_number() over (
        partition by coalesce(ticket.profile_id, concat(ticket.source, '/', ticket.ticket_id))
        order by ticket.created_at, ticket.source, ticket.ticket_id
    ) as place,
    turned.n_contacts,
    case when ticket.is_assigned then 1 else coalesce(worked.by_agent, 0) end as agent_touched
from customer_ticket as ticket
left join written
    on written.source = ticket.source
    and written.ticket_id = ticket.ticket_id
join turned
    on turned.source = ticket.source
    and turned.ticket_id = ticket.ticket_id
left join worked
    on worked.source = ticket.source
    and worked.ticket_id = ticket.ticket_id
