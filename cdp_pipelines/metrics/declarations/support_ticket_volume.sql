-- Unit: a ticket opened by a customer. Input: customer_ticket.
select
    created_at as at,
    profile_id,
    source,
    channel
from customer_ticket
