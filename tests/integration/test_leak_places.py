"""Where the leak scanner looks: every place an installation writes to, wherever it was put."""

import tempfile
from pathlib import Path

import pytest
from sqlalchemy import text

from cdp_pipelines.config import Settings
from cdp_pipelines.database.versions import HEADS
from cdp_pipelines.installation import open_installation
from cdp_pipelines.leaks import find_leaks
from privacy.keys import create_root_key

SECRET = "erika.mustermann@example.org"


@pytest.fixture
def installed(settings: Settings) -> Settings:
    create_root_key(settings.root_key_file)
    return settings


def test_a_lake_outside_the_data_folder_is_scanned(installed: Settings, tmp_path: Path) -> None:
    lake = tmp_path / "elsewhere" / "lake"
    lake.mkdir(parents=True)
    (lake / "note.txt").write_text(SECRET)

    with open_installation(installed.model_copy(update={"lake": str(lake)})) as opened:
        report = find_leaks(opened, values=[("email", SECRET)])

    assert [finding.path for finding in report.findings] == [str(lake / "note.txt")]


@pytest.mark.parametrize("store", HEADS)
def test_every_store_is_scanned_on_either_database(
    installed: Settings, store: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with open_installation(installed) as opened:
        clean = find_leaks(opened, values=[("email", SECRET)])
        with getattr(opened.stores, store).begin() as connection:
            connection.execute(text("create table planted (id integer, note text)"))
            connection.execute(text("insert into planted values (1, :note)"), {"note": SECRET})
        report = find_leaks(opened, values=[("email", SECRET)])

    assert clean.ok
    assert any(store in finding.path and "planted" in finding.place for finding in report.findings)
    assert list(temporary.iterdir()) == []
