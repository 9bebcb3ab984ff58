"""``python -m benchmarks.extract``: measure extraction part by part; each part writes its own section of the page."""

import argparse
import sys
import time
import traceback
from datetime import UTC, datetime

from benchmarks.extract import beside, limits, million, unchanged
from benchmarks.extract.part import Part, Result
from benchmarks.processes import PartFailedError
from benchmarks.report import machine, write_section

SECTION = "## Extraction (`make bench-extract`)"
PARTS: tuple[Part, ...] = (*limits.PARTS, *unchanged.PARTS, *million.PARTS, *beside.PARTS)


def main() -> int:
    """Measure the chosen parts; 1 when one of them failed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.extract", description=__doc__)
    names = [part.name for part in PARTS]
    parser.add_argument("--only", action="append", choices=names, help="measure this part; may be repeated")
    parser.add_argument("--no-report", action="store_true", help="print only")
    options = parser.parse_args()
    chosen = [part for part in PARTS if part.name in (options.only or names)]
    failed = [part.name for part in chosen if not _run(part, writes=not options.no_report)]
    if failed:
        print(f"Not measured: {', '.join(failed)}; the others are kept.", file=sys.stderr)
    return 1 if failed else 0


def _run(part: Part, *, writes: bool) -> bool:
    """Whether the part could be measured."""
    started = time.monotonic()
    print(f"{part.name} …", file=sys.stderr, flush=True)
    try:
        result = part.run()
    except PartFailedError as error:
        print(error, file=sys.stderr)
        return False
    except Exception:  # noqa: BLE001 - one part's failure must not cost the others' minutes
        traceback.print_exc()
        return False
    print(f"{part.name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    for figure in result.figures:
        print(figure.line())
    print(*result.notes, sep="\n", flush=True)
    if writes:
        write_section([SECTION, f"### {part.title}"], _section(result))
    return True


def _section(result: Result) -> str:
    return f"{result.markdown()}\n\nMeasured on {datetime.now(UTC):%Y-%m-%d} on {machine()}."


if __name__ == "__main__":
    sys.exit(main())
