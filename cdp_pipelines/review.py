"""An operator's answer about a pair of records: audited, then kept."""

from typing import Literal

from cdp_pipelines import database
from cdp_pipelines.database.matches import find_pair, record_answer
from cdp_pipelines.errors import PairNotFoundError
from cdp_pipelines.installation import Installation


def answer_pair(opened: Installation, pair_id: str, answer: Literal["same", "different"], *, actor: str) -> None:
    """Keep what ``actor`` says about a pair. The next identity run follows it.

    The audit entry is written first: an answer that cannot be recorded is not given.

    Raises:
        PairNotFoundError: There is no such pair, and none that was answered.
    """
    pair = find_pair(opened.stores.control, pair_id)
    if pair is None:
        raise PairNotFoundError
    detail = {"pair": pair_id, "answer": answer}
    database.record_audit(opened.stores.control, opened.ring, actor=actor, action="identity_answered", detail=detail)
    record_answer(opened.stores.control, pair, answer=answer, actor=actor)
