"""Other users of the machine read the mart and nothing else."""

import os
from collections.abc import Iterator

import pytest
from installations import Home

from cdp_pipelines.installation import clock
from cdp_pipelines.refresh import refresh_profiles


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_folders_with_data_are_their_owners_alone(home: Home) -> None:
    home.sync("hubspot", streams=["companies"])
    with home.opened() as opened:
        refresh_profiles(opened, now=clock())

    modes = {name: (home.settings.data / name).stat().st_mode & 0o777 for name in ("lake", "tmp", ".", "mart.db")}
    assert modes == {"lake": 0o700, "tmp": 0o700, ".": 0o755, "mart.db": 0o644}
