-- Unit: a deal that was won, or is still open, with the days from its creation to its winning, or until now.
-- Inputs: deal, clock.
select
    created_at as at,
    profile_id,
    source,
    pipeline,
    greatest((epoch(case when is_won then closed_at else clock.as_of end) - epoch(created_at)) / 86400, 0) as value,
    case when is_won then 1 else 0 end as observed
from deal
cross join clock
where (is_won and closed_at is not null)
    or not is_closed
