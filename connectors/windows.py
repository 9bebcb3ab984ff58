"""Calls in a rolling window of time: how many may go now, and when the next may, given what went before.

The window is cut into a hundred slots, and only the number of calls in each is kept, so that a minute and a day cost
the same. A call counts from the slot it was allowed in until the whole window has passed after that slot's end, and a
margin more: calls arrive later than they leave, and not all equally late. Whatever the vendor's own window is, fixed
or rolling, it never sees more than the limit in it. A refusal shows that the margin was too small, or that others use
the limit too: for the next hour it is twice as long.

Half of a window may be used at once, so that small syncs never wait; after that, calls are spread. In windows of
seconds or minutes they go at the window's own pace, which becomes even within two windows. A quota of a day is spread
over what is left of it, at the highest pace that never runs dry.
"""

import math
from dataclasses import dataclass

from connectors.limits import LONGEST_WAIT_SECONDS, Answer, Ask, Json, Terms, View

SLOTS = 100
_MARGIN_SHARE, _MARGIN_SECONDS = 0.02, 0.03
"""How unequally late calls may arrive: a share of the window, and at least as long as a hiccup of the network."""
_WIDEST_SHARE, _WIDER_FOR_SECONDS = 0.25, 3600.0
"""A margin that was made longer after refusals is at most such a share of the window, and for how long it stays so."""
_MOMENT_SECONDS = 1e-4
AT_ONCE = 0.5
"""Share of a window that may be used without spreading."""
_CATCH_UP = 0.25
"""Share of a window that may be caught up on when calls came late, for example while a batch was written."""
_QUOTA_SECONDS = 3600.0
"""From this length on a window is a quota: it is spread so that it never runs dry, and the vendor's count rules."""
_NEW_DAY = 0.02
"""Share of a quota by which more must be left than we know of, before we believe that the vendor's day began anew."""


@dataclass(frozen=True, slots=True)
class Told:
    """Headers in which answers tell about a window.

    Attributes:
        remaining: The calls left.
        limit: The limit, for accounts that have more or less than the smallest plan.
        reset: Seconds until nothing counts any more.
        milliseconds: The window's length; the others are believed only if it is ours.
    """

    remaining: str
    limit: str | None = None
    reset: str | None = None
    milliseconds: str | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` calls in any ``seconds``; only paths that contain ``within`` count, if it is given.

    The state: ``slots`` holds ``[slot, our calls, calls of others]``, oldest first; ``due`` is when the next call is
    due while calls are spread; ``closed`` from when until when the vendor wants none; ``limit`` what it told;
    ``margin`` the longer margin after a refusal, and until when it stays so; ``granted`` all calls of ours that were
    ever allowed. Times are seconds of the ledger's clock.

    Attributes:
        limit: Calls.
        seconds: Length of the window.
        within: Part of the paths that count.
        told: Headers about this limit.
        policy: What the vendor calls this limit when it refuses a call.
    """

    limit: int
    seconds: float
    within: str = ""
    told: Told | None = None
    policy: str | None = None

    def __post_init__(self) -> None:
        if self.limit < 1 or self.seconds <= 0:
            raise ValueError(
                f"A window of {self.limit} calls in {self.seconds} s allows nothing; give positive numbers."
            )

    @property
    def name(self) -> str:
        """See ``limits.Limit``."""
        return f"{self.within + ' ' if self.within else ''}calls in {_length(self.seconds)}"

    @property
    def is_quota(self) -> bool:
        """Whether it is so long that running dry would leave hours dark."""
        return self.seconds >= _QUOTA_SECONDS

    @property
    def margin(self) -> float:
        """Seconds by which calls may arrive unequally late without ever being one too many."""
        return max(_MARGIN_SHARE * self.seconds, _MARGIN_SECONDS)

    def holds(self, path: str) -> bool:
        """See ``limits.Limit``."""
        return self.within in path

    def free(self, state: Json, now: float, ask: Ask) -> tuple[int, float]:
        """See ``limits.Limit``."""
        if (closed := _closed_seconds(state, now)) > 0:
            return 0, closed
        slots, total = self._live(state, now), self._total(state, ask.terms)
        room = _room(slots, total, ask.terms)
        if room <= 0:
            return 0, self._until_room(state, slots, ask.terms, now)
        at_once = room - int(_ours(total, ask.terms) * (1 - AT_ONCE))
        if at_once > 0:
            return at_once, 0.0
        pace, due = self._pace(state, slots, ask.terms, now), min(state.get("due", 0.0), now + self.seconds)
        if due > now:
            return 0, due - now
        return min(room, 1 + int(min(now - due, self.seconds * _CATCH_UP) / pace)), 0.0

    def book(self, state: Json, now: float, ask: Ask, calls: int) -> Json:
        """See ``limits.Limit``."""
        total = self._total(state, ask.terms)
        slots = _added(self._live(state, now), self._slot(now), own=calls)
        pace = self._pace(state, slots, ask.terms, now)
        due = min(max(state.get("due", 0.0), now - self.seconds * _CATCH_UP) + calls * pace, now + pace)
        if _room(slots, total, ask.terms) <= 0:  # nobody is late as long as there is nothing to be had
            due = max(due, now + self._until_room(state, slots, ask.terms, now))
        return {**state, "slots": slots, "due": due, "granted": state.get("granted", 0) + calls}

    def give_back(self, state: Json, at: float, calls: int) -> Json:
        """The state after ``calls`` that were allowed at ``at`` were not made."""
        slot = self._slot(at)
        slots = [[index, max(0, own - calls) if index == slot else own, others] for index, own, others in _slots(state)]
        return {**state, "slots": slots}

    def view(self, state: Json, now: float, ask: Ask) -> View | None:
        """See ``limits.Limit``."""
        if self.told is None:
            return None
        total = self._total(state, ask.terms)
        return View(total - _used(self._live(state, now)), total, state.get("granted", 0))

    def has_news(self, answer: Answer, view: View | None) -> bool:
        """See ``limits.Limit``. Most answers say what is known."""
        if self._is_refusal(answer):
            return True
        limit, remaining = self._heard(answer)
        if view is None or remaining is None:
            return False
        return limit not in {None, view.total} or remaining < view.room or self._is_new_day(remaining, view)

    def settle(self, state: Json, now: float, ask: Ask, answer: Answer, view: View | None) -> Json:
        """See ``limits.Limit``.

        Calls that are missing were used by others. A short window is never believed to be emptier than we know, as
        calls may be on their way; a quota is, for then the vendor's day has begun anew.
        """
        limit, remaining = self._heard(answer)
        state = state if limit is None else {**state, "limit": limit}
        if view is not None and remaining is not None:
            state = self._counted(state, now, ask, remaining, view)
            reset = answer.number(self.told.reset if self.told else None)
            if remaining == 0 and reset is not None and reset <= LONGEST_WAIT_SECONDS:
                state = _closed(state, now, reset)
        if answer.refused and self._is_refusal(answer):
            seconds = answer.refused.seconds
            state = _closed(state, now, min(self.seconds / 10, _QUOTA_SECONDS) if seconds is None else seconds)
            state = self._more_careful(state, now)
        return state

    def least_seconds(self, calls: int, terms: Terms) -> float:
        """How long so many calls take at least, from an unused window on."""
        windows = calls / max(1.0, self.limit * terms.rate_scale * terms.share)
        return self.seconds * (windows if windows >= 1 else max(0.0, (windows - AT_ONCE) / (1 - AT_ONCE)))

    def _heard(self, answer: Answer) -> tuple[int | None, int | None]:
        """The limit and the calls left, as far as the answer says."""
        told = self.told
        if told is None or answer.number(told.milliseconds) not in {None, self.seconds * 1000}:
            return None, None
        limit, remaining = answer.number(told.limit), answer.number(told.remaining)
        return int(limit) if limit else None, None if remaining is None else int(remaining)

    def _is_refusal(self, answer: Answer) -> bool:
        """Whether a refusal was about this limit: the one it names, else one that is not said to have calls left."""
        if answer.refused is None:
            return False
        if answer.refused.policy and self.policy:
            return answer.refused.policy == self.policy
        return not self.is_quota and not self._heard(answer)[1]

    def _is_new_day(self, remaining: int, view: View) -> bool:
        return self.is_quota and remaining > view.room + max(_NEW_DAY * view.total, 10)

    def _counted(self, state: Json, now: float, ask: Ask, remaining: int, view: View) -> Json:
        """The state after the vendor told how many calls are left."""
        slots, total = self._live(state, now), self._total(state, ask.terms)
        known = View(total - _used(slots), total, state.get("granted", 0))
        if self._is_new_day(remaining, known):
            return {**state, "slots": [[self._slot(now), 0, max(0, total - remaining)]]}
        # Calls that were allowed later may have been counted by the vendor before it answered this one.
        later = known.granted - view.granted
        others = min(known.room, view.room + total - view.total - later) - remaining
        return {**state, "slots": _added(slots, self._slot(now), others=others)} if others > 0 else state

    def _total(self, state: Json, terms: Terms) -> int:
        """The whole limit, ours and that of others."""
        return max(1, int(state.get("limit") or self.limit * terms.rate_scale))

    def _slot(self, moment: float) -> int:
        return int(moment * SLOTS / self.seconds)

    def _more_careful(self, state: Json, now: float) -> Json:
        """The state after a refusal. A quota is spread by the vendor's own count, so it needs no more of a margin."""
        if self.is_quota:
            return state
        wider = max(self.margin, min(2 * self._margin(state, now), _WIDEST_SHARE * self.seconds))
        return {**state, "margin": [wider, now + _WIDER_FOR_SECONDS]}

    def _margin(self, state: Json, now: float) -> float:
        wider, until = state.get("margin") or (0.0, 0.0)
        return float(wider) if now < until <= now + _WIDER_FOR_SECONDS else self.margin

    def _lives(self, state: Json, now: float) -> int:
        """For how many slots after its own a call counts."""
        return SLOTS + math.ceil(self._margin(state, now) * SLOTS / self.seconds - 1e-9)

    def _live(self, state: Json, now: float) -> list[list[int]]:
        """The slots that still count. A clock that was set back leaves none in the future."""
        current = self._slot(now)
        oldest = current - self._lives(state, now)
        return [[min(index, current), own, others] for index, own, others in _slots(state) if index >= oldest]

    def _leaves(self, state: Json, index: int, now: float) -> float:
        """When the calls of a slot no longer count."""
        return (index + self._lives(state, now) + 1) * self.seconds / SLOTS

    def _until_room(self, state: Json, slots: list[list[int]], terms: Terms, now: float) -> float:
        total = self._total(state, terms)
        index = next((slot[0] for n, slot in enumerate(slots, 1) if _room(slots[n:], total, terms) > 0), slots[-1][0])
        # Where two slots meet, rounding may say that it is time when it is not yet.
        return max(_MOMENT_SECONDS, self._leaves(state, index, now) - now)

    def _pace(self, state: Json, slots: list[list[int]], terms: Terms, now: float) -> float:
        """Seconds between two calls while they are spread."""
        total = self._total(state, terms)
        if not self.is_quota:
            return (self._lives(state, now) + 1) * self.seconds / SLOTS / _ours(total, terms)
        # What there is must last until more comes, whichever of the next gaps is the longest for it.
        supply, slowest = _room(slots, total, terms), 0.0
        for index, own, others in [*slots, [self._slot(now), 0, 0]]:
            slowest = max(slowest, (self._leaves(state, index, now) - now) / max(supply, 1))
            supply += own + others
        return slowest


def _length(seconds: float) -> str:
    for unit, name in ((86_400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"


def _slots(state: Json) -> list[list[int]]:
    return state.get("slots") or []


def _added(slots: list[list[int]], slot: int, *, own: int = 0, others: int = 0) -> list[list[int]]:
    if slots and slots[-1][0] == slot:
        return [*slots[:-1], [slot, slots[-1][1] + own, slots[-1][2] + others]]
    return [*slots, [slot, own, others]]


def _used(slots: list[list[int]]) -> int:
    return sum(own + others for _, own, others in slots)


def _ours(total: int, terms: Terms) -> int:
    return max(1, int(total * terms.share))


def _room(slots: list[list[int]], total: int, terms: Terms) -> int:
    """Calls that fit both in our share and in what others left."""
    return min(_ours(total, terms) - sum(own for _, own, _ in slots), total - _used(slots))


def _closed(state: Json, now: float, seconds: float) -> Json:
    """The state after the vendor wants nothing for ``seconds``."""
    return {**state, "closed": [now, now + max(seconds, _closed_seconds(state, now))]}


def _closed_seconds(state: Json, now: float) -> float:
    since, until = state.get("closed") or (0.0, 0.0)
    return float(until - now) if since <= now + 1 else 0.0  # else the clock was set back
