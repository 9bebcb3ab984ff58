-- Grain: one row per consent decision up to clock.as_of and profile it is about. Inputs: ledger (the consent ledger),
-- raw_person (lake, current rows, deleted ones too), raw_identity_link, clock.
-- A decision belongs to the record it names; if that is not known, to every profile that has the address. An address
-- several profiles have may refuse for all of them, but it grants for none: who decided cannot be told.
-- Most decisions name a record that is known, so only the addresses of the others are looked for.
-- ended_at: when its source took a refusal back without a grant; a clearing is no decision of its own.
-- is_alone: nothing else the profile decided bears on the same purpose and scope.
with clearing as (
    select
        refusal.source,
        refusal.event_id,
        refusal.at,
        min(cleared.at) as ended_at
    from ledger as refusal
    join ledger as cleared
        on cleared.source = refusal.source
        and cleared.event_id = refusal.event_id
        and cleared.at >= refusal.at
    cross join clock
    where refusal.state in ('denied', 'withdrawn')
        and cleared.state = 'cleared'
        and cleared.at <= clock.as_of
    group by
        refusal.source,
        refusal.event_id,
        refusal.at
),

entry as (
    select
        ledger.*,
        clearing.ended_at,
        link.profile_id
    from ledger
    cross join clock
    left join clearing
        on clearing.source = ledger.source
        and clearing.event_id = ledger.event_id
        and clearing.at = ledger.at
    left join raw_identity_link as link
        on link.source = ledger.source
        and link.source_id = ledger.person_source_id
    where ledger.at <= clock.as_of
        and ledger.state <> 'cleared'
),

address as (
    select distinct
        link.profile_id,
        carried.token
    from (
        select
            source,
            source_id,
            email_token as token
        from raw_person
        union all
        select
            source,
            source_id,
            unnest(other_emails_tokens) as token
        from raw_person
    ) as carried
    join raw_identity_link as link
        on link.source = carried.source
        and link.source_id = carried.source_id
    where carried.token in (select address_token from entry where profile_id is null)
),

owner as (
    select
        token,
        count(*) as profiles
    from address
    group by token
),

decision as (
    select
        coalesce(entry.profile_id, address.profile_id) as profile_id,
        entry.purpose,
        entry.channel,
        entry.scope,
        entry.state,
        entry.at,
        entry.source,
        entry.person_source_id as record,
        entry.inferred,
        entry.policy_version,
        entry.ended_at
    from entry
    left join address
        on entry.profile_id is null
        and address.token = entry.address_token
    left join owner
        on owner.token = address.token
    where coalesce(entry.profile_id, address.profile_id) is not null
        and (entry.profile_id is not null or owner.profiles = 1 or entry.state <> 'granted')
)

select
    decision.profile_id,
    decision.purpose,
    decision.channel,
    decision.scope,
    decision.state,
    decision.at,
    decision.source,
    decision.record,
    decision.inferred,
    decision.policy_version,
    decision.ended_at,
    decision.ended_at is null
    and count(*) over (partition by profile_id, purpose, scope) = 1
    and (
        count(*) over (partition by profile_id, purpose) = 1
        or count(*) filter (where scope = 'all') over (partition by profile_id, purpose) = 0
    ) as is_alone
from decision
order by profile_id
