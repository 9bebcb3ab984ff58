"""Whether two names can be those of one person, for records that share a key which proves nothing by itself.

Families and offices share numbers and mailboxes; they seldom share first and last name. What systems and hands do
to a name is let through: order, case, accents, initials, two letters swapped. A letter too many, too few or another
one is not: Jan and Jana, Mario and Maria are different people.
"""

import re
import unicodedata

_WORD = re.compile(r"[^\W\d_]+")
_LETTERS = str.maketrans(
    {
        "ß": "ss",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ø": "o",
        "æ": "ae",
        "œ": "oe",
        "ł": "l",
        "đ": "d",
        "'": None,
        "\N{RIGHT SINGLE QUOTATION MARK}": None,
    }
)
# ü is written u by some systems and ue by others: after the accents are gone, both become u.
_UMLAUT = re.compile(r"(?<=[aou])e")
_FULL_NAME = 2
_SWAPPED = 2


def words(name: str | None) -> tuple[str, ...]:
    """The words of ``name`` in a form in which spelling variants are equal, sorted, each once."""
    return tuple(sorted(set(_WORD.findall(_UMLAUT.sub("", plain(name)))))) if name else ()


def plain(text: str) -> str:
    """``text`` in lower case, without accents, as foreign keyboards write it."""
    if text.isascii():  # nothing to take apart; most names are
        return text.lower().replace("'", "")
    decomposed = unicodedata.normalize("NFKD", text.casefold().translate(_LETTERS))
    return "".join(c for c in decomposed if not unicodedata.combining(c))


def agree(first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Whether two results of ``words`` can name one person.

    Each word of the shorter name fits a word of its own in the longer one, at least one of them letter by letter,
    and both names have two words or more.
    """
    shorter, longer = sorted((first, second), key=len)
    whole = {word for word in shorter if len(word) > 1 and word in longer}
    if len(shorter) < _FULL_NAME or not whole:
        return False
    rest = [word for word in longer if word not in whole]
    return all(_take_fitting(word, rest) for word in shorter if word not in whole)


def _take_fitting(word: str, rest: list[str]) -> bool:
    for other in rest:
        if _is_initial(word, other) or _is_swapped(word, other):
            rest.remove(other)
            return True
    return False


def _is_initial(word: str, other: str) -> bool:
    return min(len(word), len(other)) == 1 and word[0] == other[0]


def _is_swapped(word: str, other: str) -> bool:
    """Whether two neighbouring letters are swapped."""
    if len(word) != len(other):
        return False
    at = [i for i, (a, b) in enumerate(zip(word, other, strict=True)) if a != b]
    return len(at) == _SWAPPED and at[0] + 1 == at[1] and word[at[0]] == other[at[1]] and word[at[1]] == other[at[0]]
