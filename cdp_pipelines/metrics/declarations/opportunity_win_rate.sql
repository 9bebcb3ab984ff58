-- Unit: a deal that was won or lost, on the day it was. Input: deal.
select
    closed_at as at,
    profile_id,
    source,
    pipeline,
    case when is_won then 1 else 0 end as x
from deal
where is_closed
    and closed_at is not null
