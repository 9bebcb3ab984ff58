-- Unit: a change in how many sources know the active persons: a source that is the k-th to know a person adds 1 to the
-- person's number and 2k - 1 to its square, from the day it does, while the person is active.
-- Inputs: active_spell, person, clock.
with known as (
    select
        person.profile_id,
        person.source,
        cast(timezone(clock.time_zone, min(coalesce(person.created_at, clock.as_of))) as date) as day
    from person
    cross join clock
    where person.profile_id is not null
    group by
        person.profile_id,
        person.source,
        clock.time_zone
),

ranked as (
    select
        profile_id,
        day,
        row_number() over (
            partition by profile_id
            order by day, source
        ) as place
    from known
),

held as (
    select
        spell.profile_id,
        ranked.place,
        greatest(spell.from_day, ranked.day) as from_day,
        spell.until_day
    from active_spell as spell
    join ranked
        on ranked.profile_id = spell.profile_id
        and ranked.day < spell.until_day
),

change as (
    select profile_id, place, from_day as day, 1 as sign
    from held
    union all
    select profile_id, place, until_day as day, -1 as sign
    from held
)

select
    timezone(clock.time_zone, cast(change.day as timestamp)) as at,
    change.profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    sign as value,
    sign * (2 * place - 1) as value_squared,
    case when place = 1 then sign else 0 end as n
from change
cross join clock
