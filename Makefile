# The front door. `make help` lists what there is; .ci/run calls the same targets.
PYTHON ?= python3
WORKERS ?= logical
SEED := $(shell date +%s)
KILLS := 200
CASE :=
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTEST = $(BIN)/python -m pytest -q -n $(WORKERS) --maxprocesses 8 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test test-chaos coverage dev check lint types contracts docs bench bench-extract fault-matrix clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:[^#]*## /\t/' | expand -t 16

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed; name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY)  ## Run the whole way on the sandbox: sync, identity, consent, metrics, publish
	$(BIN)/python -m demo

test: $(READY)  ## Every test, PostgreSQL ones included, on all processors (or WORKERS=1)
	$(PYTEST)

coverage: $(READY)  ## The same, slower, and what part of each file was come to
	$(BIN)/coverage erase
	MEASURE_WORKERS=1 $(PYTEST)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report --skip-covered --sort=cover | tail -n 40

test-chaos: $(READY)  ## Kill it 200 times and run it again, the same for the same SEED (KILLS=20, CASE=7)
	@echo "The same again: make test-chaos SEED=$(SEED) KILLS=$(KILLS)"
	CHAOS_SEED=$(SEED) CHAOS_KILLS=$(KILLS) $(PYTEST) tests/chaos/test_kills.py $(if $(CASE),-k case$(CASE)-)

dev: $(READY)  ## Open the Dagster UI on http://127.0.0.1:3000 with everything loaded
	$(BIN)/python -m demo.dev

check: lint types contracts docs  ## Format, lint, types, import contracts, generated documents

lint: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

contracts: $(READY)
	$(BIN)/lint-imports

docs: $(READY)
	$(BIN)/python -m models.dictionary --check
	$(BIN)/python -m cdp_pipelines.metrics.catalogue --check
	$(BIN)/python -m cdp_pipelines.cli.reference --check

bench: $(READY)  ## Measure speed and memory; writes its part of docs/performance.md (about 20 minutes)
	$(BIN)/python -m benchmarks

bench-extract: $(READY)  ## Measure extraction, beside another tool too; writes its part (about 20 minutes)
	$(BIN)/python -m benchmarks.extract

fault-matrix: $(READY)  ## Let faults in data meet us and another tool; writes docs/fault-matrix.md (about 5 minutes)
	$(BIN)/python -m benchmarks.fault_matrix

clean:  ## Remove the demo's data and the caches (never your own data)
	rm -rf demo-home .pytest_cache .mypy_cache .ruff_cache .hypothesis
