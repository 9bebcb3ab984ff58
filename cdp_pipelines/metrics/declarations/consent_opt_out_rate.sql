-- Unit: a time during which one person's consent stood at granted in one slice; x says that it ended by a withdrawal.
-- Input: consent_change.
with turn as (
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
    where granted <> was_granted
)

select
    changed_at as at,
    until,
    profile_id,
    channel,
    slice_name,
    slice_value,
    coalesce(x, 0) as x
from turn
where granted = 1
