# ruff: noqa: PLR2004 - the shares below are the model of the business, each used once
"""What people write about the business in public: reviews by place, with and without replies, edited and taken back.

Everything here comes from random generators of its own, so that the rest of the world is the same with and without it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from sandbox.names import LOCALES
from sandbox.spelling import pick, plain

if TYPE_CHECKING:
    from sandbox.records import Person
    from sandbox.world import World

DAY = 86_400
_STARS = (1, 2, 3, 4, 4, 4, 5, 5, 5, 5, 5)
_ID_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
_PRAISE = {
    "de": ("Sehr zufrieden, Auftrag {n} war pünktlich da.", "Freundliche Beratung bei {n}, gerne wieder! {first}"),
    "fr": ("Très bon accueil, commande {n} parfaite. {first}", "Je recommande ({n})."),
    "es": ("Muy buena atención con el pedido {n}. {first}",),
    "en": ("Great service with order {n}, thank you. {first}", "Quick and friendly, {n} arrived early."),
}
_BLAME = {
    "de": ("Wochenlang auf {n} gewartet, keine Antwort. {name}", "Ware {n} defekt angekommen, sehr ärgerlich."),
    "fr": ("Commande {n} jamais reçue, aucune réponse. {name}",),
    "es": ("El pedido {n} llegó roto. {name}",),
    "en": ("Order {n} never arrived and nobody answers. {name}", "{n} was broken and the refund took weeks."),
}
_REPLIES = (
    "Hello {first}, thank you for your words about {n}. Come back soon!",
    "Guten Tag {first}, das tut uns leid. Bitte schreiben Sie uns mit der Nummer {n}.",
)


@dataclass(frozen=True, slots=True)
class Place:
    """A location on the map: ``account`` and ``id`` are the vendor's numbers."""

    account: str
    id: str
    title: str
    city: str


@dataclass(slots=True)
class Review:
    """One review. Times are epoch microseconds; ``author`` is the true person, whom the vendor does not tell."""

    id: str
    place: Place
    author: "Person"
    reviewer: str | None
    stars: int
    text: str | None
    created: int
    updated: int
    number: str
    reply: str | None = None
    replied: int | None = None


@dataclass
class ReviewsData:
    """Everything one user of the vendor may see: accounts by number, places, and the reviews that stand."""

    accounts: dict[str, str] = field(default_factory=lambda: {"104421": "PERSONAL", "208833": "LOCATION_GROUP"})
    places: list[Place] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    retired: list[Review] = field(default_factory=list)
    """Reviews that were taken back or edited, as they were, because others may hold a copy."""

    def of(self, place: Place) -> list[Review]:
        """The reviews of a place."""
        return [review for review in self.reviews if review.place == place]


def populate(world: "World", start: int, end: int) -> None:
    """Places, and the reviews written between ``start`` and ``end`` (epoch s)."""
    rng, data = Random(f"{world.seed}/reviews"), world.reviews
    titles = (("Berlin Mitte", "Berlin"), ("München Altstadt", "München"), ("Online-Shop", "Berlin"), ("Lager", "Köln"))
    for number, (title, city) in enumerate(titles):
        account = "208833" if number < 2 else "104421"
        data.places.append(Place(account, str(7_741_200_000_000_000_101 + number * 7), f"Sandbox {title}", city))
    for _ in range(max(12, world.customers // 6)):
        _write(rng, world, _moment(rng, start, end), end)


def one_day(world: "World", start: int, end: int) -> None:
    """New reviews, new replies, edits and withdrawals of the day between ``start`` and ``end`` (epoch s)."""
    rng, data = Random(f"{world.seed}/reviews {world.version}"), world.reviews
    waiting = [review for review in data.reviews if review.reply is None]
    for review in rng.sample(waiting, max(1, len(waiting) // 10)) if waiting else ():
        _answer(rng, review, _moment(rng, start, end))
    if data.reviews:
        _edit(rng, data, pick(rng, data.reviews), _moment(rng, start, end))
    if len(data.reviews) > 6:
        gone = pick(rng, data.reviews)
        data.reviews.remove(gone)
        data.retired.append(gone)
    for _ in range(max(2, world.customers // 900)):
        _write(rng, world, _moment(rng, start, end), end)


def _moment(rng: Random, start: int, end: int) -> int:
    """Epoch microseconds between two epoch seconds; one in three is a whole second, which the vendor writes shorter."""
    moment = int((start + rng.random() * max(1, end - start)) * 1_000_000)
    return moment - moment % 1_000_000 if rng.random() < 0.34 else moment


def _write(rng: Random, world: "World", at: int, end: int) -> None:
    """One review at ``at`` (epoch µs), with its later edit and reply if they come before ``end`` (epoch s)."""
    data, person = world.reviews, pick(rng, world.people)
    stars = pick(rng, _STARS)
    review = Review(
        id="".join(pick(rng, _ID_LETTERS) for _ in range(22)),
        # The last place has none, the first has most.
        place=data.places[int((len(data.places) - 1) * rng.random() ** 1.7)],
        author=person,
        reviewer=_reviewer(rng, person),
        stars=stars,
        text=None,
        created=at,
        updated=at,
        number=f"R-{len(data.reviews) + len(data.retired):05}-{int(rng.random() * 900) + 100}",
    )
    if rng.random() < 0.7:
        review.text = _words(rng, person, review)
    data.reviews.append(review)
    edited, replied = at + _hours(rng, 200), at + _hours(rng, 60)
    if rng.random() < 0.08 and edited < end * 1_000_000:
        _edit(rng, data, review, edited)
    if rng.random() < (0.75 if stars < 4 else 0.5) and replied < end * 1_000_000:
        _answer(rng, review, replied)


def _hours(rng: Random, mean: float) -> int:
    return int(rng.expovariate(1 / mean) * 3600) * 1_000_000 + 1


def _reviewer(rng: Random, person: "Person") -> str | None:
    """The name a reviewer shows: the full one, a shortened one, a nickname, or none."""
    chance = rng.random()
    if chance < 0.12:
        return None
    if chance < 0.2:
        return f"{plain(person.first).lower()}{int(rng.random() * 9000) + 1000}"
    return f"{person.first} {person.last[0]}." if chance < 0.45 else person.name


def _words(rng: Random, person: "Person", review: Review) -> str:
    language = LOCALES[person.locale].language
    words = pick(rng, (_PRAISE if review.stars > 3 else _BLAME)[language])
    text: str = words.format(n=review.number, first=person.first, name=person.name)
    if language not in {"de", "en"} and rng.random() < 0.5:
        return f"(Translated by Google) About {review.number}\n\n(Original)\n{text}"
    return text


def _edit(rng: Random, data: ReviewsData, review: Review, at: int) -> None:
    """The reviewer changes stars and words. The reply stays."""
    data.retired.append(_copy(review))
    review.stars = max(1, min(5, review.stars + (1 if rng.random() < 0.6 else -1)))
    review.text = _words(rng, review.author, review) if rng.random() < 0.9 else None
    review.updated = at


def _answer(rng: Random, review: Review, at: int) -> None:
    """The owner replies; the review's own times do not move."""
    first = review.reviewer.split()[0] if review.reviewer else review.author.first
    review.reply, review.replied = pick(rng, _REPLIES).format(first=first, n=review.number), at


def _copy(review: Review) -> Review:
    return Review(**{name: getattr(review, name) for name in Review.__slots__})


def personal_values(data: ReviewsData) -> Iterator[tuple[str, str]]:
    """(kind, value) of every name and text, former ones too."""
    for review in (*data.reviews, *data.retired):
        if review.reviewer:
            yield "name", review.reviewer
        for text in (review.text, review.reply):
            if text:
                yield "text", text
