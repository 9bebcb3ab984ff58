"""The data dictionary in docs/ is what the classes say."""

from models import dictionary


def test_the_checked_in_dictionary_is_the_rendered_one():
    assert dictionary.PATH.read_text(encoding="utf-8") == dictionary.render(), "run: python -m models.dictionary"


def test_it_says_what_is_personal_and_how_it_is_matched():
    lines = dictionary.render().splitlines()
    assert "| `email` | str, optional | **personal**: contact, matched as email | Main e-mail address |" in lines
    assert "| `deleted` | bool | fact | The source has deleted or archived the record |" in lines
    assert "| `class` | text | Class that fixes interval, minimum and roll-up |" in lines
