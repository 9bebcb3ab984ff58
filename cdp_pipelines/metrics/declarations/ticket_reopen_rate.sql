-- Unit: a ticket, at its first solve. Input: solve.
with numbered as (
    select
        profile_id,
        source,
        channel,
        solved_at,
        reopened_at,
        row_number() over (
            partition by source, ticket_id
            order by solved_at
        ) as place
    from solve
)

select
    solved_at as at,
    profile_id,
    source,
    channel,
    case when reopened_at <= solved_at + interval 14 day then 1 else 0 end as x
from numbered
where place = 1
