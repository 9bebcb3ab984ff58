-- Grain: one row per consent decision up to clock.as_of and profile it is about. Inputs: ledger (the consent ledger),
-- raw_person (lake, current rows, deleted ones too), raw_identity_link, clock.
-- A decision belongs to the record it names; if that is not known, to every profile that has the address. An address
-- several profiles have may refuse for all of them, but it grants for none: who decided cannot be told.
-- is_alone: no other decision of the profile bears on the same purpose and scope.
with address as (
    select distinct
        link.profile_id,
        person.email_token as token
    from raw_person as person
    join raw_identity_link as link
        on link.source = person.source
        and link.source_id = person.source_id
    where person.email_token is not null
    union
    select distinct
        link.profile_id,
        unnest(person.other_emails_tokens) as token
    from raw_person as person
    join raw_identity_link as link
        on link.source = person.source
        and link.source_id = person.source_id
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
        coalesce(link.profile_id, address.profile_id) as profile_id,
        ledger.purpose,
        ledger.channel,
        ledger.scope,
        ledger.state,
        ledger.at,
        ledger.source,
        ledger.inferred,
        ledger.policy_version
    from ledger
    cross join clock
    left join raw_identity_link as link
        on link.source = ledger.source
        and link.source_id = ledger.person_source_id
    left join address
        on link.profile_id is null
        and address.token = ledger.address_token
    left join owner
        on owner.token = address.token
    where ledger.at <= clock.as_of
        and coalesce(link.profile_id, address.profile_id) is not null
        and (link.profile_id is not null or owner.profiles = 1 or ledger.state <> 'granted')
)

select
    decision.profile_id,
    decision.purpose,
    decision.channel,
    decision.scope,
    decision.state,
    decision.at,
    decision.source,
    decision.inferred,
    decision.policy_version,
    count(*) over (partition by profile_id, purpose, scope) = 1
    and (
        count(*) over (partition by profile_id, purpose) = 1
        or count(*) filter (where scope = 'all') over (partition by profile_id, purpose) = 0
    ) as is_alone
from decision
order by profile_id
