# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""The life of tickets: opened, answered, solved, reopened, closed, rated, merged, deleted."""

from collections.abc import Iterator
from random import Random

from sandbox import text
from sandbox.records import Audit, Rating, Ticket, User
from sandbox.spelling import pick
from sandbox.zendesk_records import ZendeskData, language

HOUR = 3600
SYSTEM_AUTHOR = -1
"""The author of comments that rules write."""

_CHANNELS = ("email", "email", "web", "web", "native_messaging", "api")
_BAD_GOOD = ("good", "good", "good", "bad")
_AGENT_OPENS = 25
"""Of this many tickets, agents open one on their own initiative."""
Step = tuple[float, str, tuple[str, ...], str | None]


def add_ticket(data: ZendeskData, rng: Random, user: User, at: int, end: int, *, csat: str) -> Ticket:
    """Open a ticket of ``user`` at ``at`` and let it live until ``end`` (epoch s)."""
    data.last_ticket_id += 1
    number = data.last_ticket_id
    lang = language(user.person)
    by_agent = number % _AGENT_OPENS == 0
    reference = f"{number:06}-{int(rng.random() * 900) + 100}"
    ticket = Ticket(
        id=number,
        subject=pick(rng, text.SUBJECTS[lang]).format(n=reference),
        number=reference,
        status="new",
        requester_id=user.id,
        assignee_id=pick(rng, data.agents),
        channel=pick(rng, ("web",) if by_agent else _CHANNELS),
        created=at,
        updated=at,
        generated=at,
        organization_id=user.organization_id,
        opened_by_agent=by_agent,
    )
    data.tickets[number] = ticket
    data.tickets_of.setdefault(user.id, []).append(ticket)
    say(data, rng, ticket, at, *(("agent", text.OUTREACH) if by_agent else ("customer", text.OPENINGS[lang])))
    _live(data, rng, ticket, _story(rng, lang), end, csat)
    return ticket


def _live(data: ZendeskData, rng: Random, ticket: Ticket, story: Iterator[Step], end: int, csat: str) -> None:
    at = ticket.created
    for delay, actor, texts, status in story:
        at += 1 + int(delay)
        if at > end:
            break
        say(data, rng, ticket, at, actor, texts, status=status)
        if status == "solved" and ticket.rating is None:
            offer_rating(data, rng, ticket, at, end, csat=csat)
    # Vendors' own jobs touch tickets later without moving updated_at.
    drift = int(rng.random() * 20 * HOUR) if rng.random() < 0.03 else 0
    ticket.generated = max(ticket.generated, min(end, ticket.updated + drift))


def _story(rng: Random, lang: str) -> Iterator[Step]:
    random = rng.random
    if random() < 0.2:
        yield 5, "rule", (text.RULE_TEXT,), None
    if random() < 0.08:
        yield 30, "bot", (text.BOT_TEXT,), None
    yield rng.expovariate(1 / (5 * HOUR)), "agent", text.REPLIES, "pending" if random() < 0.6 else "open"
    if random() < 0.15:
        yield 600, "note", text.NOTES, None
    if random() < 0.3:
        yield rng.expovariate(1 / (20 * HOUR)), "customer", text.FOLLOW_UPS[lang], "open"
    if random() < 0.12:
        return
    solving = text.REPLIES if random() < 0.3 else ()
    yield rng.expovariate(1 / (30 * HOUR)), "agent", solving, "solved"
    if random() < 0.1:
        yield rng.expovariate(1 / (24 * HOUR)), "customer", text.FOLLOW_UPS[lang], "open"
        yield rng.expovariate(1 / (16 * HOUR)), "agent", text.REPLIES, "solved"
    yield 96 * HOUR, "rule", (), "closed"


def say(
    data: ZendeskData,
    rng: Random,
    ticket: Ticket,
    at: int,
    actor: str,
    texts: tuple[str, ...],
    *,
    status: str | None = None,
) -> None:
    """Record what ``actor`` (customer, agent, note, bot, rule) writes at ``at`` and the status that follows."""
    data.last_audit_id += 10
    author, channel = _voice(data, ticket, actor)
    audit = Audit(data.last_audit_id, ticket.id, at, author, channel, public=actor != "note")
    if texts:
        audit.body = pick(rng, texts).format_map(_values(data, ticket))
    if actor == "customer" or not ticket.audits:
        audit.ip = f"198.18.{int(rng.random() * 256)}.{int(rng.random() * 256)}"
    if status and status != ticket.status:
        audit.before, audit.after = ticket.status, status
        ticket.status = status
    ticket.audits.append(audit)
    data.audits.append(audit)
    ticket.updated = ticket.generated = at


def _voice(data: ZendeskData, ticket: Ticket, actor: str) -> tuple[int, str]:
    if actor == "customer":
        return ticket.requester_id, ticket.channel
    if actor == "rule":
        return SYSTEM_AUTHOR, "rule"
    return (data.bots[0], "api") if actor == "bot" else (ticket.assignee_id, "web")


def _values(data: ZendeskData, ticket: Ticket) -> dict[str, str]:
    person = data.users[ticket.requester_id].person
    if person is None:
        return {"name": "n/a", "phone": "n/a", "email": "n/a", "address": "n/a", "n": ticket.number}
    return {
        "name": person.name,
        "phone": person.phone,
        "email": person.email,
        "address": person.address,
        "n": ticket.number,
    }


def offer_rating(data: ZendeskData, rng: Random, ticket: Ticket, at: int, end: int, *, csat: str) -> None:
    """Ask for a rating when a ticket is solved; four in ten answer, if there is time until ``end``."""
    if rng.random() > 0.8:
        return
    data.last_rating_id += 10
    rating = Rating(data.last_rating_id, ticket.id, ticket.requester_id, ticket.assignee_id, "offered", at, at)
    answered_at = at + HOUR + int(rng.expovariate(1 / (10 * HOUR)))
    if rng.random() < 0.4 and answered_at <= end:
        answer_rating(data, rng, ticket, rating, answered_at)
    if csat == "legacy" or rating.stars:
        ticket.rating = rating
        data.ratings.append(rating)


def answer_rating(data: ZendeskData, rng: Random, ticket: Ticket, rating: Rating, at: int) -> None:
    """The requester's answer; the rating keeps its id, the vendor's job moves only the ticket's generated time."""
    rating.score = pick(rng, _BAD_GOOD)
    rating.stars = 4 + int(rng.random() * 2) if rating.score == "good" else 1 + int(rng.random() * 3)
    if rng.random() < 0.4:
        rating.comment = pick(rng, text.RATING_COMMENTS).format_map(_values(data, ticket))
    rating.updated = at
    ticket.generated = max(ticket.generated, at)


def merge_tickets(data: ZendeskData, source: Ticket, target: Ticket, at: int) -> None:
    """Close ``source`` in favour of ``target``: a comment, a status change and nothing that redirects the id."""
    data.last_audit_id += 10
    audit = Audit(data.last_audit_id, source.id, at, source.assignee_id, "merge", public=False)
    audit.body = text.MERGE_TEXT.format(target=target.id, **_values(data, source))
    audit.before, audit.after = source.status, "closed"
    source.status, source.updated, source.generated = "closed", at, at
    source.audits.append(audit)
    data.audits.append(audit)


def delete_ticket(ticket: Ticket, at: int) -> None:
    """Soft-delete: the export keeps the ticket with status ``deleted``."""
    ticket.status_before_deletion, ticket.status = ticket.status, "deleted"
    ticket.updated = ticket.generated = at
