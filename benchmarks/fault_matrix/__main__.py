"""``python -m benchmarks.fault_matrix``: let both tools meet each fault and write docs/fault-matrix.md."""

import argparse
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.fault_matrix.dlts import Dlts
from benchmarks.fault_matrix.faults import PAGE, ROWS, Row, live, prepared
from benchmarks.fault_matrix.ours import Ours
from benchmarks.fault_matrix.page import document
from benchmarks.fault_matrix.verdicts import Cell, contact, judge
from benchmarks.processes import StandIns
from sandbox import hubspot
from sandbox.hubspot import HubSpot
from sandbox.server import running

REPORT = Path("docs/fault-matrix.md")
TOOLS = (Ours, Dlts)


def main() -> int:
    """Fill in the chosen rows, print them, and write the page when all were asked for; 1 when a row is missing."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fault_matrix", description=__doc__)
    names = [row.name for row in ROWS]
    parser.add_argument("--only", action="append", choices=names, help="print this row; may be repeated")
    options = parser.parse_args()
    chosen = [row for row in ROWS if row.name in (options.only or names)]
    cells = {}
    for row in chosen:
        try:
            cells[row.name] = {tool.name: meet(row, tool) for tool in TOOLS}
        except Exception:  # noqa: BLE001 - one row's failure must not cost the others
            traceback.print_exc()
        print(f"{row.name}: {cells.get(row.name, 'could not be judged')}", file=sys.stderr, flush=True)
    page = document(cells, TOOLS, datetime.now(UTC))
    print(page)
    if options.only is None:
        REPORT.write_text(page)
    return 0 if len(cells) == len(chosen) else 1


def meet(row: Row, tool: type[Ours] | type[Dlts]) -> Cell:
    """One tool meets one fault: the run itself, the one after it, and what repairs."""
    world = prepared()
    with running(world, kinds=(HubSpot,)) as state, tempfile.TemporaryDirectory() as home:
        state.switches.page_size = PAGE
        vendors = {"hubspot": {"url": state.urls["hubspot"], "token": hubspot.TOKEN}}
        loads = tool(Path(home), StandIns(vendors, state.control_url))
        if row.begins_clean:
            loads.load()
        state.switches.faults = row.happen(world)
        faulty = loads.load()
        state.switches.faults = []
        after = loads.load()
        truth = {c.id: contact(c.props.get("email"), c.props.get("lastname")) for c in live(world)}
        return judge(truth, faulty, after, loads.repairs())


if __name__ == "__main__":
    sys.exit(main())
