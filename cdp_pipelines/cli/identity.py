"""``cdp identity``: which records may be one person, and what an operator says about them. Never a value."""

import os
from typing import Annotated, Any, Literal

import typer

from cdp_pipelines.cli import console

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Who is who: pairs of records to look at.")
review = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Pairs of records that wait for an answer.")
app.add_typer(review, name="review")

_COLUMNS = ["pair", "probability", "first record", "second record", "standing", "what agrees"]
_Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


@app.command("explain")
def explain(
    source: Annotated[str, typer.Argument(help="System of the record, as in the configuration.")],
    record: Annotated[str, typer.Argument(help="Id of the record in that system.")],
    as_json: _Json = False,
) -> None:
    """Show with which records one record was compared, what agrees, and what became of it.

    Records that share a key are joined by that key; `cdp profile show` names it.

    Examples:

      cdp identity explain hubspot 72810000123
    """
    from cdp_pipelines.database.matches import pairs_of

    with console.installation() as opened:
        pairs = pairs_of(opened.stores.control, source, record)
    if as_json:
        console.print_json(pairs)
        return
    console.print_table(
        f"Pairs of {source} {record}",
        _COLUMNS,
        [_row(pair) for pair in pairs],
        empty=f"There is no pair of {source} {record}: no record is like it, or there is none of this id.",
    )


@review.command("list")
def list_pairs(
    limit: Annotated[int, typer.Option(min=1, help="How many pairs to show, the likeliest first.")] = 20,
    as_json: _Json = False,
) -> None:
    """Show pairs of records that are likely one person, but not surely.

    Look the two records up in their systems, then say what they are with `cdp identity review decide`.

    Examples:

      cdp identity review list

      cdp identity review list --limit 100 --json
    """
    from cdp_pipelines.database.matches import pairs_to_review

    with console.installation() as opened:
        count, pairs = pairs_to_review(opened.stores.control, limit)
    if as_json:
        console.print_json({"waiting": count, "pairs": pairs})
        return
    wait = "1 pair waits" if count == 1 else f"{count:,} pairs wait"
    rows = [_row(pair) for pair in pairs]
    console.print_table(f"{wait} for an answer", _COLUMNS, rows, empty="No pair waits for an answer.")


@review.command("decide")
def decide(
    pair: Annotated[str, typer.Argument(help="The pair, as `cdp identity review list` names it.")],
    answer: Annotated[Literal["same", "different"], typer.Argument(help="One person, or two.")],
) -> None:
    """Say whether the two records of a pair are one person. It is kept, audited, and counts from the next run on.

    A later answer replaces an earlier one.

    Examples:

      cdp identity review decide 2f0c9a51d3e87b64 same

      cdp run --refresh-only
    """
    from cdp_pipelines.review import answer_pair

    with console.installation() as opened:
        answer_pair(opened, pair, answer, actor=f"os:{os.getuid()}")
    typer.echo(f"Pair {pair}: {answer}. It counts from the next identity run on.")


def _row(pair: dict[str, Any]) -> list[Any]:
    known = [f"{field}: {level}" for field, level in pair["levels"].items() if level != "unknown"]
    first, second = (f"{pair[s]} {pair[i]}" for s, i in (("source", "source_id"), ("other_source", "other_source_id")))
    return [pair["pair_id"], f"{pair['probability']:.2%}", first, second, pair["standing"], ", ".join(known)]
