-- Grain: one row per whom a survey may name: a person record, or a ticket where no person is named.
-- Inputs: party, staged_ticket.
select
    source,
    true as is_person,
    person_id as id,
    profile_id,
    standing
from party
union all
select
    source,
    false as is_person,
    ticket_id as id,
    profile_id,
    standing
from staged_ticket
