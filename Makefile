# Needs make, a POSIX shell and Python 3.11 or later; everything else is installed into .venv from requirements/*.lock.
BIN := .venv/bin
SETUP := sh requirements/setup.sh
# Files in the order of their names: the long ones of integration come before the many short ones of unit, so that no worker ends alone with them.
TEST := $(BIN)/python -m pytest --numprocesses auto --dist loadfile --no-loadscope-reorder
COMPILE := uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
           --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml

.DEFAULT_GOAL := help
.PHONY: help setup setup-deep demo test test-deep check bench bench-simulate bench-indicators bench-scale bench-days bench-engines plausibility docs lock bundle clean

help:  ## say what there is
	@sed -n 's/^\([a-z-]*\):.*## /\1: /p' Makefile

setup:  ## make .venv ready (does nothing when it is)
	@$(SETUP) dev

setup-deep: setup
	@$(SETUP) spark

demo: setup  ## a region from raw files to an answer that leads back to its bytes
	@PATH="$(CURDIR)/$(BIN):$$PATH" sh examples/demo.sh

test: setup-deep  ## every test but the long ones, one worker a core
	$(TEST)

test-deep: setup-deep  ## the long tests, and those that need Spark (Java 17)
	$(BIN)/python -m pytest -m deep --hypothesis-profile=deep

check: setup-deep  ## format, lint, types, import rules, then the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(TEST)

bench: setup  ## what a run costs, against its floor; then by dialect of a simulated region
	$(BIN)/python -m bench.spine
	$(BIN)/python -m bench.dialects

bench-simulate: setup  ## how fast and in how much memory regions are simulated
	$(BIN)/python -m bench.simulate

bench-indicators: setup  ## what cells of indicators and answers cost, and 200 readers at once while a run publishes
	$(BIN)/python -m bench.indicators
	$(BIN)/python -m bench.readers

bench-scale: setup  ## what a region costs at 10, 30 and 100 million rows, and what is asked of the largest; hours, and 20 GB of disk
	$(BIN)/python -m bench.scale --keep
	$(BIN)/python -m bench.questions

bench-days: setup  ## a year of days of many small hospitals (hours; goes on where it was), and how files are best laid out
	$(BIN)/python -m bench.layout
	$(BIN)/python -m bench.days

bench-engines: setup-deep  ## DuckDB and Spark at four sizes, Spark's own cost; then observations by code and month (root, 15 GB, an hour)
	$(BIN)/python -m bench.engines
	$(BIN)/python -m bench.observations

plausibility: setup  ## what the simulated region holds beside what is published: docs/simulated-region.md
	$(BIN)/python -m bench.plausibility

docs: setup  ## write docs/reference from the packs, the functions and the command line
	$(BIN)/suwen docs

lock:  ## choose versions anew where pyproject.toml asks for it (needs uv)
	$(COMPILE) --output-file requirements/run.lock
	$(COMPILE) --extra dev --extra s3 --constraint requirements/run.lock --output-file requirements/dev.lock
	$(COMPILE) --extra dev --extra s3 --extra spark --constraint requirements/dev.lock --output-file requirements/spark.lock

bundle: setup  ## one archive that installs Suwen where there is no internet: wheels for x86-64 and aarch64, manual, examples
	$(BIN)/python requirements/bundle.py

clean:  ## remove everything that was made here
	rm -rf .venv build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
