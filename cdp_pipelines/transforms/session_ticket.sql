-- Grain: one row per ticket. Inputs: raw_ticket (lake, current rows), party.
-- opened_by_customer: false where staff opened it on their own initiative. Staff who write down a call or a visit
-- open it for the customer. is_assigned: a person among the staff, no bot, has taken it on.
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
    ticket.assignee_id is not null
    and coalesce(assignee.kind, 'staff') <> 'bot' as is_assigned,
    not coalesce(
        submitter.kind = 'staff'
        and ticket.submitter_id is distinct from ticket.requester_id
        and coalesce(ticket.channel, 'other') not in ('phone', 'in_store'),
        false
    ) as opened_by_customer,
    case
        when ticket.requester_id is null then 'nobody'
        else coalesce(party.standing, 'excluded')
    end as standing
from raw_ticket as ticket
left join party
    on party.source = ticket.source
    and party.person_id = ticket.requester_id
left join party as submitter
    on submitter.source = ticket.source
    and submitter.person_id = ticket.submitter_id
left join party as assignee
    on assignee.source = ticket.source
    and assignee.person_id = ticket.assignee_id
