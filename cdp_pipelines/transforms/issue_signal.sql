-- Grain: one row per issue. Inputs: issue, issue_ticket, survey_answer.
-- negative_signal: 1 if an answer about one of its tickets was dissatisfied or called it hard (ease of 3 or less on the
-- scale from 1 to 7), or if the same topic came up again within 7 days.
with complained as (
    select
        member.folder,
        member.issue_number
    from issue_ticket as member
    join survey_answer as answer
        on answer.source = member.source
        and answer.ticket_id = member.ticket_id
    where (answer.instrument = 'CSAT' and answer.dissatisfied = 1)
        or (
            answer.instrument = 'CES'
            and answer.scale_max > answer.scale_min
            and 1 + 6 * (answer.upright - answer.scale_min) / (answer.scale_max - answer.scale_min) <= 3
        )
    group by
        member.folder,
        member.issue_number
)

select
    issue.issue_id,
    issue.profile_id,
    case
        when complained.folder is not null or issue.same_topic_at is not null then 1
        else 0
    end as negative_signal
from issue
left join complained
    on complained.folder = issue.folder
    and complained.issue_number = issue.issue_number
