"""Google's reviews to canonical rows. Its JSON leaves out what is false, empty or zero."""

from connectors.spec import Context, Json, Mapped
from models import Review

_STARS = {"ONE": 1.0, "TWO": 2.0, "THREE": 3.0, "FOUR": 4.0, "FIVE": 5.0}
_UNRATED = "STAR_RATING_UNSPECIFIED"
_TRANSLATED, _ORIGINAL = "(Translated by Google)", "(Original)"


def map_review(record: Json, _context: Context) -> Mapped:
    """A review. Its version is its own last change: a reply moves none, so on a tie the later reading counts."""
    name, reviewer = record["name"], record.get("reviewer") or {}
    location = name.split("/locations/")[1].split("/")[0]
    is_anonymous = bool(reviewer.get("isAnonymous"))
    review = {
        "source_id": source_id(name),
        "version_at": record["updateTime"],
        "platform": "google",
        "location": location,
        "at": record["createTime"],
        "updated_at": record["updateTime"],
        "rating": _rating(record.get("starRating") or _UNRATED),
        "rating_max": 5.0,
        "reply_at": _reply_at(record.get("reviewReply") or {}),
        "is_anonymous": is_anonymous,
        "author": None if is_anonymous else reviewer.get("displayName") or None,
        "text": _original(record.get("comment") or "") or None,
    }
    return [(Review, review)]


def source_id(name: str) -> str:
    """A review's name without the account, because one location may be listed by several."""
    return f"locations/{name.split('/locations/')[1]}"


def _rating(word: str) -> float | None:
    if word == _UNRATED:
        return None
    if word not in _STARS:
        raise ValueError("unknown rating")
    return _STARS[word]


def _reply_at(reply: Json) -> str | None:
    """When the reply was written, unless Google holds it back."""
    state = reply.get("reviewReplyState") or reply.get("state") or "APPROVED"
    at: str | None = reply.get("updateTime")
    return at if state == "APPROVED" else None


def _original(comment: str) -> str:
    """The author's own words; Google puts its translation before or behind them."""
    if _ORIGINAL in comment:
        comment = comment.split(_ORIGINAL, 1)[1]
    elif not comment.startswith(_TRANSLATED):
        comment = comment.split(_TRANSLATED, 1)[0]
    return comment.removeprefix(_TRANSLATED).strip()
