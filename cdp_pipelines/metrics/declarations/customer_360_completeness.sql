-- Unit: a change of one person in one slice: x of blocks filled, n of blocks that could be, persons of being known;
-- profiles: the same, over all slices once.
-- A block is enabled once any person has it filled; it is filled from the first such fact of the person on.
-- identity: a record that a source keeps, more than the address on a guest's order. consent: a decision. orders: a
-- valid order. service: a ticket. feedback: an answer to a survey, or a review.
-- Inputs: person, consent_event, order, ticket, survey_response, review, clock.
with fact as (
    select person.profile_id, 'identity' as block, coalesce(person.created_at, clock.as_of) as since
    from person
    cross join clock
    where not person.is_guest
    union all
    select profile_id, 'consent' as block, consent_event.at as since
    from consent_event
    union all
    select profile_id, 'orders' as block, placed_at as since
    from "order"
    where is_valid
    union all
    select profile_id, 'service' as block, created_at as since
    from ticket
    union all
    select profile_id, 'feedback' as block, answered_at as since
    from survey_response
    union all
    select profile_id, 'feedback' as block, review.at as since
    from review
),

filled as (
    select
        fact.profile_id,
        fact.block,
        min(fact.since) as since
    from fact
    cross join clock
    where fact.profile_id is not null
        and fact.since <= clock.as_of
    group by
        fact.profile_id,
        fact.block
),

known as (
    select
        person.profile_id,
        least(min(coalesce(person.created_at, clock.as_of)), min(filled.since)) as since
    from person
    cross join clock
    left join filled
        on filled.profile_id = person.profile_id
    where person.profile_id is not null
    group by person.profile_id
),

enabled as (
    select distinct block
    from filled
)

select
    filled.since as at,
    filled.profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    1 as x,
    0 as n,
    0 as persons,
    0 as profiles
from filled
join known
    on known.profile_id = filled.profile_id

union all

select
    filled.since as at,
    filled.profile_id,
    'all' as channel,
    'block' as slice_name,
    filled.block as slice_value,
    1 as x,
    0 as n,
    0 as persons,
    0 as profiles
from filled
join known
    on known.profile_id = filled.profile_id

union all

select
    known.since as at,
    known.profile_id,
    'all' as channel,
    'all' as slice_name,
    'all' as slice_value,
    0 as x,
    count(*) as n,
    1 as persons,
    1 as profiles
from known
cross join enabled
group by
    known.since,
    known.profile_id

union all

select
    known.since as at,
    known.profile_id,
    'all' as channel,
    'block' as slice_name,
    enabled.block as slice_value,
    0 as x,
    1 as n,
    1 as persons,
    0 as profiles
from known
cross join enabled
