"""docs/fault-matrix.md."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from benchmarks.dlt_environment import dlt_version
from benchmarks.fault_matrix.faults import ROWS
from benchmarks.fault_matrix.verdicts import Cell


class Tool(Protocol):
    """What the page calls a tool, what the cells call it, and what it has for repairing."""

    title: str
    name: str
    repair: str


_TEXT = """\
# Fault matrix

What becomes of faults in data that no error need announce. `make fault-matrix` lets both tools meet each of them on the
HubSpot stand-in, compares what is loaded with what the vendor has, and writes this page.

{table}

**repaired**: what is loaded is right in the end, without anybody's doing; where it takes a scheduled sweep, the rows
are wrong, and nothing says so, until that has come round. **noticed**: it is not right, and a run said so. **silently
wrong**: it is not right, and every run ended as if all were well.

The run that meets the fault and the ordinary one after it are judged; what is left is then given what each tool has for
comparing or reading everything again ({repairs}).

Seen on {date} with dlt {version}. Its pipeline is what its documentation offers for such an API: `rest_api`, an
incremental cursor on the modified time with a `lag` of an hour (as much as our reader looks back), `merge` by primary
key, duckdb, retries as they come. It can do more where somebody asks for it: a schema contract refuses changed types,
and an authentication of one's own renews tokens. Ours holds a token that cannot be renewed too. The account has some
280 contacts in pages of ten; e-mail address and last name are compared.
"""


def document(cells: Mapping[str, Mapping[str, Cell]], tools: Sequence[type[Tool]], at: datetime) -> str:
    """The page. ``cells`` goes by the names of rows and tools; rows without cells are left out."""
    lines = [_line("Fault", *(tool.title for tool in tools)), _line(*["---"] * (len(tools) + 1))]
    for row in (row for row in ROWS if row.name in cells):
        shown = [_shown(cells[row.name][tool.name]) for tool in tools]
        lines.append(_line(f"{row.name}: {row.what}", *shown))
    repairs = "; ".join(tool.repair for tool in tools)
    return _TEXT.format(table="\n".join(lines), repairs=repairs, date=f"{at:%Y-%m-%d}", version=dlt_version())


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _shown(cell: Cell) -> str:
    verdict = cell.verdict if cell.verdict == "repaired" else f"**{cell.verdict}**"
    return f"{verdict}: {cell.detail}"
