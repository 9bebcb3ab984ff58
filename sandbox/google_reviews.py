"""Google Business Profile's manners and endpoints: accounts, locations and reviews, which no index sorts upwards."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sandbox import google_errors as errors
from sandbox.google_oauth import SCOPE, GoogleOAuth
from sandbox.reviews import Place, Review
from sandbox.switches import Window
from sandbox.times import iso_seconds
from sandbox.web import Request, Response, Router, Vendor, reply

if TYPE_CHECKING:
    from sandbox.world import World

TOKEN = "ya29.sandbox"
TOKEN_WITHOUT_SCOPES = "ya29.noscope"
QUERIES, MINUTE = 300, 60
REVIEWS_PAGE, LOCATIONS_PAGE, ACCOUNTS_PAGE, PLACES_AT_ONCE = 50, 100, 20, 50
_STARS = ("ONE", "TWO", "THREE", "FOUR", "FIVE")
_ORDERS: dict[str, tuple[Callable[[Review], Any], bool]] = {
    "updateTime desc": (lambda r: (r.updated, r.id), True),
    "update_time desc": (lambda r: (r.updated, r.id), True),
    "rating": (lambda r: (r.stars, r.id), False),
    "rating desc": (lambda r: (r.stars, r.id), True),
}

router = Router()


def _iso(micros: int) -> str:
    """RFC 3339 with as many digits of the second as there are: none, three or six."""
    seconds, rest = divmod(micros, 1_000_000)
    digits = f"{rest:06}".removesuffix("000") if rest else ""
    return iso_seconds(seconds)[:-1] + (f".{digits}" if digits else "") + "Z"


def _start(world: "World", token: str | None) -> int | None:
    """Where a page begins; None for a token that is not ours or was given before the world changed."""
    if not token:
        return 0
    try:
        version, offset = urlsafe_b64decode(token).decode().split(":")
    except ValueError:
        return None
    return int(offset) if version == str(world.version) else None


def _token(world: "World", offset: int, total: int) -> dict[str, str]:
    """The next page's token, absent on the last one."""
    return {"nextPageToken": urlsafe_b64encode(f"{world.version}:{offset}".encode()).decode()} if offset < total else {}


def _size(request: Request, most: int, usual: int) -> int | None:
    size = request.integer("pageSize", usual) or usual
    return size if 0 < size <= most else None


@router.on("GET", "/v1/accounts")
def accounts(world: "World", request: Request) -> Response:
    """Account Management: what this user may see."""
    start, size = _start(world, request.one("pageToken")), _size(request, ACCOUNTS_PAGE, ACCOUNTS_PAGE)
    if start is None or size is None:
        return errors.invalid("Request contains an invalid argument.")
    found = sorted(world.reviews.accounts.items())
    shown = [
        {
            "name": f"accounts/{number}",
            "accountName": "Sandbox",
            "type": kind,
            "role": "PRIMARY_OWNER",
            "verificationState": "VERIFIED",
            "vettedState": "NOT_VETTED",
        }
        for number, kind in found[start : start + size]
    ]
    return reply({"accounts": shown, **_token(world, start + size, len(found))})


@router.on("GET", "/v1/accounts/{account}/locations")
def locations(world: "World", request: Request, account: str) -> Response:
    """Business Information: locations, named without their account; only the fields of ``readMask``."""
    mask = request.several("readMask")
    start, size = _start(world, request.one("pageToken")), _size(request, LOCATIONS_PAGE, 10)
    if account not in world.reviews.accounts:
        return errors.not_found()
    if not mask or start is None or size is None:
        return errors.invalid("Request contains an invalid argument.")
    places = [place for place in world.reviews.places if place.account == account]
    shown = [_location(place, mask) for place in places[start : start + size]]
    body: dict[str, object] = {"locations": shown} if shown else {}
    return reply(body | _token(world, start + size, len(places)))


def _location(place: Place, mask: list[str]) -> dict[str, object]:
    fields = {
        "name": f"locations/{place.id}",
        "title": place.title,
        "languageCode": "de",
        "storefrontAddress": {"regionCode": "DE", "locality": place.city},
    }
    return {name: value for name, value in fields.items() if name in mask}


def _place(world: "World", account: str, location: str) -> Place | None:
    return next((p for p in world.reviews.places if (p.account, p.id) == (account, location)), None)


@router.on("GET", "/v4/accounts/{account}/locations/{location}/reviews")
def list_reviews(world: "World", request: Request, account: str, location: str) -> Response:
    """A page of a location's reviews; a location that has none answers an empty object."""
    place = _place(world, account, location)
    if place is None:
        return errors.not_found()
    order = _ORDERS.get(request.one("orderBy") or "updateTime desc")
    start, size = _start(world, request.one("pageToken")), _size(request, REVIEWS_PAGE, REVIEWS_PAGE)
    if order is None or start is None or size is None:
        return errors.invalid("Request contains an invalid argument.")
    found = sorted(world.reviews.of(place), key=order[0], reverse=order[1])
    if not found:
        return reply({})
    body = {
        "reviews": [_review(review) for review in found[start : start + size]],
        "averageRating": round(sum(review.stars for review in found) / len(found), 1),
        "totalReviewCount": len({review.id for review in found}),
    }
    return reply(body | _token(world, start + size, len(found)))


@router.on("GET", "/v4/accounts/{account}/locations/{location}/reviews/{review}")
def get_review(world: "World", _request: Request, account: str, location: str, review_id: str) -> Response:
    """One review."""
    place = _place(world, account, location)
    found = [review for review in world.reviews.of(place) if review.id == review_id] if place else []
    return reply(_review(found[0])) if found else errors.not_found()


@router.on("POST", "/v4/accounts/{account}/locations:batchGetReviews")
def batch_get_reviews(world: "World", request: Request, account: str) -> Response:
    """Reviews of up to fifty locations as one flat list."""
    body = request.json()
    names = body.get("locationNames") or []
    places = [_place(world, account, str(name).rpartition("/")[2]) for name in names]
    order = _ORDERS.get(body.get("orderBy") or "updateTime desc")
    start, size = _start(world, body.get("pageToken")), int(body.get("pageSize") or REVIEWS_PAGE)
    if not 1 <= len(names) <= PLACES_AT_ONCE or size > REVIEWS_PAGE or order is None or start is None:
        return errors.invalid("Request contains an invalid argument.")
    if None in places:
        return errors.not_found()
    found = [review for place in places if place for review in world.reviews.of(place)]
    if body.get("ignoreRatingOnlyReviews"):
        found = [review for review in found if review.text]
    found.sort(key=order[0], reverse=order[1])
    shown = [
        {"name": f"accounts/{review.place.account}/locations/{review.place.id}", "review": _review(review)}
        for review in found[start : start + size]
    ]
    answer: dict[str, object] = {"locationReviews": shown} if shown else {}
    return reply(answer | _token(world, start + size, len(found)))


def _review(review: Review) -> dict[str, object]:
    """A review as proto3 writes it: what is false, empty or zero is left out."""
    name = f"accounts/{review.place.account}/locations/{review.place.id}/reviews/{review.id}"
    photo = f"https://lh3.googleusercontent.example/a/{review.id[:8]}=s120-c-rp-mo-br100"
    shown: dict[str, object] = {
        "name": name,
        "reviewId": review.id,
        "reviewer": {"displayName": review.reviewer, "profilePhotoUrl": photo}
        if review.reviewer
        else {"displayName": "A Google user", "isAnonymous": True},
        "starRating": _STARS[review.stars - 1],
        "createTime": _iso(review.created),
        "updateTime": _iso(review.updated),
    }
    if review.text:
        shown["comment"] = review.text
    if review.reply and review.replied:
        shown["reviewReply"] = {
            "comment": review.reply,
            "updateTime": _iso(review.replied),
            "reviewReplyState": "APPROVED",
        }
    return shown


class GoogleReviews(Vendor):
    """The stand-in for all hosts of the Business Profile APIs and of Google's OAuth; their paths do not meet."""

    name = "google_reviews"

    def __init__(self, world: "World") -> None:
        """Serve ``world`` with fresh limits."""
        super().__init__(world)
        self._oauth = GoogleOAuth()
        self.grants, self.router = self._oauth.grants, Router()
        for part in (router, self._oauth.router):
            self.router.include(part)
        self._minute = Window(QUERIES, MINUTE)

    def refuse(self, request: Request, template: str | None) -> Response | None:
        """401 without a good token, 403 for one that was made for another scope."""
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if token == TOKEN or template in self._oauth.open_paths:
            return None
        granted = () if token == TOKEN_WITHOUT_SCOPES else self._oauth.grants.allowed(token)
        if granted is None:
            return errors.unauthenticated()
        return None if SCOPE in granted else errors.missing_scope()

    def throttle(self, request: Request, scale: float) -> tuple[Response | None, dict[str, str]]:
        """Queries a minute; no header tells what is left. OAuth is not counted."""
        if request.path in self._oauth.open_paths or self._minute.take(scale) is None:
            return None, {}
        return errors.too_many(self._minute.scaled(scale)), {}

    def unknown(self, _request: Request) -> Response:
        """The page of Google's edge, which is no JSON."""
        return Response(404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", {"content-type": "text/html"})

    def fail(self, status: int) -> Response:
        """The body of an error status."""
        match status:
            case 401:
                return errors.unauthenticated()
            case 404:
                return errors.not_found()
            case 429:
                return errors.too_many(QUERIES)
        names = {
            400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 409: "ABORTED", 413: "OUT_OF_RANGE", 503: "UNAVAILABLE"
        }  # fmt: skip
        return errors.error(status, names.get(status, "INTERNAL"), "Internal error encountered.")
