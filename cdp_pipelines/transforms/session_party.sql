-- Grain: one row per person record of a source, known by its record, its identity link, or both.
-- Inputs: raw_person, raw_identity_link (lake, current rows), permitted_profile (one row per permitted profile).
-- standing says what may become of rows about the record: kept; excluded (no profile, or its profile does not
-- permit the purpose of the session); dropped (staff, bots and test records, who are never measured).
with party as (
    select
        coalesce(person.source, link.source) as source,
        coalesce(person.source_id, link.source_id) as person_id,
        coalesce(person.kind, 'customer') as kind,
        coalesce(person.is_test, false) as is_test,
        coalesce(person.is_guest, false) as is_guest,
        coalesce(person.deleted, false) as is_deleted,
        link.profile_id,
        link.method,
        link.key_type,
        link.confidence,
        link.linked_at
    from raw_person as person
    full outer join raw_identity_link as link
        on link.source = person.source
        and link.source_id = person.source_id
)

select
    party.source,
    party.person_id,
    party.kind,
    party.is_guest,
    party.is_deleted,
    party.profile_id,
    party.method,
    party.key_type,
    party.confidence,
    party.linked_at,
    case
        when party.kind <> 'customer' or party.is_test then 'dropped'
        when permitted.profile_id is null then 'excluded'
        else 'kept'
    end as standing
from party
left join permitted_profile as permitted
    on permitted.profile_id = party.profile_id
