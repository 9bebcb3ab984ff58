-- Grain: one row per run of an automation. Inputs: raw_automation_run (lake, current rows). About nobody.
select
    source,
    source_id as automation_run_id,
    process,
    root_run_id,
    retry_of,
    retry_kind,
    manual_touch,
    started_at,
    stopped_at,
    status,
    error_class,
    units,
    'kept' as standing
from raw_automation_run
