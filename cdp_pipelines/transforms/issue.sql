-- Grain: one row per issue: what one person needed help with, over one or more tickets.
-- Inputs: issue_ticket, touch, solve, clock. With tickets as the only touches every issue is assisted.
-- resolved_at: the last solve that was not undone within 7 days, once every ticket of the issue has one; else null.
-- hours: from opening to resolution; for an open issue the hours so far, with is_resolved = 0.
with lasting as (
    select
        source,
        ticket_id,
        max(solved_at) as resolved_at
    from solve
    where reopened_at is null
        or reopened_at > solved_at + interval 7 day
    group by
        source,
        ticket_id
),

whole as (
    select
        member.folder,
        member.issue_number,
        min(touch.created_at) as opened_at,
        max(member.issue_topic) as topic,
        max(touch.profile_id) as profile_id,
        min(member.place) as first_place,
        count(*) as n_tickets,
        count(lasting.resolved_at) as n_resolved,
        max(lasting.resolved_at) as last_resolved_at
    from issue_ticket as member
    join touch
        on touch.source = member.source
        and touch.ticket_id = member.ticket_id
    left join lasting
        on lasting.source = member.source
        and lasting.ticket_id = member.ticket_id
    group by
        member.folder,
        member.issue_number
)

select
    whole.profile_id,
    first.source,
    first.channel as first_channel,
    whole.topic,
    'assisted' as mode,
    whole.opened_at,
    case when whole.n_resolved = whole.n_tickets then whole.last_resolved_at end as resolved_at,
    case when whole.n_resolved = whole.n_tickets then 1 else 0 end as is_resolved,
    whole.n_tickets,
    (
        epoch(
            case when whole.n_resolved = whole.n_tickets then whole.last_resolved_at else clock.as_of end
        ) - epoch(whole.opened_at)
    ) / 3600 as hours
from whole
join touch as first
    on first.folder = whole.folder
    and first.place = whole.first_place
cross join clock
where whole.opened_at <= clock.as_of
