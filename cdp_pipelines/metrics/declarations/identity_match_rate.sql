-- Unit: a person record, when it was linked to its profile; in all and by source. Input: identity_link.
with link as (
    select
        linked_at,
        source,
        profile_id,
        case when method = 'deterministic' or key_type is not null then 1 else 0 end as is_matched
    from identity_link
)

select
    linked_at as at,
    profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    is_matched as x,
    1 as n
from link

union all

select
    linked_at as at,
    profile_id,
    'all' as channel,
    'source' as slice_name,
    source as slice_value,
    is_matched as x,
    1 as n
from link
