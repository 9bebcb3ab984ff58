-- Unit: an issue, with its duration in hours. Input: issue.
select
    opened_at as at,
    profile_id,
    source,
    first_channel as channel,
    mode,
    hours as value,
    is_resolved as observed
from issue
