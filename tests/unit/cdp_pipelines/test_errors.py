"""What each error means to a caller."""

import inspect
from types import SimpleNamespace

import pytest

import cdp_pipelines.errors as ours
import connectors.errors as connector
import privacy.errors as privacy
from cdp_pipelines.engine import errors as engine
from cdp_pipelines.errors import StoreLockedError, SyncFailedError, exit_code, rerun_helps
from cdp_pipelines.lake import errors as lake


def made(cls):
    """An instance without running the class's ``__init__``: only the class decides."""
    return type(cls.__name__, (cls,), {"__init__": lambda _: None})()


def classes(module):
    return [
        cls
        for _, cls in inspect.getmembers(module, inspect.isclass)
        if issubclass(cls, Exception) and cls.__module__ == module.__name__ and cls.__name__ != "CdpError"
    ]


@pytest.mark.parametrize("module", [ours, connector, privacy, lake, engine], ids=lambda module: module.__name__)
def test_every_error_of_every_package_has_its_own_exit_code(module):
    unknown = [cls.__name__ for cls in classes(module) if cls is not SyncFailedError and exit_code(made(cls)) == 1]
    assert unknown == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (made(ours.ConfigError), (10, False)),
        (made(connector.SettingsError), (10, False)),
        (made(connector.RetriableError), (20, True)),
        (made(connector.RejectedError), (21, False)),
        (made(connector.IncompleteError), (22, False)),
        (ours.JobFailedError("refresh", ["marts: it stopped"]), (20, True)),
        (ours.JobFailedError("refresh", ["marts: it stopped"], rerun_helps=False), (21, False)),
        (ours.LeaseError(), (30, True)),
        (privacy.PrivacyError(), (40, False)),
        (privacy.WrongRootKeyError(), (40, False)),
        (ours.StoreVersionError(), (50, False)),
        (StoreLockedError(), (50, True)),
        (lake.LakeLockedError(), (50, True)),
        (lake.LakeDamagedError(), (50, False)),
        (KeyboardInterrupt(), (130, True)),
        (ZeroDivisionError(), (1, False)),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_exit_code_and_whether_a_rerun_helps(error, expected):
    assert (exit_code(error), rerun_helps(error)) == expected


@pytest.mark.parametrize(
    ("failed", "expected"),
    [
        pytest.param(["RetriableError", "RetriableError"], (20, True), id="all may recover"),
        pytest.param(["RetriableError", "RejectedError"], (21, False), id="one needs a person"),
        pytest.param(["Unheard"], (21, False), id="unknown"),
    ],
)
def test_a_failed_sync_helps_itself_only_if_every_stream_may(failed, expected):
    streams = [SimpleNamespace(stream="tickets", error_class=name, error="it stopped") for name in failed]
    error = SyncFailedError("zendesk", SimpleNamespace(failed=streams, streams=[*streams, *streams]))
    assert (exit_code(error), rerun_helps(error)) == expected
    assert str(error).startswith("zendesk: these streams did not finish; the others are complete.\n  tickets: it")
