-- Grain: one row per time a customer's ticket was solved. Inputs: customer_ticket, ticket_event.
-- reopened_at: the next time it went back to work, null if it has not. A solved ticket without a recorded change
-- of state (its source keeps no history) counts as solved once, at the time the ticket itself states.
with change as (
    select
        event.source,
        event.ticket_id,
        event.at as changed_at,
        case when event.status_to in ('solved', 'closed') then 1 else 0 end as is_solved
    from ticket_event as event
    where event.kind in ('created', 'status')
        and event.status_to is not null
),

turn as (
    select
        source,
        ticket_id,
        changed_at,
        is_solved,
        lag(is_solved) over (
            partition by source, ticket_id
            order by changed_at, is_solved
        ) as was_solved
    from change
),

flip as (
    select
        source,
        ticket_id,
        changed_at as solved_at,
        is_solved,
        lead(changed_at) over (
            partition by source, ticket_id
            order by changed_at, is_solved
        ) as reopened_at
    from turn
    where coalesce(was_solved, 0) <> is_solved
),

recorded as (
    select
        source,
        ticket_id,
        solved_at,
        reopened_at
    from flip
    where is_solved = 1
)

select
    ticket.source,
    ticket.ticket_id,
    ticket.profile_id,
    ticket.channel,
    ticket.topic,
    coalesce(recorded.solved_at, ticket.solved_at) as solved_at,
    recorded.reopened_at
from customer_ticket as ticket
left join recorded
    on recorded.source = ticket.source
    and recorded.ticket_id = ticket.ticket_id
where coalesce(recorded.solved_at, ticket.solved_at) is not null
