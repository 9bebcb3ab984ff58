-- Unit: a logical run that succeeded, with its duration in seconds. Input: logical_run.
select
    ended_at as at,
    source,
    process,
    seconds as value
from logical_run
where is_success = 1
