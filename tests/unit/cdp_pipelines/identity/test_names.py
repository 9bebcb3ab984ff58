import pytest

from cdp_pipelines.identity.names import agree, words


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Käthe Müller", "MUELLER, KAETHE"),
        ("Käthe Müller", "Kathe Muller"),
        ("K. Groß", "Käthe Gross"),
        ("Theresa Dörfler", "Thersea Dörfler"),
        ("Siobhán O'Connor", "siobhan oconnor"),
        ("Mia von Bülow", "Bülow, Mia von"),
        ("Anna Maria Sand", "Anna Sand"),
    ],
)
def test_spellings_of_one_name_agree(first: str, second: str) -> None:
    assert agree(words(first), words(second))
    assert agree(words(second), words(first))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Jan Sand", "Jana Sand"),
        ("Mario Sand", "Maria Sand"),
        ("Anna Sand", "Anna Wald"),
        ("J. S.", "Jan Sand"),
        ("Sand", "Sand"),
        ("", "Anna Sand"),
        (None, None),
    ],
)
def test_names_that_may_be_two_people_do_not_agree(first: str | None, second: str | None) -> None:
    assert not agree(words(first), words(second))
    assert not agree(words(second), words(first))
