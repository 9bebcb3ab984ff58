-- Grain: one row per customer's ticket, with the number of its issue among the issues of its person. Input: touch.
-- The tickets of a person are folded in the order they were opened: a ticket joins the open issue if it comes at
-- most 72 hours after the last touch of the issue before it, and its topic is the issue's or one of the two is
-- unknown. An issue takes the first topic it learns. What is written on a ticket belongs to the ticket's issue.
with recursive folded as (
    select
        touch.folder,
        touch.place,
        1 as issue_number,
        touch.topic as issue_topic,
        touch.touched_at as issue_touched_at
    from touch
    where touch.place = 1

    union all

    select
        touch.folder,
        touch.place,
        case
            when fits.joins then fits.issue_number
            else fits.issue_number + 1
        end as issue_number,
        case
            when fits.joins then coalesce(fits.issue_topic, touch.topic)
            else touch.topic
        end as issue_topic,
        case
            when fits.joins then list_concat(fits.issue_touched_at, touch.touched_at)
            else touch.touched_at
        end as issue_touched_at
    from (
        select
            folded.folder,
            folded.place,
            folded.issue_number,
            folded.issue_topic,
            folded.issue_touched_at,
            coalesce(folded.issue_topic = next.topic, true)
            and next.created_at <= list_max(
                list_filter(folded.issue_touched_at, lambda touched: touched <= next.created_at)
            ) + interval 72 hour as joins
        from folded
        join touch as next
            on next.folder = folded.folder
            and next.place = folded.place + 1
    ) as fits
    join touch
        on touch.folder = fits.folder
        and touch.place = fits.place + 1
)

select
    touch.source,
    touch.ticket_id,
    touch.folder,
    touch.place,
    folded.issue_number,
    folded.issue_topic
from folded
join touch
    on touch.folder = folded.folder
    and touch.place = folded.place
