-- Unit: a review, with the hours until the business replied, or until now. Inputs: review, clock.
select
    review.at,
    profile_id,
    platform,
    greatest((epoch(coalesce(reply_at, clock.as_of)) - epoch(review.at)) / 3600, 0) as value,
    case when reply_at is null then 0 else 1 end as observed
from review
cross join clock
