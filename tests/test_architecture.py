"""The shape of the repository: who may import whom, what folders say of themselves, what packages offer."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("models", "privacy", "connectors", "cdp_pipelines", "sandbox")
FOLDERS = sorted(
    path.parent.relative_to(ROOT)
    for package in PACKAGES
    for path in (ROOT / package).rglob("__init__.py")
    if "migrations" not in path.parts
)


def test_imports_point_the_way_the_contracts_say() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_every_folder_says_what_lives_in_it(folder: Path) -> None:
    tree = ast.parse((ROOT / folder / "__init__.py").read_text())
    assert ast.get_docstring(tree)


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_what_a_package_offers_is_there(folder: Path) -> None:
    module = importlib.import_module(".".join(folder.parts))
    offered = getattr(module, "__all__", [])
    assert sorted(set(offered)) == sorted(offered)
    assert [name for name in offered if not hasattr(module, name)] == []


def test_every_folder_with_code_is_a_package() -> None:
    bare = {
        path.parent.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert bare == set()
