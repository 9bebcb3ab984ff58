"""Libraries that quote values in their messages fail inside an asset, and no value crosses into Dagster."""

from collections.abc import Callable
from pathlib import Path

import dagster as dg
import duckdb
import httpx
import pyarrow as pa
import pytest
import sqlalchemy as sa
from pydantic import BaseModel

from cdp_pipelines.defs.border import border
from cdp_pipelines.scan import scan

SECRET = "erika.mustermann@example.org"


class _Age(BaseModel):
    age: int


def fail_in_pydantic() -> None:
    _Age.model_validate({"age": SECRET})


def fail_in_pyarrow() -> None:
    pa.array([SECRET]).cast(pa.int64())


def fail_in_duckdb() -> None:
    duckdb.execute(f"select cast('{SECRET}' as integer)")


def fail_in_sqlalchemy() -> None:
    engine = sa.create_engine("sqlite://")
    with engine.connect() as connection:
        connection.execute(sa.text("insert into nowhere values (:value)"), {"value": SECRET})


def fail_in_httpx() -> None:
    httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(500, request=request))).get(
        "http://127.0.0.1/contacts", params={"email": SECRET}
    ).raise_for_status()


FAILURES = (fail_in_pydantic, fail_in_pyarrow, fail_in_duckdb, fail_in_sqlalchemy, fail_in_httpx)


def run_asset(fail: Callable[[], None], instance: dg.DagsterInstance, *, guarded: bool) -> None:
    """Fail inside an asset of a real instance; what Dagster stored stays in its folder."""

    @dg.asset
    def planted() -> None:
        if guarded:
            with border():
                fail()
        else:
            fail()

    assert not dg.materialize([planted], instance=instance, raise_on_error=False).success


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_no_value_crosses_the_border(
    fail: Callable[[], None], instance: dg.DagsterInstance, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run_asset(fail, instance, guarded=True)

    output = "".join(capfd.readouterr())
    (tmp_path / "console.log").write_text(output)
    assert scan([tmp_path], [("email", SECRET)]).findings == ()


@pytest.mark.parametrize("fail", FAILURES, ids=lambda fail: fail.__name__)
def test_without_the_border_the_scanner_would_have_found_it(
    fail: Callable[[], None], instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    """Keeps the test above honest: the same failure, unguarded, does end up in Dagster's storage."""
    run_asset(fail, instance, guarded=False)

    assert scan([tmp_path], [("email", SECRET)]).findings
