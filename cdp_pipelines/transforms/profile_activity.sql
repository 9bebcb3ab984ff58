-- Grain: one row per profile that ordered, asked for help, answered a survey or wrote a review under its own record.
-- Inputs: order_net, refund_net, ticket, issue, survey_response, review, clock.
-- Days are local. Amounts are in the base currency and null where a rate is missing; aov is before refunds.
-- open_tickets: not solved, no spam, no duplicate merged into another one.
with today as (
    select cast(timezone(time_zone, as_of) as date) as day
    from clock
),

sold as (
    select
        bought.profile_id,
        min(bought.placed_at) as first_order_at,
        max(bought.placed_at) as last_order_at,
        count(*) as orders,
        sum(case when bought.day > today.day - 365 then 1 else 0 end) as orders_365,
        min(bought.has_rate) as has_rate,
        min(case when bought.day > today.day - 365 then bought.has_rate end) as has_rate_365,
        sum(bought.amount_base) as amount,
        sum(case when bought.day > today.day - 365 then bought.amount_base end) as amount_365
    from order_net as bought
    cross join today
    where bought.profile_id is not null
    group by bought.profile_id
),

paid_back as (
    select
        refund.profile_id,
        min(refund.has_rate) as has_rate,
        min(case when refund.day > today.day - 365 then refund.has_rate end) as has_rate_365,
        sum(refund.amount_base) as amount,
        sum(case when refund.day > today.day - 365 then refund.amount_base end) as amount_365
    from refund_net as refund
    cross join today
    group by refund.profile_id
),

asked as (
    select
        profile_id,
        sum(
            case
                when status in ('new', 'open', 'pending', 'hold') and merged_into is null and not is_spam then 1
                else 0
            end
        ) as open_tickets
    from ticket
    group by profile_id
),

helped as (
    select
        issue.profile_id,
        sum(
            case when cast(timezone(clock.time_zone, issue.opened_at) as date) > today.day - 90 then 1 else 0 end
        ) as issues_90,
        max(issue.last_touch_at) as last_contact_at
    from issue
    cross join clock
    cross join today
    group by issue.profile_id
),

answered as (
    select
        profile_id,
        count(*) as answers
    from survey_response
    group by profile_id
),

wrote as (
    select
        profile_id,
        count(*) as reviews
    from review
    group by profile_id
),

known as (
    select profile_id from sold
    union
    select profile_id from asked
    union
    select profile_id from answered
    union
    select profile_id from wrote
)

select
    known.profile_id,
    sold.first_order_at,
    sold.last_order_at,
    sold.orders_365,
    case
        when coalesce(sold.has_rate_365, 1) = 1 and coalesce(paid_back.has_rate_365, 1) = 1
            then coalesce(sold.amount_365, 0) - coalesce(paid_back.amount_365, 0)
    end as net_revenue_365,
    case when sold.has_rate = 1 then sold.amount / sold.orders end as aov,
    case
        when sold.has_rate = 1 and coalesce(paid_back.has_rate, 1) = 1
            then sold.amount - coalesce(paid_back.amount, 0)
    end as net_revenue,
    helped.last_contact_at,
    asked.open_tickets,
    helped.issues_90,
    wrote.reviews,
    sold.profile_id is not null as has_orders,
    asked.profile_id is not null as has_service,
    answered.profile_id is not null or wrote.profile_id is not null as has_feedback
from known
left join sold
    on sold.profile_id = known.profile_id
left join paid_back
    on paid_back.profile_id = known.profile_id
left join asked
    on asked.profile_id = known.profile_id
left join helped
    on helped.profile_id = known.profile_id
left join answered
    on answered.profile_id = known.profile_id
left join wrote
    on wrote.profile_id = known.profile_id
where known.profile_id is not null
