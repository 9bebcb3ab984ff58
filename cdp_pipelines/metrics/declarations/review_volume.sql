-- Unit: a review. Input: review.
select
    review.at,
    profile_id,
    platform
from review
