-- Unit: a stretch between two changes of one person in one slice during which consent stood at granted; x says that a
-- withdrawal ended the granted state of at least one decision there and then. Input: consent_change.
with stretch as (
    select
        profile_id,
        channel,
        slice_name,
        slice_value,
        changed_at,
        granted,
        lead(changed_at) over (
            partition by profile_id, channel, slice_name, slice_value
            order by changed_at
        ) as until,
        lead(withdrawn) over (
            partition by profile_id, channel, slice_name, slice_value
            order by changed_at
        ) as x
    from consent_change
)

select
    changed_at as at,
    until,
    profile_id,
    channel,
    slice_name,
    slice_value,
    coalesce(x, 0) as x
from stretch
where granted = 1
