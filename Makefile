# All that a developer types. Only Python 3.11 or newer and make are needed; words go to stderr, data to stdout.

MAKEFLAGS += --no-print-directory
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := test
.PHONY: run test check-format lint types imports tests coverage format docs golden bench lock clean

NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	$$each -c '$(NEW_ENOUGH)' 2>/dev/null && echo $$each && break; done)
BIN := .venv/bin
PIP := -m pip --disable-pip-version-check --no-input --quiet --quiet install --no-compile
SAY := printf '%s\n' >&2

run: .venv/.run ## the whole product with simulated traffic
	@exec $(BIN)/controlsurface serve --demo

test: ## what CI runs; the checkers work while browser tests wait
	@$(MAKE) --jobs=2 check-format lint imports types tests

check-format: .venv/.test
	@$(BIN)/ruff format --check --quiet || { $(SAY) 'ruff format: run `make format`'; exit 1; }

lint: .venv/.test
	@$(BIN)/ruff check --quiet

types: .venv/.test
	@$(BIN)/mypy

imports: .venv/.test
	@$(BIN)/lint-imports --no-logo

# Tests start some fifty processes: compiling our modules once, wherever that is forbidden, saves each of them 0.5 s.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

tests: .venv/.test .cache/litellm/.installed ## unit, property, browser and documentation tests
	@$(PYTEST)

# Apart, because tracing takes a seventh of the whole again.
coverage: .venv/.test .cache/litellm/.installed ## the same tests, and which lines and branches they reach
	@$(PYTEST) --cov --cov-report=term-missing:skip-covered

format: .venv/.test ## rewrite the code in the one style
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix --quiet

docs: .venv/.test ## the tables in Markdown that the code knows better
	@$(BIN)/python -m tests.project.generated

golden: .venv/.test ## the SQL statements in tests/metrics/golden, to be reviewed as a diff
	@$(BIN)/python -m tests.metrics.golden_files

bench: .venv/.run ## the product's own benchmark, one JSON object
	@$(BIN)/controlsurface bench ingest --json

# With extras: whoever installs a lock with pip before 24 and its resolver needs `coverage[toml]` pinned as such.
LOCK := $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-strip-extras --no-emit-index-url --no-emit-find-links --no-annotate --no-header

lock: .venv/.uv ## newest versions that pyproject.toml allows
	@$(LOCK) --group installer --output-file requirements-uv.lock
	@$(LOCK) pyproject.toml --group build --output-file requirements.lock
	@$(LOCK) pyproject.toml --group build --group test --group lint \
		--constraints requirements.lock --output-file requirements-test.lock
	@$(LOCK) --group litellm --output-file tests/serve/requirements-litellm.lock

clean: ## everything that can be made again
	@rm -rf .venv .cache .coverage .coverage.* .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache dist

.venv/bin/python:
	@test -n '$(PYTHON)' || { $(SAY) 'controlsurface needs Python 3.11 or newer; name one with make PYTHON=...'; exit 1; }
	@$(SAY) 'Making .venv with $(PYTHON) ...'
	@$(PYTHON) -m venv .venv

.venv/.uv: requirements-uv.lock | .venv/bin/python
	@.ci/install $(BIN)/python $< || $(SAY) 'uv cannot be installed: pip does everything, in a minute or two'
	@touch $@

.venv/.run: requirements.lock pyproject.toml .venv/.uv
	@$(SAY) 'Installing Control Surface and what it needs into .venv ...'
	@.ci/install $(BIN)/python requirements.lock
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable . >&2
	@touch $@

.venv/.test: requirements-test.lock .venv/.run
	@$(SAY) 'Installing what the tests need into .venv ...'
	@.ci/install $(BIN)/python requirements-test.lock
	@touch $@

# Where it cannot be had, its tests are skipped, and CI fails.
.cache/litellm/.installed: tests/serve/requirements-litellm.lock .venv/.uv
	@$(SAY) 'Installing LiteLLM, with the versions it asks for, into .cache/litellm ...'
	@$(BIN)/python -m venv .cache/litellm
	@if .ci/install .cache/litellm/bin/python $<; then touch $@; \
	elif test "$${CONTROLSURFACE_NO_SKIP:-}" = 1; then exit 1; \
	else $(SAY) 'LiteLLM cannot be installed: its tests are skipped'; fi
