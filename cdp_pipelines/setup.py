"""First run and upgrade of an installation: root key, stores, Dagster's folder. Overwrites nothing."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from shutil import copyfile

from cdp_pipelines import database
from cdp_pipelines.config import Settings
from privacy.errors import RootKeyError
from privacy.keys import create_root_key

ENVIRONMENT_KEY = "CDP_ROOT_KEY"
SHIPPED = Path(__file__).parents[1] / "dagster_home" / "dagster.yaml"


def set_up(settings: Settings, environment: Mapping[str, str] = os.environ) -> Iterator[str]:
    """Make what is missing, saying in one line each what was made.

    Yields:
        A sentence per thing made or found.

    Raises:
        RootKeyError: There is data already, and the root key it was written with is not where it should be.
    """
    database.upgrade_stores(settings)
    yield f"The stores in {settings.data} are at this version."
    with database.open_stores(settings) as stores:
        if ENVIRONMENT_KEY not in environment and not settings.root_key_file.exists():
            yield _new_root_key(settings.root_key_file, has_data=database.has_ring(stores))
        database.load_ring(stores, settings, environment)
    home = dagster_home(settings)
    home.mkdir(parents=True, exist_ok=True)
    if not (home / "dagster.yaml").exists():
        copyfile(SHIPPED, home / "dagster.yaml")
        yield f"Wrote {home / 'dagster.yaml'}: a working default for one machine."


def _new_root_key(path: Path, *, has_data: bool) -> str:
    if has_data:
        raise RootKeyError(
            f"Setting up: the root key {path} is gone, but the stores hold data that only it opens. "
            "A new key would not help, so none was made. Put the copy of the old one back and run again."
        )
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    create_root_key(path)
    return (
        f"Made the root key {path}. Keep a copy somewhere safe and apart from the data: "
        "without it nothing can be read again."
    )


def dagster_home(settings: Settings) -> Path:
    """Where Dagster keeps its runs: beside the configuration."""
    return settings.home / "dagster_home"
