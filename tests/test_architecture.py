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


BODIES = {"asset", "multi_asset", "asset_check", "op", "sensor", "schedule", "graph_asset", "hook"}


def dagster_bodies() -> list[tuple[str, ast.FunctionDef]]:
    """Every function that Dagster calls, with the file it is in."""
    return [
        (path.relative_to(ROOT).as_posix(), node)
        for path in (ROOT / "cdp_pipelines").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef)
        for decorator in node.decorator_list
        for call in [decorator.func if isinstance(decorator, ast.Call) else decorator]
        if isinstance(call, ast.Attribute) and ast.unparse(call.value) == "dg" and call.attr in BODIES
    ]


def test_every_body_that_dagster_runs_stands_behind_the_border() -> None:
    bodies = dagster_bodies()

    assert len(bodies) >= 6
    for file, function in bodies:
        statements = function.body[1:] if ast.get_docstring(function) else function.body
        only = statements[0]
        behind = isinstance(only, ast.With) and ast.unparse(only.items[0]) == "border()"
        assert behind, f"{file}: {function.name}"
        assert len(statements) == 1, f"{file}: {function.name}"


def test_every_folder_with_code_is_a_package() -> None:
    bare = {
        path.parent.relative_to(ROOT)
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert bare == set()


@pytest.mark.parametrize("program", ["benchmarks.__main__", "benchmarks.extract.__main__", "demo.__main__", "demo.dev"])
def test_programs_no_package_imports_still_find_what_they_import(program: str) -> None:
    assert importlib.import_module(program).__doc__
