-- Unit: a checkout that a customer started online. Input: checkout_start.
select
    started_at as at,
    profile_id,
    source,
    channel,
    1 - is_finished as x
from checkout_start
