-- Unit: a logical run that is over. Input: logical_run.
select
    ended_at as at,
    source,
    process,
    is_clean as x
from logical_run
