"""What a cell of the matrix says, from what was loaded after each run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Contact = tuple[str, str]
"""E-mail address and last name, in lower case; empty where there is none."""
Rows = Mapping[str, Contact]
"""Contacts by id."""
Verdict = Literal["repaired", "noticed", "silently wrong"]


@dataclass(frozen=True, slots=True)
class Run:
    """What one run left behind.

    Attributes:
        rows: What is loaded after it.
        said: What it said went wrong; empty when it ended as if all were well.
    """

    rows: Rows
    said: str = ""


@dataclass(frozen=True, slots=True)
class Repair:
    """What a tool has for comparing or reading everything again.

    Attributes:
        name: What it is called in a sentence.
        run: What it left behind.
        is_scheduled: It comes by itself.
    """

    name: str
    run: Run
    is_scheduled: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """One tool and one fault."""

    verdict: Verdict
    detail: str


def judge(truth: Rows, faulty: Run, after: Run, repairs: Sequence[Repair]) -> Cell:
    """The verdict.

    Args:
        truth: What the vendor has.
        faulty: The run that met the fault.
        after: The ordinary run after it.
        repairs: What was done about what is left, in this order.
    """
    left = difference(truth, after.rows)
    if not left and not faulty.said:
        return Cell("repaired", "by the next run" if difference(truth, faulty.rows) else "in the same run")
    if not left:
        return Cell("repaired", "the run said so, the next one repaired it")
    helped = next((repair for repair in repairs if not difference(truth, repair.run.rows)), None)
    if helped and helped.is_scheduled:
        return Cell("repaired", f"{left} until {helped.name}")
    end = f"repaired by {helped.name}" if helped else "stays so"
    said = faulty.said or after.said
    return Cell("noticed" if said else "silently wrong", f"{left}; {end}")


def difference(truth: Rows, loaded: Rows) -> str:
    """How the loaded rows differ, in words; empty when they do not."""
    missing = len(truth.keys() - loaded.keys())
    surplus = len(loaded.keys() - truth.keys())
    wrong = sum(loaded[id_] != contact for id_, contact in truth.items() if id_ in loaded)
    counts = ((missing, "missing"), (surplus, "that no longer exist"), (wrong, "with wrong values"))
    return ", ".join(f"{count} {what}" for count, what in counts if count)


def contact(email: object, last_name: object) -> Contact:
    """The comparable part of a contact; tools may tidy up case and spaces."""
    return _text(email), _text(last_name)


def _text(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""
