-- Grain: one row per customer record that has a profile. Inputs: raw_person (lake, current rows, deleted ones too),
-- raw_identity_link, source_priority (source, priority: the order of the sources in the settings).
-- place orders the records of a profile for the golden record: source priority, then the record changed last, then
-- its key. The value of a field is that of the first living record that has one; has_* say so without reading it.
select
    link.profile_id,
    person.source,
    person.source_id,
    not person.deleted as is_alive,
    coalesce(person.is_guest, false) as is_guest,
    row_number() over (
        partition by link.profile_id
        order by
            coalesce(source_priority.priority, 1000),
            person.version_at desc,
            person.source,
            person.source_id
    ) as place,
    person.created_at,
    person.account_id,
    person.locale,
    person.region,
    person.acquisition_channel,
    person.lifecycle_stage,
    person.given_name is not null as has_given_name,
    person.family_name is not null as has_family_name,
    person.full_name is not null as has_full_name,
    person.email is not null as has_email,
    person.phone is not null as has_phone,
    person.street is not null as has_street,
    person.postal_code is not null as has_postal_code,
    person.city is not null as has_city,
    person.locale is not null as has_locale,
    person.region is not null as has_region,
    person.account_id is not null as has_account_id,
    person.acquisition_channel is not null as has_acquisition_channel,
    person.lifecycle_stage is not null as has_lifecycle_stage
from raw_person as person
join raw_identity_link as link
    on link.source = person.source
    and link.source_id = person.source_id
left join source_priority
    on source_priority.source = person.source
where person.kind = 'customer'
    and not person.is_test
