-- Grain: one row per profile and purpose that it decided about. Input: profile_decision (rows of profile_consent).
-- is_granted: a grant stands. is_refused: a general refusal was made and not ended. The rules are those of privacy/consent.py,
-- which a property test holds this statement to.
with refusal as (
    select *
    from profile_decision
    where state <> 'granted'
),

standing as (
    select distinct
        given.profile_id,
        given.purpose
    from profile_decision as given
    where given.state = 'granted'
        and not exists (
            select 1
            from refusal
            where refusal.profile_id = given.profile_id
                and refusal.purpose = given.purpose
                and (
                    refusal.scope = 'all'
                    or (
                        refusal.scope = given.scope
                        and (
                            refusal.channel = given.channel
                            or refusal.channel = 'all'
                            or given.channel = 'all'
                        )
                    )
                )
                and (refusal.ended_at is null or given.at <= refusal.ended_at)
                and not (
                    given.at > refusal.at
                    and (
                        not given.inferred
                        or (given.source = refusal.source and given.record is not distinct from refusal.record)
                    )
                    and (
                        refusal.channel = given.channel
                        or refusal.channel = 'all'
                        or given.channel = 'all'
                    )
                )
        )
)

select
    decision.profile_id,
    decision.purpose,
    standing.profile_id is not null as is_granted,
    max(
        case when decision.state <> 'granted' and decision.scope = 'all' and decision.ended_at is null then 1 else 0 end
    ) = 1 as is_refused
from profile_decision as decision
left join standing
    on standing.profile_id = decision.profile_id
    and standing.purpose = decision.purpose
group by
    decision.profile_id,
    decision.purpose,
    standing.profile_id
