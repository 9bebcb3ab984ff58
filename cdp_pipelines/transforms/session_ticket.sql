-- Grain: one row per ticket. Inputs: raw_ticket (lake, current rows), party.
select
    ticket.source,
    ticket.source_id as ticket_id,
    party.profile_id,
    ticket.account_id,
    ticket.created_at,
    ticket.status,
    ticket.channel,
    ticket.priority,
    ticket.topic,
    ticket.solved_at,
    ticket.reopen_count,
    ticket.is_spam,
    ticket.merged_into,
    case
        when ticket.requester_id is null then 'nobody'
        else coalesce(party.standing, 'excluded')
    end as standing
from raw_ticket as ticket
left join party
    on party.source = ticket.source
    and party.person_id = ticket.requester_id
