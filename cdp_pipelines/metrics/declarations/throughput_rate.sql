-- Unit: a logical run that succeeded. Input: logical_run.
select
    ended_at as at,
    source,
    process
from logical_run
where is_success = 1
