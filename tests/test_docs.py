"""Documents and code say the same: what exists is described, what is described exists."""

import importlib
import inspect
import re
from pathlib import Path
from types import ModuleType

import pytest

import cdp_pipelines.errors as ours
from cdp_pipelines.cli.main import WRONG_USE, app
from cdp_pipelines.cli.reference import PATH, commands, render
from cdp_pipelines.metrics.declarations import METRICS
from connectors.registry import SOURCES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def read(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def test_the_command_reference_is_what_the_commands_say() -> None:
    assert PATH.read_text() == render(), "run: python -m cdp_pipelines.cli.reference"


def all_commands() -> list[str]:
    import typer

    return [name for name, _ in commands(typer.main.get_command(app), "cdp")]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_named_in_the_documents_exist(page: Path) -> None:
    known = [name.split()[1:] for name in all_commands()]
    text = page.read_text()
    for words in re.findall(r"(?:`|\n *|bin/)cdp(?: --config \S+)?((?: [a-z]+){1,2})", text):
        used = words.split()
        assert any(used == name[: len(used)] or used[:1] == name for name in known), (
            f"{page.name} names cdp {words.strip()}"
        )


def test_commands_named_in_the_readme_are_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", README, re.MULTILINE)) <= targets


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.id)
def test_every_metric_is_in_the_catalogue(metric: object) -> None:
    assert f"## {metric.id}\n" in read("metrics.md")  # type: ignore[attr-defined]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.name)
def test_every_source_has_a_page_that_names_its_streams(source: object) -> None:
    page = read(f"connectors/{source.name}.md")  # type: ignore[attr-defined]
    missing = [stream.name for stream in source.streams if f"| {stream.name} |" not in page]  # type: ignore[attr-defined]
    assert missing == []
    assert source.name in README.lower()  # type: ignore[attr-defined]


@pytest.mark.parametrize("page", [*sorted(ROOT.glob("*.md")), *PAGES[1:]], ids=lambda page: page.name)
def test_relative_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    broken = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert broken == []


def test_files_named_in_the_readme_exist() -> None:
    named = re.findall(r"`((?:docs|demo|benchmarks|tests)/[\w./-]+)`", README)
    assert [name for name in named if not (ROOT / name).exists()] == []


def exit_codes(module: ModuleType) -> set[int]:
    """The codes of a module's errors, asked of instances made without their constructors."""
    found = [cls for _, cls in inspect.getmembers(module, inspect.isclass) if issubclass(cls, Exception)]
    made = (
        type(cls.__name__, (cls,), {"__init__": lambda _: None})() for cls in found if cls is not ours.SyncFailedError
    )
    return {ours.exit_code(error) for error in made}


def error_modules() -> list[ModuleType]:
    """Every module ``errors`` of every package we ship."""
    packages = ("cdp_pipelines", "connectors", "models", "privacy")
    files = [file.relative_to(ROOT) for package in packages for file in (ROOT / package).rglob("errors.py")]
    return [importlib.import_module(".".join(file.with_suffix("").parts)) for file in files]


def test_every_exit_code_is_explained() -> None:
    explained = {int(code) for code in re.findall(r"^\| (\d+) \|", read("errors.md"), re.MULTILINE)}

    used = set().union(*(exit_codes(module) for module in error_modules()))
    assert explained == used | {0, 1, WRONG_USE, 130}
