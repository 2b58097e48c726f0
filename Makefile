# Everything a newcomer, a developer and CI run. `make` alone lists it.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-slow test-extras lint types bench notebooks screenshot lock clean

# The oldest Python that the project supports comes first: its packages have ready-made wheels.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
RUN := .venv/bin
SERVE ?= 1
SIZE ?= demo
# Where the environment forbids to keep bytecode, every command would compile all modules anew.
export PYTHONDONTWRITEBYTECODE :=
LOCK := --generate-hashes --no-config --python-version 3.11 --universal --no-header -q

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: .venv/installed ## Set up, build the demo world, print one person's agenda, serve (SERVE=0: stop before)
	@$(RUN)/reco demo $(if $(filter 0,$(SERVE)),--no-serve)

test: .venv/installed ## Run the tests that take a few minutes together
	$(RUN)/python -m pytest -m "not slow" -n 2 --dist loadfile

test-slow: .venv/installed ## Run the others: servers, browsers, replays and trainings of worlds
	$(RUN)/python -m pytest -m "slow and not alone" -n 2 --dist loadfile
	$(RUN)/python -m pytest -m "slow and alone"

test-extras: .venv/extras ## Run what needs the extras: Spark (and Java 17), MLflow, ranx
	$(RUN)/python -m pytest -m extras tests/training

lint: .venv/installed ## Check style and format
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .

types: .venv/installed ## Check types
	$(RUN)/mypy

bench: .venv/installed ## Time feeds, searches and their peers on a world (SIZE=demo, town or france)
	$(RUN)/python -m tests.benchmarks.feed --size $(SIZE)

notebooks: .venv/notebooks ## Run notebooks/ from first to last on the demo world (after `make demo`)
	$(RUN)/jupyter-execute notebooks/*.ipynb

screenshot: .venv/installed ## Draw docs/agenda.png (needs the demo world and Chromium)
	$(RUN)/python docs/screenshot.py

lock: .venv/installed ## Pin the newest versions that pyproject.toml allows (needs uv)
	uv pip compile pyproject.toml --upgrade $(LOCK) -o requirements.lock
	uv pip compile pyproject.toml --extra dev -c requirements.lock $(LOCK) -o requirements-dev.lock
	uv pip compile pyproject.toml --extra notebooks -c requirements-dev.lock $(LOCK) -o requirements-notebooks.lock
	uv pip compile pyproject.toml --extra spark --extra mlflow --extra oracle -c requirements-dev.lock $(LOCK) -o requirements-extras.lock

clean: ## Remove the environment and the caches (worlds stay, in .reco)
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment, made anew when the lock changes. Debian and Ubuntu keep venv in a package of its own.
.venv/installed: requirements-dev.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed:" \
		"sudo apt-get install python3 (Debian 12, Ubuntu 24.04 or newer), or brew install python@3.12"; exit 1; }
	@test -x .venv/bin/python || $(PYTHON) -m venv .venv >/dev/null 2>&1 || $(MAKE) --no-print-directory .venv/with-apt
	@echo "Installing the locked packages into .venv (about a minute) ..."
	@$(RUN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(RUN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@$(RUN)/python -m reco.compiling
	@touch $@

# What notebooks need beside it, and the extras that serve few and take half a gigabyte (minutes).
.venv/notebooks .venv/extras: .venv/%: requirements-%.lock .venv/installed
	@echo "Installing what $* need into .venv ..."
	@$(RUN)/python -m pip install -q --disable-pip-version-check --require-hashes -r $<
	@touch $@

.PHONY: .venv/with-apt
.venv/with-apt:
	@rm -rf .venv
	@echo "Installing Python's venv with apt ..."
	@as=; [ "$$(id -u)" = 0 ] || as=sudo; \
		{ $$as apt-get -q update && $$as apt-get -q install -y --no-install-recommends \
			$(if $(filter python3.%,$(PYTHON)),$(PYTHON)-venv,python3-venv); } >/dev/null 2>&1 \
		|| { echo "Python's venv is missing: sudo apt-get install python3-venv, then make again."; exit 1; }
	$(PYTHON) -m venv .venv
