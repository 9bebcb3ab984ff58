-- Unit: a resolved issue; x says that a related issue of the same person followed within 7 days. Input: issue.
select
    opened_at as at,
    profile_id,
    source,
    first_channel as channel,
    mode,
    case when related_at is null then 0 else 1 end as x
from issue
where is_resolved = 1
