"""Which installation ``make dev`` opens."""

from pathlib import Path

import pytest

from demo import dev


@pytest.fixture
def started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    """An empty folder to be in, and the commands that were started from it."""
    commands: list[tuple[str, ...]] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CDP_CONFIG", raising=False)
    monkeypatch.setattr(dev.sys, "argv", ["demo.dev", "--port", "3001"])
    monkeypatch.setattr(dev, "_cdp", lambda *arguments: commands.append(arguments) or 0)
    return commands


def test_without_anything_it_names_the_demo(started: list[tuple[str, ...]]) -> None:
    with pytest.raises(SystemExit, match="Run first: make demo"):
        dev.main()
    assert started == []


def test_an_installation_of_ones_own_comes_first(started: list[tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "demo-home").mkdir()
    for config in (tmp_path / "cdp.toml", tmp_path / "demo-home" / "cdp.toml"):
        config.touch()

    assert dev.main() == 0
    assert started == [("dev", "--port", "3001")]


def test_an_installation_named_in_the_environment_too(
    started: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CDP_CONFIG", "/srv/cdp/cdp.toml")

    assert dev.main() == 0
    assert started == [("dev", "--port", "3001")]
