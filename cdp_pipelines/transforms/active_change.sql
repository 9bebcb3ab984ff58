-- Grain: one row per local day on which the number of active persons changes. Input: active_spell.
with change as (
    select from_day as day, 1 as persons
    from active_spell
    union all
    select until_day as day, -1 as persons
    from active_spell
)

select
    day,
    sum(persons) as n
from change
group by day
