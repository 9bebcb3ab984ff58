-- Unit: a person record that a source keeps and has not deleted, when it was linked to its profile; x says that the
-- profile had a record of that source already. In all and by source. Input: identity_link.
with link as (
    select
        linked_at,
        source,
        profile_id,
        row_number() over (
            partition by profile_id
            order by linked_at
        ) as place,
        row_number() over (
            partition by profile_id, source
            order by linked_at
        ) as place_in_source
    from identity_link
    where not is_guest
        and not is_deleted
)

select
    linked_at as at,
    profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    case when place_in_source > 1 then 1 else 0 end as x,
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
    case when place_in_source > 1 then 1 else 0 end as x,
    1 as n,
    case when place_in_source = 1 then 1 else 0 end as persons
from link
