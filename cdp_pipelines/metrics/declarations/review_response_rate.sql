-- Unit: a review; x says that the business replied within 7 days. Bands are thirds of the scale: low, middle, high.
-- Input: review.
select
    review.at,
    profile_id,
    platform,
    case
        when (rating - 1) * 3 < rating_max - 1 then 'low'
        when (rating - 1) * 3 <= 2 * (rating_max - 1) then 'middle'
        when rating is not null then 'high'
    end as rating_band,
    case when reply_at <= review.at + interval 7 day then 1 else 0 end as x
from review
