# `make` lists the targets. `make demo` and `make test` need Python 3.11 or newer and Java 17 or newer, nothing else.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup demo test test-all coverage test-connect attack lint fmt type docs wheel pack clean

BIN := .venv/bin
READY := .venv/.ready
MARKED := postgres or chromium or cluster or notebook or slow
CODE := $(wildcard src jobs tests benchmarks notebooks)
WORKERS ?= 2
COVERAGE ?=
PYTEST := $(BIN)/python -m pytest tests -n $(WORKERS) --dist loadfile $(if $(COVERAGE),--cov --cov-append --cov-report=)
PEOPLE ?= 5000
SEED ?= 7

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv, install the package for development, fetch Spark's jars

$(READY): pyproject.toml tools/setup tools/constraints.txt
	@tools/setup
	@touch $@

demo: setup ## make demo data, run the nightly job on it, print a summary and write a report
	@$(BIN)/cdp demo --people $(PEOPLE) --seed $(SEED) --out demo

test: setup ## run the tests that need only Python and Java
	$(PYTEST) -m "not ($(MARKED) or attack or connect)"

test-all: setup ## run the slow tests (real kills, spark-submit) and those that need PostgreSQL, Chromium, a cluster or notebooks
	$(PYTEST) -m "($(MARKED)) and not attack"

coverage: setup ## refuse less than 90 % of src run by `make test test-all COVERAGE=1`
	$(BIN)/coverage report --skip-covered --sort=cover --fail-under=90

test-connect: setup ## run a night, a rollback, an erasure and `cdp resolve` on Spark's own Connect server
	$(PYTEST) -m connect

attack: setup ## try to break it: forged rows, other users, kills at random moments; prints what came of each try
	WORKERS=$(WORKERS) $(BIN)/python -m tests.attack

lint: setup ## check style, layers and docstrings
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/lint-imports
	$(BIN)/flake8 src jobs

fmt: setup ## format the code and repair what ruff can repair
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

type: setup ## check the types
	$(BIN)/mypy $(filter-out notebooks,$(CODE))

docs: setup ## write docs/tables.md, docs/configuration.md and docs/functions.md from the code
	$(BIN)/cdp tables --catalogue > docs/tables.md
	$(BIN)/cdp schema --markdown keys > docs/configuration.md
	$(BIN)/cdp schema --markdown functions > docs/functions.md

wheel: setup ## build dist/*.whl, for spark-submit --py-files
	rm -f dist/*.whl
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

pack: wheel ## build dist/environment.tar.gz, for spark-submit --archives; Spark's own jars stay out
	rm -rf build/environment dist/environment.tar.gz
	$(BIN)/python -m venv build/environment
	build/environment/bin/pip install --quiet --constraint tools/constraints.txt "$$(ls dist/*.whl)[spark,activation]"
	$(BIN)/venv-pack --quiet --prefix build/environment --exclude '*/pyspark/jars/*' --output dist/environment.tar.gz

clean: ## remove what was built, cached and written by the demo; .venv stays
	rm -rf build dist demo spark-warehouse metastore_db derby.log .coverage
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
