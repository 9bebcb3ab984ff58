-- Unit: a resolved issue that staff had a hand in; x says that one contact was enough and no related issue followed
-- within 7 days. Input: issue.
select
    opened_at as at,
    profile_id,
    source,
    first_channel as channel,
    case when n_contacts = 1 and related_at is null then 1 else 0 end as x
from issue
where is_resolved = 1
    and agent_touched = 1
