"""From consent decisions to what is permitted. Pure functions; the ledger itself is kept by the database.

Rules, for one person, purpose, channel and scope:

- A decision covers a question if it is as general or names the same channel and scope. A withdrawal for all
  covers every channel and scope; a withdrawal of one newsletter covers that newsletter alone.
- A refusal (denied or withdrawn) stands until a *later* grant lifts it. On equal times the refusal stands.
- Only a grant at most as general as the refusal lifts it: "everything" does not undo an earlier "not by
  e-mail", because it does not say so. What cannot be decided is excluded.
- A grant whose time is only when we first saw it (``inferred``) lifts refusals of its own record alone: what the
  source says of it changed between two looks. Against another record or source its true time is unknown.
- A source may end a refusal without a grant (a flag that says "opted out" is false again): then nothing stands, and
  what the refusal took back before it ended stays taken back.
- No decision: the policy of the person's jurisdiction answers, and the state is ``default``, never ``granted``.

That answers whether somebody may be written to (``effective_state``). Whether data may be used for a purpose
(``permitted``) looks at all channels and scopes of the purpose together:

- A general refusal (scope ``all``, whatever its channel) takes back every grant; a refusal of one scope takes back
  that scope alone. A later grant stands if its channel and the refusal's are the same or one of them is ``all``.
- The purpose is permitted while any grant stands, or while there is no general refusal that was not ended and the
  policy permits it.

So a withdrawal that is added can only narrow what is permitted.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal, Self, get_args

from models.consent import Purpose
from privacy.errors import UnknownJurisdictionError, UnknownPurposeError

ALL: Final = "all"
PURPOSES: Final[tuple[str, ...]] = get_args(Purpose)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """One recorded decision of one person.

    Attributes:
        purpose: What the data may or may not be used for.
        channel: The channel it is about, or ``all``.
        scope: The subscription or topic it is about, or ``all``.
        state: The decision.
        at: When it was made; when it was first seen if ``inferred``.
        source: The system that reports it.
        record: The source's record it is about; ``None`` if it names an address alone.
        inferred: The time is that of the first sight.
        policy_version: Version of the notice that was shown, where known.
        ended_at: When the source took a refusal back without a grant.
    """

    purpose: str
    channel: str = ALL
    scope: str = ALL
    state: Literal["granted", "denied", "withdrawn"]
    at: datetime
    source: str
    record: str | None = None
    inferred: bool = False
    policy_version: str | None = None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EffectiveState:
    """What holds for a person, and from which decision.

    Attributes:
        purpose: The purpose asked about.
        channel: The channel asked about, or ``all``.
        scope: The scope asked about, or ``all``.
        state: The decision that holds; ``default`` if there is none.
        since: Its time; ``None`` for ``default``.
        source: The system that reported it; ``None`` for ``default``.
        inferred: Its time is that of the first sight.
        permitted: Whether the data may be used.
        is_default: The policy answered, not the person.
        policy_version: Version of the notice that was shown, where known.
    """

    purpose: str
    channel: str
    scope: str
    state: Literal["granted", "denied", "withdrawn", "default"]
    since: datetime | None
    source: str | None
    inferred: bool
    permitted: bool
    is_default: bool
    policy_version: str | None


@dataclass(frozen=True, slots=True)
class Policy:
    """What is permitted while a person has decided nothing.

    Attributes:
        jurisdiction: Where it is meant for.
        unless_objected: Purposes permitted without a decision; the others need a grant.
    """

    jurisdiction: str
    unless_objected: frozenset[str]

    @classmethod
    def for_jurisdiction(cls, jurisdiction: str) -> Self:
        """The policy shipped for ``jurisdiction``.

        Raises:
            UnknownJurisdictionError: None is shipped.
        """
        if jurisdiction not in JURISDICTIONS:
            raise UnknownJurisdictionError(
                f"Choosing the consent policy: there is none for {jurisdiction!r}, and guessing one could permit what "
                f"is forbidden. Set the jurisdiction to one of: {', '.join(JURISDICTIONS)}"
            )
        return cls(jurisdiction, frozenset({"service_delivery", "analytics"}))

    def permits_unknown(self, purpose: str) -> bool:
        """Whether ``purpose`` is permitted for somebody who decided nothing.

        Raises:
            UnknownPurposeError: It is not one of the purposes.
        """
        return _known(purpose) in self.unless_objected


JURISDICTIONS: Final = ("EU", "UK", "CH", "US")
"""Jurisdictions with a shipped policy. All have the strictest of them, until somebody states otherwise."""


def effective_state(
    decisions: Iterable[Decision],
    purpose: str,
    *,
    channel: str = ALL,
    scope: str = ALL,
    policy: Policy,
    as_of: datetime | None = None,
) -> EffectiveState:
    """What holds for the person who made ``decisions``, as known at ``as_of`` (``None``: with all of them).

    Raises:
        UnknownPurposeError: ``purpose`` is not one of the purposes.
    """
    asked = _known(purpose)
    covering = [
        decision
        for decision in _known_at(decisions, as_of)
        if decision.purpose == asked and decision.channel in (ALL, channel) and decision.scope in (ALL, scope)
    ]
    refusals = [decision for decision in covering if decision.state != "granted"]
    grants = [one for one in covering if one.state == "granted" and not _ended_with(one, refusals)]
    open_refusals = [refusal for refusal in refusals if refusal.ended_at is None]
    standing = [refusal for refusal in open_refusals if not any(_lifts(grant, refusal) for grant in grants)]
    deciding = max(standing or grants, key=_order, default=None)
    if deciding is None:
        return _default(asked, channel, scope, policy)
    return EffectiveState(
        purpose=asked,
        channel=channel,
        scope=scope,
        state=deciding.state,
        since=deciding.at,
        source=deciding.source,
        inferred=deciding.inferred,
        permitted=not standing,
        is_default=False,
        policy_version=deciding.policy_version,
    )


def permitted(
    decisions: Iterable[Decision], purpose_expression: str, policy: Policy, as_of: datetime | None = None
) -> bool:
    """Whether the data may be used for every purpose in ``purpose_expression`` ("profiling+marketing": for both).

    Decisions about any channel and scope count. ``transforms/profile_permission.sql`` says the same for all profiles.

    Raises:
        UnknownPurposeError: A part of the expression is not one of the purposes.
    """
    known = _known_at(decisions, as_of)
    return all(_may_be_used(known, part, policy) for part in purposes(purpose_expression))


def purposes(expression: str) -> tuple[str, ...]:
    """The purposes an expression such as "profiling+marketing" joins.

    Raises:
        UnknownPurposeError: A part is not one of the purposes.
    """
    return tuple(_known(part) for part in expression.split("+"))


def _known(purpose: str) -> str:
    if purpose not in PURPOSES:
        raise UnknownPurposeError(
            f"Reading consent: {purpose!r} is not a purpose, so nothing is permitted for it. Known purposes: "
            f"{', '.join(PURPOSES)}"
        )
    return purpose


def _known_at(decisions: Iterable[Decision], as_of: datetime | None) -> list[Decision]:
    """The decisions as they were known at ``as_of``: those made by then, ended if they were ended by then."""
    if as_of is None:
        return list(decisions)
    known = [decision for decision in decisions if decision.at <= as_of]
    return [replace(one, ended_at=None) if one.ended_at and one.ended_at > as_of else one for one in known]


def _ended_with(grant: Decision, refusals: list[Decision]) -> bool:
    """Whether a refusal that is over took the grant back while it stood."""
    return any(
        refusal.ended_at is not None and grant.at <= refusal.ended_at and not _lifts(grant, refusal)
        for refusal in refusals
    )


def _may_be_used(decisions: list[Decision], purpose: str, policy: Policy) -> bool:
    said = [decision for decision in decisions if decision.purpose == purpose]
    refusals = [decision for decision in said if decision.state != "granted"]
    if any(_stands(grant, refusals) for grant in said if grant.state == "granted"):
        return True
    return policy.permits_unknown(purpose) and all(
        refusal.scope != ALL or refusal.ended_at is not None for refusal in refusals
    )


def _stands(grant: Decision, refusals: list[Decision]) -> bool:
    return not any(_takes_back(refusal, grant) and not _is_overcome(refusal, grant) for refusal in refusals)


def _takes_back(refusal: Decision, grant: Decision) -> bool:
    if refusal.ended_at is not None and grant.at > refusal.ended_at:
        return False
    return refusal.scope == ALL or (refusal.scope == grant.scope and _meet(refusal.channel, grant.channel))


def _is_overcome(refusal: Decision, grant: Decision) -> bool:
    return grant.at > refusal.at and _is_timed(grant, refusal) and _meet(refusal.channel, grant.channel)


def _meet(one: str, other: str) -> bool:
    return one == other or ALL in (one, other)


def _lifts(grant: Decision, refusal: Decision) -> bool:
    return (
        grant.at > refusal.at
        and refusal.channel in (ALL, grant.channel)
        and refusal.scope in (ALL, grant.scope)
        and _is_timed(grant, refusal)
    )


def _is_timed(grant: Decision, refusal: Decision) -> bool:
    """Whether the times of the two can be compared."""
    return not grant.inferred or (grant.source, grant.record) == (refusal.source, refusal.record)


def _order(decision: Decision) -> tuple[datetime, bool, str, bool, str]:
    """Latest last; the rest only makes the answer independent of the order of the decisions."""
    return (
        decision.at,
        decision.state == "withdrawn",
        decision.source,
        not decision.inferred,
        decision.policy_version or "",
    )


def _default(purpose: str, channel: str, scope: str, policy: Policy) -> EffectiveState:
    return EffectiveState(
        purpose=purpose,
        channel=channel,
        scope=scope,
        state="default",
        since=None,
        source=None,
        inferred=False,
        permitted=policy.permits_unknown(purpose),
        is_default=True,
        policy_version=None,
    )
