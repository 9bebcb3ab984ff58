-- Grain: one row per organisation record of a source. Inputs: raw_account (lake, current rows).
-- A sole trader's organisation is a person nobody has linked, so the state of nobody identifiable applies.
select
    source,
    source_id as account_id,
    created_at,
    industry,
    employees,
    region,
    'nobody' as standing
from raw_account
