-- Grain: one row per ticket that a customer opened: no spam, no duplicate merged into another ticket.
-- Input: ticket.
select
    source,
    ticket_id,
    profile_id,
    created_at,
    channel,
    priority,
    topic,
    solved_at,
    is_assigned
from ticket
where opened_by_customer
    and not is_spam
    and merged_into is null
    and status <> 'deleted'
