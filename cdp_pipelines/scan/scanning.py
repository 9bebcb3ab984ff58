"""Walking the files and counting what is found."""

import stat
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from cdp_pipelines.scan.decoding import Piece, file_pieces
from cdp_pipelines.scan.matching import Matcher
from cdp_pipelines.scan.report import Finding, ScanReport, Skipped
from cdp_pipelines.scan.shapes import count_shapes

_Counts = Counter[tuple[str, str]]
_Search = Callable[[bytes], _Counts]
_Progress = Callable[[int, int], None]


def scan(
    paths: Sequence[Path],
    values: Iterable[tuple[str, str]],
    *,
    progress: _Progress | None = None,
) -> ScanReport:
    """Search files and folders for given personal values, in every form and place.

    Args:
        paths: Files, or folders that are searched with everything below. Symbolic links
            are not followed.
        values: Pairs of kind (any word for the report) and value. Values of fewer than 3
            bytes, and numbers of fewer than 8, are counted as unsearchable.
        progress: Told bytes done and bytes in all after each file.

    Raises:
        FileNotFoundError: One of ``paths`` does not exist.
    """
    begun = time.monotonic()
    matcher = Matcher(values)
    found = _Tally(matcher.count)
    found.read(paths, progress)
    return found.report(begun, values=matcher.values, unsearchable=matcher.unsearchable)


def scan_patterns(
    paths: Sequence[Path],
    *,
    allow: Collection[str] = (),
    progress: _Progress | None = None,
) -> ScanReport:
    """Search for anything shaped like an e-mail address or an international phone number.

    This needs no knowledge of the customers and finds only what is readable as such:
    UTF-8 text in decoded content.

    Args:
        paths: As for ``scan``.
        allow: Addresses, numbers and domains that are no finding. A domain covers its
            subdomains.
        progress: As for ``scan``.

    Raises:
        FileNotFoundError: One of ``paths`` does not exist.
    """
    begun = time.monotonic()
    allowed = frozenset(entry.lower() for entry in allow)
    found = _Tally(lambda content: count_shapes(content, allowed))
    found.read(paths, progress)
    return found.report(begun, values=0, unsearchable=0)


class _Tally:
    """What one search has found so far."""

    def __init__(self, search: _Search) -> None:
        self._search = search
        self._found: Counter[tuple[str, str, str, str]] = Counter()
        self._skipped: set[Skipped] = set()
        self._files = self._bytes = 0

    def read(self, paths: Sequence[Path], progress: _Progress | None) -> None:
        files = sorted({file for path in paths for file in _files_below(path)})
        sizes = [_size(file) for file in files]
        for file, size in zip(files, sizes, strict=True):
            self._read_file(file)
            self._files += 1
            self._bytes += size
            if progress is not None:
                progress(self._bytes, sum(sizes))

    def _read_file(self, file: Path) -> None:
        named, in_name = file, self._search(str(file).encode())
        while in_name and self._search(str(named).encode()):
            named = named.parent
        shown = str(file if named == file else named / "?")
        self._add(shown, "file name", in_name)
        try:
            for piece in file_pieces(file):
                self._add_piece(shown, piece)
        except FileNotFoundError as error:
            if file.exists():  # what lay beside it is gone, so it was not read whole
                self._skipped.add(Skipped(shown, "raw", type(error).__name__))
        except OSError as error:
            self._skipped.add(Skipped(shown, "raw", type(error).__name__))

    def _add_piece(self, shown: str, piece: Piece) -> None:
        if piece.problem is not None:
            self._skipped.add(Skipped(shown, piece.place, piece.problem))
        self._add(shown, piece.place, self._search(piece.content))

    def _add(self, shown: str, place: str, counts: _Counts) -> None:
        for (kind, form), count in counts.items():
            self._found[shown, place, kind, form] += count

    def report(self, begun: float, *, values: int, unsearchable: int) -> ScanReport:
        return ScanReport(
            findings=tuple(sorted(Finding(*where, n) for where, n in self._found.items())),
            skipped=tuple(sorted(self._skipped)),
            files=self._files,
            bytes=self._bytes,
            values=values,
            unsearchable=unsearchable,
            seconds=time.monotonic() - begun,
        )


def _size(file: Path) -> int:
    """Bytes of a file; 0 if a process that works beside the scan has taken it away."""
    try:
        return file.lstat().st_size
    except FileNotFoundError:
        return 0


def _files_below(path: Path) -> Iterator[Path]:
    mode = path.lstat().st_mode
    if stat.S_ISDIR(mode):
        for entry in path.iterdir():
            with suppress(FileNotFoundError):  # taken away since the folder was listed
                yield from _files_below(entry)
    elif stat.S_ISREG(mode):
        yield path
