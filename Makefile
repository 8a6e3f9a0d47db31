# Every command works on a fresh clone: it makes .venv first if need be, and none wants it activated.
PYTHON_IN_VENV := .venv/bin/python
BIN := .venv/bin
ARGS ?=
COMPILE = $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-strip-extras -q
# What a public site would set; the checks for deployment look at these.
PRODUCTION = ENV_FILE=/dev/null DEBUG= SITE_URL=https://stepwell.example SECRET_KEY=only-for-the-check-0123456789-abcdefghijklmnopqrstuvwxyz
# Only if written behind `make test`: the tests make and drop a database of their own there, and the site's own server,
# which the environment may name, is none of theirs.
TESTED = $(if $(filter command,$(firstword $(origin DATABASE_URL))),TEST_DATABASE_URL='$(DATABASE_URL)')
TEMPLATES = $$(find templates */templates -name '*.html' 2>/dev/null)

.DEFAULT_GOAL := help
.PHONY: help install install-dev run worker test test-postgres check fix bench campaign audit lock

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

install: ## Make .venv and install what the site needs
	@sh config/install.sh runtime

install-dev:
	@sh config/install.sh dev

run: install ## Run the whole site: database, web server, workers (HOST, PORT, DATABASE_URL, ADMIN_PASSWORD)
	@exec $(PYTHON_IN_VENV) -m config.launch

worker: install ## Run a cluster of workers only
	@exec $(PYTHON_IN_VENV) manage.py qcluster

test: install-dev ## Run all tests on a real PostgreSQL (ARGS="-k retry" for some, ARGS="-n 2" for two at a time, DATABASE_URL=… elsewhere)
	@exec env $(TESTED) $(PYTHON_IN_VENV) -m pytest $(ARGS)

test-postgres: install-dev ## Run the engine's tests of SQL on Debian's PostgreSQL (ARGS=tests/jobs for all, POSTGRES_BIN for its programs)
	@exec $(PYTHON_IN_VENV) -m tests.postgres $(ARGS)

check: install-dev ## Check format, lint, types, import contracts, migrations, templates, deployment
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=. $(BIN)/lint-imports
	$(PYTHON_IN_VENV) manage.py makemigrations --check --dry-run
	files="$(TEMPLATES)"; test -z "$$files" || $(BIN)/djade --target-version 5.2 --check $$files
	$(PRODUCTION) $(PYTHON_IN_VENV) manage.py check --deploy --fail-level WARNING

fix: install-dev ## Format and repair what can be repaired
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	files="$(TEMPLATES)"; test -z "$$files" || $(BIN)/djade --target-version 5.2 $$files

bench: install ## Measure the engine on this machine (BENCH_JSON=FILE writes the figures)
	@exec $(PYTHON_IN_VENV) -m bench

audit: install ## Ask a database of vulnerabilities about the locked versions (0 none known, 1 some, 3 not reached)
	@exec $(PYTHON_IN_VENV) -m config.audit

campaign: install ## Put the engine through faults of every kind and print the verdict (ARGS="--minutes 5 --seed 3")
	@exec $(PYTHON_IN_VENV) -m bench.campaign $(ARGS)

lock: install-dev ## Compile requirements/ from pyproject.toml
	$(COMPILE) pyproject.toml -o requirements/runtime.txt
	$(COMPILE) pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt
