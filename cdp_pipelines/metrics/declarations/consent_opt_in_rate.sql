-- Unit: a change of one person in one slice: x of consent granted (+1 or -1), n of having decided, everyone of being
-- known. Everybody known counts in every slice, but in that of a locale only those of the locale.
-- Inputs: consent_change, person, person_locale.
with seen as (
    select
        profile_id,
        min(seen_at) as seen_at
    from (
        select profile_id, created_at as seen_at
        from person
        union all
        select profile_id, changed_at as seen_at
        from consent_change
    ) as sighting
    where profile_id is not null
    group by profile_id
),

slice as (
    select distinct
        channel,
        slice_name,
        slice_value
    from consent_change
)

select
    changed_at as at,
    profile_id,
    channel,
    slice_name,
    slice_value,
    granted - was_granted as x,
    is_first as n,
    0 as everyone
from consent_change

union all

select
    consent_change.changed_at as at,
    consent_change.profile_id,
    consent_change.channel,
    'locale' as slice_name,
    person_locale.locale as slice_value,
    consent_change.granted - consent_change.was_granted as x,
    consent_change.is_first as n,
    0 as everyone
from consent_change
join person_locale
    on person_locale.profile_id = consent_change.profile_id
where consent_change.channel = 'all'
    and consent_change.slice_name = 'all'

union all

select
    coalesce(seen.seen_at, clock.as_of) as at,
    seen.profile_id,
    slice.channel,
    slice.slice_name,
    slice.slice_value,
    0 as x,
    0 as n,
    1 as everyone
from seen
cross join slice
cross join clock

union all

select
    coalesce(seen.seen_at, clock.as_of) as at,
    seen.profile_id,
    'all' as channel,
    'locale' as slice_name,
    person_locale.locale as slice_value,
    0 as x,
    0 as n,
    1 as everyone
from seen
join person_locale
    on person_locale.profile_id = seen.profile_id
cross join clock
