import subprocess
import sys

import pytest

from cdp_pipelines import barriers

_THREE_TIMES = (
    "from cdp_pipelines.barriers import reach\nfor n in range(3):\n    print(n, flush=True)\n    reach('lease_taken')"
)


@pytest.mark.parametrize(
    ("where", "printed", "code"),
    [("lease_taken", "0\n", -9), ("lease_taken:3", "0\n1\n2\n", -9), ("fetch_page", "0\n1\n2\n", 0)],
)
def test_the_process_dies_where_it_is_told_to(where, printed, code):
    done = subprocess.run(
        [sys.executable, "-c", _THREE_TIMES], env={"CDP_KILL_AT": where}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == (printed, code)


def test_without_the_variable_nothing_happens(monkeypatch):
    monkeypatch.delenv("CDP_KILL_AT", raising=False)
    barriers.reach("fetch_page")


@pytest.mark.parametrize(("name", "variable"), [("fetch_pages", None), ("fetch_page", "append_befor")])
def test_a_misspelt_name_is_an_error(monkeypatch, name, variable):
    monkeypatch.delenv("CDP_KILL_AT", raising=False)
    if variable:
        monkeypatch.setenv("CDP_KILL_AT", variable)
    with pytest.raises(ValueError, match="no such name"):
        barriers.reach(name)
