"""How memory is taken and given back."""

import subprocess
import sys

import pyarrow as pa
import pytest


@pytest.mark.skipif("jemalloc" not in pa.supported_memory_backends(), reason="This build of Arrow has no jemalloc.")
def test_arrow_takes_memory_where_it_is_given_back() -> None:
    said = "import cdp_pipelines.refresh, pyarrow; print(pyarrow.default_memory_pool().backend_name)"
    backend = subprocess.run([sys.executable, "-c", said], capture_output=True, text=True, check=True).stdout
    assert backend.strip() == "jemalloc"
