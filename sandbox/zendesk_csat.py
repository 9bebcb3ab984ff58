"""Zendesk's two CSAT features as JSON: legacy satisfaction ratings and survey responses."""

from sandbox.records import Rating
from sandbox.times import iso_seconds

Json = dict[str, object]
NEUTRAL_STARS = 3
SURVEY_ID = "01HSURVEY0000000000000CSAT"


def rating_json(origin: str, rating: Rating) -> Json:
    """A legacy satisfaction rating."""
    return {
        "url": f"{origin}/api/v2/satisfaction_ratings/{rating.id}.json",
        "id": rating.id,
        "assignee_id": rating.assignee_id,
        "group_id": 360_201,
        "requester_id": rating.requester_id,
        "ticket_id": rating.ticket_id,
        "score": rating.score,
        "comment": rating.comment,
        "reason": "No reason provided" if rating.score == "bad" else None,
        "reason_id": 0 if rating.score == "bad" else None,
        "created_at": iso_seconds(rating.created),
        "updated_at": iso_seconds(rating.updated),
    }


def survey_json(rating: Rating) -> Json:
    """An answer to the new CSAT survey."""
    at = iso_seconds(rating.updated)
    category = "good" if rating.stars > NEUTRAL_STARS else "neutral" if rating.stars == NEUTRAL_STARS else "bad"
    times = {"created_at": at, "updated_at": at}
    zrn = f"zen:ticket:{rating.ticket_id}"
    answers: list[Json] = [
        {"type": "rating_scale", "rating": rating.stars, "rating_category": category, "question": {"id": "q1"}, **times}
    ]
    if rating.comment:
        answers.append({"type": "open_ended", "value": rating.comment, "question": {"id": "q2"}, **times})
    else:
        answers.append({"type": "skipped", "question": {"id": "q2"}, **times})
    return {
        "id": f"01HRESPONSE{rating.id}",
        "responder_id": rating.requester_id,
        "expires_at": iso_seconds(rating.created + 28 * 86_400),
        "survey": {"id": SURVEY_ID, "version": 1, "state": "active"},
        "subject_zrns": [zrn],
        "subjects": [{"id": str(rating.ticket_id), "type": "ticket", "zrn": zrn}],
        "answers": answers,
    }
