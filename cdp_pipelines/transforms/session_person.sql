-- Grain: one row per person record of a source that the source still has.
-- Inputs: raw_person (lake, current rows, deleted ones too), party.
select
    person.source,
    party.profile_id,
    person.created_at,
    person.region,
    person.locale,
    person.acquisition_channel,
    person.lifecycle_stage,
    person.account_id,
    coalesce(person.is_guest, false) as is_guest,
    party.standing
from raw_person as person
join party
    on party.source = person.source
    and party.person_id = person.source_id
where not person.deleted
