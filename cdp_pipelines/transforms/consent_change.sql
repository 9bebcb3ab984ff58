-- Grain: one row per profile, slice and moment at which one of its decisions changed. Input: consent_event.
-- Slices: all decisions; those of one purpose; those by one channel. A profile is granted in a slice while at least
-- one decision (purpose, channel, scope) in it stands at granted. The latest decision counts; at the same moment a
-- refusal wins; a refusal for all channels or scopes covers each of them, a grant for all covers only itself.
-- withdrawn: at least one of the slice's decisions went from granted to withdrawn at that moment.
with decided as (
    select distinct
        profile_id,
        purpose,
        channel,
        scope
    from consent_event
),

moment as (
    select
        decided.profile_id,
        decided.purpose,
        decided.channel,
        decided.scope,
        event.at as changed_at,
        min(case when event.state = 'granted' then 1 else 0 end) as granted,
        max(case when event.state = 'withdrawn' then 1 else 0 end) as withdrawn
    from decided
    join consent_event as event
        on event.profile_id = decided.profile_id
        and event.purpose = decided.purpose
    where (event.channel = decided.channel and event.scope = decided.scope)
        or (
            event.state <> 'granted'
            and event.channel in (decided.channel, 'all')
            and event.scope in (decided.scope, 'all')
        )
    group by
        decided.profile_id,
        decided.purpose,
        decided.channel,
        decided.scope,
        event.at
),

step as (
    select
        profile_id,
        purpose,
        channel,
        changed_at,
        withdrawn,
        granted - coalesce(
            lag(granted) over (
                partition by profile_id, purpose, channel, scope
                order by changed_at
            ),
            0
        ) as change
    from moment
),

turn as (
    select
        profile_id,
        purpose,
        channel,
        changed_at,
        change,
        case when change < 0 then withdrawn else 0 end as withdrawn
    from step
),

sliced as (
    select profile_id, 'all' as channel, 'all' as slice_name, 'all' as slice_value, changed_at, change, withdrawn
    from turn
    union all
    select profile_id, 'all' as channel, 'purpose' as slice_name, purpose as slice_value, changed_at, change, withdrawn
    from turn
    union all
    select profile_id, channel, 'all' as slice_name, 'all' as slice_value, changed_at, change, withdrawn
    from turn
    where channel <> 'all'
),

together as (
    select
        profile_id,
        channel,
        slice_name,
        slice_value,
        changed_at,
        sum(change) as change,
        max(withdrawn) as withdrawn
    from sliced
    group by
        profile_id,
        channel,
        slice_name,
        slice_value,
        changed_at
),

standing as (
    select
        profile_id,
        channel,
        slice_name,
        slice_value,
        changed_at,
        withdrawn,
        sum(change) over (
            partition by profile_id, channel, slice_name, slice_value
            order by changed_at
        ) as held,
        row_number() over (
            partition by profile_id, channel, slice_name, slice_value
            order by changed_at
        ) as place
    from together
)

select
    profile_id,
    channel,
    slice_name,
    slice_value,
    changed_at,
    withdrawn,
    case when held > 0 then 1 else 0 end as granted,
    coalesce(
        lag(case when held > 0 then 1 else 0 end) over (
            partition by profile_id, channel, slice_name, slice_value
            order by changed_at
        ),
        0
    ) as was_granted,
    case when place = 1 then 1 else 0 end as is_first
from standing
