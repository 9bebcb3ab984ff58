-- Unit: a valid order, with the year of its buyer's first one. Input: valid_order.
select
    placed_at as at,
    profile_id,
    case
        when profile_id is not null then year(
            min(day) over (
                partition by profile_id
            )
        )
    end as acquisition_cohort
from valid_order
