"""Taking a source out of cdp.toml: everything else stays, byte by byte, or nothing is written."""

import tomllib

import pytest

from cdp_pipelines.config_file import comment_out_source

BEFORE = """\
# Ours.
[company]
base_currency = "EUR"   # of the reports

# The CRM.
[sources.hubspot]
account = "62515"

[sources.hubspot.options]   # see the docs
subscription_purposes = { "311003" = "research" }
list = [
  "a",
]

# The help desk.
[ sources . "zendesk" ]
account = "demo"

[sources.hubspot.oauth]
client_id = "x"
"""


def test_the_section_and_those_below_it_are_commented_out_and_nothing_else(tmp_path):
    path = tmp_path / "cdp.toml"
    path.write_text(BEFORE)
    path.chmod(0o600)

    assert comment_out_source(path, "hubspot")

    text = path.read_text()
    assert tomllib.loads(text) == {"company": {"base_currency": "EUR"}, "sources": {"zendesk": {"account": "demo"}}}
    assert "\n# The help desk.\n[ sources" in text
    assert '# account = "62515"' in text
    assert (path.stat().st_mode & 0o777, list(tmp_path.iterdir())) == (0o600, [path])


def test_another_form_of_the_name_is_found(tmp_path):
    path = tmp_path / "cdp.toml"
    path.write_text(BEFORE)

    assert comment_out_source(path, "zendesk")
    assert set(tomllib.loads(path.read_text())["sources"]) == {"hubspot"}


@pytest.mark.parametrize(
    "text",
    [
        'sources = { hubspot = { account = "1" } }\n',
        'sources.hubspot.account = "1"\n',
        '[sources]\nhubspot = { account = "1" }\n',
        '[sources.hubspot]\naccount = "1"\noptions = { a = """\n[company]\n""" }\n',
    ],
)
def test_what_is_written_in_another_way_is_left_to_a_person(tmp_path, text):
    path = tmp_path / "cdp.toml"
    path.write_text(text)

    assert not comment_out_source(path, "hubspot")
    assert path.read_text() == text


def test_a_source_that_is_not_there_is_no_work(tmp_path):
    path = tmp_path / "cdp.toml"
    path.write_text("[company]\n")

    assert comment_out_source(path, "hubspot")
    assert path.read_text() == "[company]\n"
