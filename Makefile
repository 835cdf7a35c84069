# Two commands: `make demo` (look around) and `make test` (the whole suite).
# Needed: Python 3.11 or newer, and make. Everything else comes from the lock files, checked by hash.

VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PIP := $(BIN)/python -m pip --disable-pip-version-check --no-input
# Images of Python often forbid to keep compiled code: then each process compiles it all anew.
unexport PYTHONDONTWRITEBYTECODE
BENCHES := collect flow latency segment page import decide campaign

.PHONY: help demo serve setup dev static check format test tests bench wheel lock clean

help:
	@echo "make demo    a real retailer's year, served at http://localhost:8000"
	@echo "make test    lint, types, layers and all tests"
	@echo "make setup   .venv with all that runs   make dev     and all that tests"
	@echo "make check   lint, types, layers        make format  write the code in the house's form"
	@echo "make bench   all benches                make wheel   the package, in dist/"
	@echo "make lock    write the lock files anew  make clean   remove what was built"

demo: setup static
	@$(BIN)/touchloop demo $(ARGS)

serve: setup static
	@$(BIN)/touchloop serve $(ARGS)

setup: $(VENV)/.runs
dev: $(VENV)/.tests

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "Touchloop needs Python 3.11 or newer (set PYTHON=)" >&2; exit 1; }
	@echo "Making $(VENV) with $(PYTHON) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.runs: requirements.lock pyproject.toml hatch_build.py | $(VENV)/bin/python
	@echo "Installing what Touchloop runs on …"
	@$(PIP) install --quiet --require-hashes -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tests: requirements-dev.lock $(VENV)/.runs
	@echo "Installing what the tests need …"
	@$(PIP) install --quiet --require-hashes -r requirements-dev.lock
	@touch $@

static: setup
	@$(BIN)/python -m touchloop.console.build

check: dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy touchloop tests conftest.py

format: dev
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

# Types keep one core busy for a minute, and the tests wait for much else: side by side.
test: dev static
	@$(MAKE) --no-print-directory --jobs 2 check tests

# Crash labs, installations and browsers are waited for: three processes keep two cores busy.
tests: dev
	$(BIN)/pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder $(ARGS)

bench: setup static
	@for name in $(BENCHES); do $(BIN)/touchloop bench $$name $(ARGS) || exit 1; done

wheel: setup
	@$(PIP) wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	@ls dist/*.whl

# Needs `uv`. One set for running and building, and what the tests add to it; no hosts in either.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --quiet pyproject.toml
lock:
	$(LOCK) --extra demo --extra build -o requirements.lock
	$(LOCK) --extra demo --extra build --extra spark --extra causal --extra dev -c requirements.lock -o requirements-dev.lock

clean:
	rm -rf $(VENV) dist build touchloop/console/static/console touchloop/console/frontend/node_modules
