-- Unit: a person record that its source still has, when it was linked to its profile; in all and by source. Input:
-- identity_link.
with link as (
    select
        linked_at,
        source,
        profile_id,
        case when method = 'deterministic' or key_type is not null then 1 else 0 end as is_matched,
        row_number() over (
            partition by profile_id
            order by linked_at
        ) as place,
        row_number() over (
            partition by profile_id, source
            order by linked_at
        ) as place_in_source
    from identity_link
    where not is_deleted
)

select
    linked_at as at,
    profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    is_matched as x,
    1 as n,
    case when place = 1 then 1 else 0 end as persons
from link

union all

select
    linked_at as at,
    profile_id,
    'all' as channel,
    'source' as slice_name,
    source as slice_value,
    is_matched as x,
    1 as n,
    case when place_in_source = 1 then 1 else 0 end as persons
from link
