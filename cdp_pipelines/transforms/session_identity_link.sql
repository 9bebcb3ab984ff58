-- Grain: one row per person record of a source, without the record's id. Inputs: party.
-- is_guest: made from a guest's order, no record the source itself keeps. is_deleted: the source has deleted it, or
-- merged it into another one.
select
    source,
    profile_id,
    method,
    key_type,
    confidence,
    linked_at,
    is_guest,
    is_deleted,
    standing
from party
where profile_id is not null
