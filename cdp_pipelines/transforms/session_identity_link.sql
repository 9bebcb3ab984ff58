-- Grain: one row per person record of a source, without the record's id. Inputs: party.
select
    source,
    profile_id,
    method,
    key_type,
    confidence,
    linked_at,
    standing
from party
where profile_id is not null
