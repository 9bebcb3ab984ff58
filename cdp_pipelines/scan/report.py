"""What a scan says. Nothing here can hold a personal value."""

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Finding:
    """One kind of value, in one form, in one place of one file.

    Attributes:
        path: The file. When its own name holds a value, the name is replaced by ``?``.
        place: Where in the decoded file, such as ``parquet column email``.
        kind: The kind the caller gave with the value.
        form: How the value was written, such as ``percent-encoded``.
        count: How often.
    """

    path: str
    place: str
    kind: str
    form: str
    count: int


@dataclass(frozen=True, order=True)
class Skipped:
    """A file, or a part of one, that could not be decoded. Its raw bytes were still searched."""

    path: str
    place: str
    reason: str


@dataclass(frozen=True)
class ScanReport:
    """The result of one scan.

    Attributes:
        findings: Sorted by path, place, kind and form.
        skipped: What could not be decoded: nobody knows what is in there.
        files: Files read.
        bytes: Size of those files as stored.
        values: Values searched for; 0 when searching by shape.
        unsearchable: Values too short or too plain to search for.
        seconds: Wall-clock time.
    """

    findings: tuple[Finding, ...]
    skipped: tuple[Skipped, ...]
    files: int
    bytes: int
    values: int
    unsearchable: int
    seconds: float

    @property
    def ok(self) -> bool:
        """Whether every file was decoded and nothing was found."""
        return not self.findings and not self.skipped
