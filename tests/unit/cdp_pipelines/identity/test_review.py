"""What an operator sees of pairs, and how an answer is given."""

import json

import pytest
from sqlalchemy import text

from cdp_pipelines.cli.main import execute
from tests.unit.cdp_pipelines.identity.conftest import Installation
from tests.unit.cdp_pipelines.identity.test_matching import ANNA, APART, JOINED, NAMESAKE


@pytest.fixture
def waiting(installation: Installation) -> Installation:
    """An installation with one pair that waits for an answer."""
    installation.people(ANNA, NAMESAKE)
    installation.resolve()
    return installation


def cdp(installation: Installation, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = execute(["--config", str(installation.settings.path), *arguments])
    said = capsys.readouterr()
    return code, said.out + said.err


def listed(installation: Installation, capsys: pytest.CaptureFixture[str]) -> dict[str, object]:
    found: dict[str, object] = json.loads(cdp(installation, capsys, "identity", "review", "list", "--json")[1])
    return found


def test_a_pair_is_shown_by_its_records_and_by_what_agrees(
    waiting: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = cdp(waiting, capsys, "identity", "review", "list")
    assert code == 0
    assert all(part in said for part in ("1 pair waits", "crm 1", "desk 7", "80.00%", "name: same"))
    assert "Sand" not in said


def test_one_record_is_explained_from_either_side(waiting: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    for record in (("crm", "1"), ("desk", "7")):
        said = cdp(waiting, capsys, "identity", "explain", *record)[1]
        assert "review" in said
        assert "name: same" in said
    assert json.loads(cdp(waiting, capsys, "identity", "explain", "crm", "2", "--json")[1]) == []


@pytest.mark.parametrize(("said", "people"), [("same", JOINED), ("different", APART)])
def test_an_answer_is_audited_taken_off_the_list_and_followed(
    waiting: Installation, capsys: pytest.CaptureFixture[str], said: str, people: set[frozenset[str]]
) -> None:
    pair = listed(waiting, capsys)["pairs"][0]["pair_id"]  # type: ignore[index]
    code, out = cdp(waiting, capsys, "identity", "review", "decide", pair, said)
    assert (code, "from the next identity run on" in out) == (0, True)
    assert listed(waiting, capsys) == {"waiting": 0, "pairs": []}
    waiting.resolve()
    assert waiting.partition() == people
    with waiting.stores.control.connect() as connection:
        entries = connection.execute(text("select action, detail from audit_entry")).all()
    assert [(entry.action, json.loads(entry.detail)) for entry in entries] == [
        ("identity_answered", {"pair": pair, "answer": said})
    ]


def test_an_unknown_pair_is_one_sentence(waiting: Installation, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = cdp(waiting, capsys, "identity", "review", "decide", "0123456789abcdef", "same")
    assert code == 42
    assert said.startswith("Answering a pair of records: there is no such pair")
    assert said.count("\n") == 1
