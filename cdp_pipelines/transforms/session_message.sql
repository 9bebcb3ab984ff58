-- Grain: one row per message of a ticket. Inputs: raw_message (lake, current rows), staged_ticket, party.
-- A message is about the person who asked, whoever wrote it. actor: what the message says itself, else what the
-- author's record is. A message whose ticket is not there is about somebody unknown: excluded.
select
    message.source,
    message.source_id as message_id,
    message.ticket_id,
    ticket.profile_id,
    message.at,
    coalesce(
        message.actor,
        case author.kind
            when 'staff' then 'agent'
            when 'bot' then 'bot'
            when 'customer' then 'customer'
        end
    ) as actor,
    message.is_public,
    message.channel,
    coalesce(ticket.standing, 'excluded') as standing
from raw_message as message
left join staged_ticket as ticket
    on ticket.source = message.source
    and ticket.ticket_id = message.ticket_id
left join party as author
    on author.source = message.source
    and author.person_id = message.author_id
