"""What each profile permits: the ledger's decisions, brought to profiles and judged by ``privacy.consent``."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from models import PURPOSES
from models.derive import UTC
from privacy.consent import ALL, Decision, EffectiveState, Policy, effective_state

STATES = pa.schema(
    [
        *((name, pa.string()) for name in ("profile_id", "purpose", "scope", "state")),
        ("since", UTC),
        *((name, pa.string()) for name in ("source", "policy_version")),
        *((name, pa.bool_()) for name in ("is_default", "inferred")),
    ]
)
"""Columns of ``consent_state``."""

_values = attrgetter(*STATES.names[1:])
"""Values of an ``EffectiveState`` in the order of ``STATES``, which begins with the profile."""

_DECISION = ("purpose", "channel", "scope", "state", "at", "source", "record", "inferred", "policy_version", "ended_at")


@dataclass(frozen=True, slots=True)
class Consents:
    """The decisions of every profile.

    Attributes:
        profiles: Every profile id, sorted.
        history: One row per decision and profile, sorted by profile, as ``profile_consent.sql`` gives them.
        judged: One row per profile and purpose it decided about, as ``profile_permission.sql`` gives them.
        policy: What holds for a profile that decided nothing.
    """

    profiles: pa.Array
    history: pa.Table
    judged: pa.Table
    policy: Policy

    def permitted(self) -> dict[str, np.ndarray[Any, np.dtype[np.bool_]]]:
        """By purpose, for each of ``profiles``: whether its data may be used."""
        return {purpose: self._permitted(purpose, self.policy.permits_unknown(purpose)) for purpose in PURPOSES}

    def permissions(self) -> pa.Table:
        """One row per profile and purpose: profile_id, purpose, permitted."""
        tables = [
            pa.table({"profile_id": self.profiles, "purpose": _constant(purpose, len(flags)), "permitted": flags})
            for purpose, flags in self.permitted().items()
        ]
        return pa.concat_tables(tables)

    def states(self) -> pa.Table:
        """The rows of ``consent_state``, sorted: what was decided, and the policy's answer where nothing was."""
        alone = self.history.filter(pc.field("is_alone"))
        # A decision that stands alone is the state; the others have to be weighed one by one.
        weighed = self._weighed(self.history.filter(~pc.field("is_alone")))
        decided = pa.concat_tables([_state_rows(alone), weighed])
        defaults = [self._defaults(purpose, decided) for purpose in PURPOSES]
        order = [(name, "ascending") for name in ("profile_id", "purpose", "scope")]
        return pa.concat_tables([decided, *defaults]).sort_by(order)

    def _permitted(self, purpose: str, unknown: bool) -> np.ndarray[Any, np.dtype[np.bool_]]:  # noqa: FBT001
        judged = self.judged.filter(pc.field("purpose") == purpose)
        granted, refused = (judged[name].to_numpy() for name in ("is_granted", "is_refused"))
        flags = np.full(len(self.profiles), unknown)
        flags[pc.index_in(judged["profile_id"], value_set=self.profiles).to_numpy()] = granted | (unknown & ~refused)
        return flags

    def _weighed(self, history: pa.Table) -> pa.Table:
        rows = [row for place, decisions in self._by_profile(history) for row in self._rows(place, decisions)]
        ids = self.profiles.take(pa.array([place for place, _ in rows], pa.int64()))
        columns = list(zip(*(_values(state) for _, state in rows), strict=True)) or [()] * (len(STATES) - 1)
        return pa.table([ids, *columns], schema=STATES)

    def _by_profile(self, history: pa.Table) -> Iterator[tuple[int, list[Decision]]]:
        """(place in ``profiles``, decisions) of each profile that decided something."""
        places = pc.index_in(history["profile_id"], value_set=self.profiles).to_pylist()
        columns = zip(*(history[name].to_pylist() for name in _DECISION), strict=True)
        for place, rows in groupby(zip(places, columns, strict=True), key=lambda row: row[0]):
            yield place, [Decision(**dict(zip(_DECISION, values, strict=True))) for _, values in rows]

    def _rows(self, place: int, decisions: list[Decision]) -> Iterator[tuple[int, EffectiveState]]:
        for purpose, scope in sorted({(decision.purpose, decision.scope) for decision in decisions}):
            channels = {d.channel for d in decisions if (d.purpose, d.scope) == (purpose, scope)}
            answers = [self._state(decisions, purpose, channel=channel, scope=scope) for channel in channels]
            yield place, max(answers, key=_strictness)

    def _state(
        self, decisions: list[Decision], purpose: str, *, channel: str = ALL, scope: str = ALL
    ) -> EffectiveState:
        return effective_state(decisions, purpose, channel=channel, scope=scope, policy=self.policy)

    def _defaults(self, purpose: str, decided: pa.Table) -> pa.Table:
        """The policy's answer for the profiles that decided nothing general about ``purpose``."""
        general = decided.filter((pc.field("purpose") == purpose) & (pc.field("scope") == ALL))
        profiles = self.profiles.filter(pc.invert(pc.is_in(self.profiles, value_set=general["profile_id"])))
        values = _values(effective_state((), purpose, policy=self.policy))
        columns = [
            _constant(value, len(profiles), field.type) for value, field in zip(values, list(STATES)[1:], strict=True)
        ]
        return pa.table([profiles, *columns], schema=STATES)


def _state_rows(alone: pa.Table) -> pa.Table:
    renamed = alone.append_column("since", alone["at"])
    return renamed.append_column("is_default", _constant(value=False, count=alone.num_rows)).select(STATES.names)


def _strictness(state: EffectiveState) -> tuple[bool, bool, float, str]:
    """A refusal before a grant, a grant before the policy's answer; among equals the latest."""
    since = state.since.timestamp() if state.since else 0.0
    return not state.permitted and not state.is_default, not state.is_default, since, state.channel


def _constant(value: object, count: int, kind: pa.DataType | None = None) -> pa.Array:
    return pa.repeat(pa.scalar(value, kind), count)
