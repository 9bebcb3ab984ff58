-- Unit: a ticket opened by a customer, with its wait in minutes. Input: first_reply.
select
    created_at as at,
    profile_id,
    source,
    channel,
    priority,
    minutes as value,
    is_answered as observed
from first_reply
