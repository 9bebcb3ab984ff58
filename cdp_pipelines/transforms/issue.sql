-- Grain: one row per issue: what one person needed help with, over one or more tickets.
-- Inputs: issue_ticket, touch, solve, clock. With tickets as the only touches every issue is assisted.
-- resolved_at: the last solve that was not undone within 7 days, once every ticket of the issue has one; else null.
-- hours: from opening to resolution; for an open issue the hours so far, with is_resolved = 0.
-- related_at: when the same person opened the next issue whose topic is the same, or unknown of either, at most 7 days
-- after the resolution; null if none. same_topic_at: the same for a known and equal topic, counted from the last
-- touch where the issue is open. Issues of nobody identifiable cannot be followed: they have neither.
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
        max(list_max(touch.touched_at)) as last_touch_at,
        max(member.issue_topic) as topic,
        max(touch.profile_id) as profile_id,
        min(member.place) as first_place,
        count(*) as n_tickets,
        sum(touch.n_contacts) as n_contacts,
        max(touch.agent_touched) as agent_touched,
        case when count(lasting.resolved_at) = count(*) then max(lasting.resolved_at) end as resolved_at
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
),

followed as (
    select
        whole.folder,
        whole.issue_number,
        min(
            case
                when later.opened_at <= whole.resolved_at + interval 7 day
                    and coalesce(later.topic = whole.topic, true)
                    then later.opened_at
            end
        ) as related_at,
        min(case when later.topic = whole.topic then later.opened_at end) as same_topic_at
    from whole
    join whole as later
        on later.folder = whole.folder
        and later.issue_number > whole.issue_number
        and later.opened_at <= coalesce(whole.resolved_at, whole.last_touch_at) + interval 7 day
    where whole.profile_id is not null
    group by
        whole.folder,
        whole.issue_number
)

select
    concat(first.source, '/', first.ticket_id) as issue_id,
    whole.folder,
    whole.issue_number,
    whole.profile_id,
    first.source,
    first.channel as first_channel,
    whole.topic,
    'assisted' as mode,
    whole.opened_at,
    whole.last_touch_at,
    whole.resolved_at,
    case when whole.resolved_at is null then 0 else 1 end as is_resolved,
    whole.n_tickets,
    whole.n_contacts,
    whole.agent_touched,
    followed.related_at,
    followed.same_topic_at,
    (epoch(coalesce(whole.resolved_at, clock.as_of)) - epoch(whole.opened_at)) / 3600 as hours
from whole
join touch as first
    on first.folder = whole.folder
    and first.place = whole.first_place
left join followed
    on followed.folder = whole.folder
    and followed.issue_number = whole.issue_number
cross join clock
where whole.opened_at <= clock.as_of
