-- Grain: one row per logical run: all attempts with the same root. Input: automation_run.
-- Only terminal ones: those whose last attempt is over. ended_at: when that attempt stopped. seconds: from the
-- start of the first attempt to the end of the last. Flags are 0 or 1.
with attempt as (
    select
        source,
        root_run_id,
        process,
        started_at,
        coalesce(stopped_at, started_at) as ended_at,
        status,
        case when status in ('error', 'crashed') then 1 else 0 end as is_error,
        case when retry_kind = 'manual' or manual_touch then 1 else 0 end as is_manual,
        row_number() over (
            partition by source, root_run_id
            order by started_at desc, automation_run_id desc
        ) as place
    from automation_run
),

chain as (
    select
        source,
        root_run_id,
        min(started_at) as started_at,
        max(case when place = 1 then ended_at end) as ended_at,
        max(case when place = 1 then status end) as last_status,
        max(case when place = 1 then process end) as process,
        max(is_error) as has_error,
        max(is_manual) as is_manual
    from attempt
    group by
        source,
        root_run_id
)

select
    source,
    root_run_id,
    process,
    started_at,
    ended_at,
    epoch(ended_at) - epoch(started_at) as seconds,
    case when last_status = 'success' then 1 else 0 end as is_success,
    has_error,
    is_manual,
    case when last_status = 'success' and has_error = 0 and is_manual = 0 then 1 else 0 end as is_clean
from chain
where last_status in ('success', 'error', 'crashed', 'canceled')
