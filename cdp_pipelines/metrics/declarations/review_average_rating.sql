-- Unit: a review with a rating, on the scale from 1 to 5. Input: review.
select
    review.at,
    profile_id,
    platform,
    1 + 4 * (rating - 1) / (rating_max - 1) as value
from review
where rating between 1 and rating_max
    and rating_max > 1
