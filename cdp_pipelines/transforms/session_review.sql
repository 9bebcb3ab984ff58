-- Grain: one row per review of a platform. Inputs: raw_review (lake, current rows), party.
-- A review whose platform names no person is about nobody identifiable.
select
    review.source,
    review.source_id as review_id,
    party.profile_id,
    review.platform,
    review.location,
    review.at,
    review.updated_at,
    review.rating,
    review.rating_max,
    review.reply_at,
    review.is_anonymous,
    case
        when review.person_id is null then 'nobody'
        else coalesce(party.standing, 'excluded')
    end as standing
from raw_review as review
left join party
    on party.source = review.source
    and party.person_id = review.person_id
