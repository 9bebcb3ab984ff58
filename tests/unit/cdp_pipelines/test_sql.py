"""Every statement in a .sql file: one query, documented, with allowed functions, in SQL other engines can read."""

import re
from pathlib import Path

import pytest
import sqlglot

from cdp_pipelines.engine import refuse_unlisted

ROOT = Path(__file__).parents[3] / "cdp_pipelines"
STATEMENTS = sorted(ROOT.rglob("*.sql"))


def tables_of(statement):
    tree = sqlglot.parse_one(statement, dialect="duckdb")
    return {table.name for table in tree.find_all(sqlglot.exp.Table)}


@pytest.fixture(params=STATEMENTS, ids=lambda path: path.stem)
def statement(request):
    return request.param.read_text(encoding="utf-8")


def test_there_are_statements():
    assert len(STATEMENTS) > 20


def test_it_begins_with_what_it_returns(statement):
    assert statement.startswith(("-- Grain: ", "-- Unit: "))
    header = "".join(line for line in statement.splitlines(keepends=True) if line.startswith("--"))
    assert "Input" in header


def test_it_is_one_query_with_allowed_functions(statement):
    refuse_unlisted(statement, tables_of(statement))


def test_it_is_lower_case_and_names_its_columns(statement):
    code = "\n".join(line for line in statement.splitlines() if not line.startswith("--"))
    words = re.sub("'[^']*'", "", code)
    assert words == words.lower()
    assert not sqlglot.parse_one(statement, dialect="duckdb").is_star


def test_it_translates_for_spark(statement):
    assert sqlglot.transpile(statement, read="duckdb", write="spark", unsupported_level=sqlglot.ErrorLevel.RAISE)
