-- Grain: one row per consent decision of a profile. Inputs: raw_consent_event (from the ledger, already keyed by
-- profile), permitted_profile.
select
    event.profile_id,
    event.purpose,
    event.channel,
    event.scope,
    event.state,
    event.at,
    event.inferred,
    case
        when permitted.profile_id is null then 'excluded'
        else 'kept'
    end as standing
from raw_consent_event as event
left join permitted_profile as permitted
    on permitted.profile_id = event.profile_id
