"""What a statement over filtered tables may say, checked before it runs.

The locked engine below is what keeps files and settings out of reach. This check is the second fence, and it
keeps the SQL portable: one query, the tables it is given, and the functions listed here, all of which mean the
same in DuckDB and in Spark.
"""

from collections.abc import Collection
from functools import lru_cache

import sqlglot
from sqlglot import exp

from cdp_pipelines.engine.errors import StatementError

ALLOWED_FUNCTIONS = frozenset(
    {
        # logic and choice
        *("and", "or", "case", "if", "coalesce", "exists", "greatest", "least", "nullif", "cast"),
        # numbers
        *("abs", "arg_max", "arg_min", "count", "max", "min", "sum"),
        # lists
        *("array", "array_agg", "array_append", "array_concat", "array_max", "explode", "filter"),
        # text
        *("concat",),
        # windows
        *("lag", "lead", "last_value", "first_value", "row_number"),
        # instants: seconds since 1970, the local date of an instant, and the year of a date
        *("time_to_unix", "timezone", "year"),
    }
)
"""Functions in SQL names, as sqlglot calls them."""


def refuse_unlisted(sql: str, tables: Collection[str]) -> None:
    """Pass only a single query over ``tables`` with allowed functions.

    Raises:
        StatementError: It is anything else; the message names what is not allowed.
    """
    read, problems = _judged(sql)
    problems = (*(f"it reads {name!r}" for name in sorted(read.difference(tables))), *problems)
    if problems:
        raise StatementError(
            f"Checking a statement before running it: {'; '.join(problems)}. It was not run. "
            "A metric may only query the tables of its session with the functions in ALLOWED_FUNCTIONS."
        )


@lru_cache(maxsize=256)
def _judged(sql: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The tables a statement reads, and what is not allowed in it whatever tables there are."""
    nothing: frozenset[str] = frozenset()
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except sqlglot.errors.SqlglotError:
        return nothing, ("it does not parse",)
    if len(statements) != 1 or not isinstance(statements[0], exp.Select | exp.SetOperation):
        return nothing, ("it is not one single query",)
    tree = statements[0]
    return _tables(tree), (*_unknown_functions(tree), *_commands(tree))


def _tables(tree: exp.Expr) -> frozenset[str]:
    named = frozenset(cte.alias for cte in tree.find_all(exp.CTE))
    return frozenset(_table_name(table) for table in tree.find_all(exp.Table)) - named


def _table_name(table: exp.Table) -> str:
    """The bare name; a table function or a name with a schema gives its whole text, which no table has."""
    plain = isinstance(table.this, exp.Identifier) and not table.db and not table.catalog
    return table.name if plain else table.sql(dialect="duckdb")


def _unknown_functions(tree: exp.Expr) -> tuple[str, ...]:
    found = {_function_name(call) for call in tree.find_all(exp.Func)}
    return tuple(f"it calls {name}()" for name in sorted(found - ALLOWED_FUNCTIONS))


def _function_name(call: exp.Func) -> str:
    return (call.name if isinstance(call, exp.Anonymous) else call.sql_name()).lower()


def _commands(tree: exp.Expr) -> tuple[str, ...]:
    other = next(tree.find_all(exp.DDL, exp.DML, exp.Command, exp.Into, exp.Parameter, exp.Placeholder), None)
    if other is None or isinstance(other, exp.Select | exp.SetOperation | exp.Subquery):
        return ()
    return ("it is more than a query",)
