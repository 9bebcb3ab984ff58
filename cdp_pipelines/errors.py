"""Every error of this package, and what each error of any package means to the caller.

CdpError                              exit   a rerun helps?
├── ConfigError      settings          10    no, a person must act
├── CredentialError  no credential     10    no, a person must act
├── UnknownMetricError no such name    10    no
├── SyncFailedError  some streams      20    if every failed stream may recover; else 21, no
├── JobFailedError   a step failed     20    if every failed step may recover; else 21, no
├── CheckFailedError access is amiss   21    no, a person must act; 20, yes, if nothing answered
├── ConnectError     not connected     10    no, a person must act; 20, yes, if nobody answered
├── LeaseError       somebody works    30    yes, later
├── LeakFoundError   value in clear    41    no, a person must look
├── ProfileNotFoundError               42    no
├── PairNotFoundError                  42    no
├── DoctorError      problems found    43    no, a person must act
├── EngineError      a statement       51    no, a person must act
└── StoreError       database          50    usually
    ├── StoreMissingError              50    no: cdp init
    ├── StoreVersionError              50    no: upgrade the store or the program
    ├── StoreReadOnlyError             50    no, a person must act
    ├── StoreFullError                 50    no, a person must act
    └── StoreLockedError               50    yes

The module imports nothing of ours when it is loaded: the errors of the other packages are looked up on demand.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class CdpError(Exception):
    """Base of every error raised in ``cdp_pipelines``. Messages never quote a value of a record."""


class ConfigError(CdpError, ValueError):
    """The settings are missing or wrong. Lists every problem at once."""

    def __init__(self, path: Path | str, problems: Sequence[str]) -> None:
        self.path = Path(path)
        self.problems = tuple(problems)
        lines = "\n".join(f"  {problem}" for problem in self.problems)
        super().__init__(f"The settings in {path} cannot be used:\n{lines}")

    @classmethod
    def missing_source(cls, path: Path | str, name: str) -> "ConfigError":
        """A source that is known but not configured."""
        return cls(path, [f"source {name!r} is not configured. Add a section [sources.{name}] and run again."])


class CredentialError(CdpError, LookupError):
    """A source is configured but nothing says how to log in."""

    def __init__(self, source: str, variable: str) -> None:
        self.source = source
        super().__init__(
            f"{source}: there is no credential, neither in the environment nor in the vault, so nothing can be read. "
            f"Set {variable}, or store one with: cdp sources connect {source}"
        )


class UnknownMetricError(CdpError, LookupError):
    """There is no metric of that name, or it is not published at that grain."""


class FailedStream(Protocol):
    """What is known of a stream that did not finish."""

    stream: str
    error_class: str | None
    error: str | None


class SourceReport(Protocol):
    """What a run over one source did, stream by stream."""

    @property
    def failed(self) -> Sequence[FailedStream]:
        """The streams that did not finish."""

    @property
    def streams(self) -> Sequence[FailedStream]:
        """All of them."""


class SyncFailedError(CdpError):
    """Some streams of a source did not finish; what they had read is kept."""

    def __init__(self, source: str, report: SourceReport) -> None:
        self.source = source
        self.report = report
        lines = "\n".join(f"  {failed.stream}: {failed.error}" for failed in report.failed)
        others = "the others are complete" if len(report.failed) < len(report.streams) else "none is complete"
        super().__init__(f"{source}: these streams did not finish; {others}.\n{lines}")

    @property
    def error_classes(self) -> tuple[str, ...]:
        """Class names of the failed streams' errors."""
        return tuple(failed.error_class or "" for failed in self.report.failed)


class JobFailedError(CdpError):
    """A step of a job did not finish.

    Attributes:
        rerun_helps: Whether every failed step may succeed when it is simply run again.
    """

    rerun_helps = True

    def __init__(self, job: str, sentences: Sequence[str], *, rerun_helps: bool = True) -> None:
        self.rerun_helps = rerun_helps
        lines = "\n".join(f"  {sentence}" for sentence in sentences)
        super().__init__(f"{job}: these steps did not finish; what was written before is kept.\n{lines}")


class CheckFailedError(CdpError):
    """A system does not answer, or its answer says that our access is not enough."""

    rerun_helps = False

    def __init__(self, sentence: str, *, rerun_helps: bool = False) -> None:
        self.rerun_helps = rerun_helps
        super().__init__(sentence)


class ConnectError(CdpError):
    """An account could not be connected; nothing was stored."""

    rerun_helps = False

    def __init__(self, sentence: str, *, rerun_helps: bool = False) -> None:
        self.rerun_helps = rerun_helps
        super().__init__(sentence)


class LeakFoundError(CdpError):
    """Something stands in clear that must not."""

    def __init__(self, findings: int, undecoded: int) -> None:
        super().__init__(
            f"The scan found {findings} places with values in clear and {undecoded} files it could not decode. "
            "Keep the files, stop the schedules, and report it as SECURITY.md says."
        )


class ProfileNotFoundError(CdpError, LookupError):
    """An identifier leads to no profile, or to several. It is not repeated."""

    def __init__(self, found: int) -> None:
        seen = "no profile" if found == 0 else f"{found} profiles"
        super().__init__(
            f"Looking up the identifier found {seen}, so nothing is shown. "
            "Give the profile id, or an e-mail address or phone number that one customer alone uses."
        )


class PairNotFoundError(CdpError, LookupError):
    """An answer was given about a pair of records there is not."""

    def __init__(self) -> None:
        super().__init__(
            "Answering a pair of records: there is no such pair, so nothing was kept. Its records may have changed "
            "since it was listed; list the pairs again with: cdp identity review list"
        )


class DoctorError(CdpError):
    """The doctor found something that keeps the installation from working."""

    def __init__(self, problems: int) -> None:
        super().__init__(
            f"{problems} problems keep this installation from working; the list says how to put them right."
        )


class LeaseError(CdpError):
    """Another process is working on the same thing, or has taken it over."""


class StoreError(CdpError, OSError):
    """A store could not be used. The message is ours; the database's own message may quote values."""


class StoreMissingError(StoreError):
    """A store has not been created."""


class StoreVersionError(StoreError):
    """A store was made by an older or a newer version of the program."""


class StoreLockedError(StoreError):
    """Another process keeps a store locked."""


class StoreReadOnlyError(StoreError):
    """A store cannot be written."""


class StoreFullError(StoreError):
    """The disk of a store is full."""


def error_class(error: BaseException) -> str:
    """The name under which an error is recorded."""
    return type(error).__name__


def exit_code(error: BaseException) -> int:
    """The exit code of the command that ended with ``error``; 1 for an error nobody foresaw."""
    return _meaning(error)[0]


def rerun_helps(error: BaseException) -> bool:
    """Whether doing the same again, later, can succeed without a person acting first."""
    return _meaning(error)[1]


def _meaning(error: BaseException) -> tuple[int, bool]:  # noqa: C901, PLR0911, PLR0912 - a table, written as a match
    """(exit code, a rerun helps) of every error of every package."""
    import connectors.errors as connector
    import privacy.errors as privacy
    from cdp_pipelines.engine import errors as engine
    from cdp_pipelines.lake import errors as lake

    match error:
        case ConfigError() | CredentialError() | UnknownMetricError() | connector.SettingsError():
            return 10, False
        case SyncFailedError():
            return (20, True) if _all_may_recover(error) else (21, False)
        case connector.RetriableError():
            return 20, True
        case connector.RejectedError():
            return 21, False
        case connector.ConnectorError():
            return 22, False
        case JobFailedError():
            return (20, True) if error.rerun_helps else (21, False)
        case CheckFailedError():
            return (20, True) if error.rerun_helps else (21, False)
        case ConnectError():
            return (20, True) if error.rerun_helps else (10, False)
        case LeaseError():
            return 30, True
        case LeakFoundError():
            return 41, False
        case ProfileNotFoundError() | PairNotFoundError():
            return 42, False
        case DoctorError():
            return 43, False
        case privacy.PrivacyError():
            return 40, False
        case StoreMissingError() | StoreVersionError() | StoreReadOnlyError() | StoreFullError():
            return 50, False
        case lake.LakeFormatError() | lake.LakeSchemaError() | lake.LakeWriteError() | lake.LakeDamagedError():
            return 50, False
        case StoreError() | lake.LakeError():
            return 50, True
        case engine.EngineError():
            return 51, False
        case KeyboardInterrupt():
            return 130, True
        case _:
            return 1, False


def is_ours(error: BaseException) -> bool:
    """Whether the message is one of our own sentences, which quote no value and may be shown."""
    import connectors.errors as connector
    import privacy.errors as privacy
    from cdp_pipelines.lake import errors as lake

    return isinstance(error, CdpError | connector.ConnectorError | privacy.PrivacyError | lake.LakeError)


def _all_may_recover(error: SyncFailedError) -> bool:
    import connectors.errors as connector

    kinds = [getattr(connector, name, None) for name in error.error_classes]
    return all(isinstance(kind, type) and issubclass(kind, connector.RetriableError) for kind in kinds)
