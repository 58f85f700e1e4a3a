# `make` lists what there is. Python 3.11 or later and make are all that a machine needs.

PYTHON ?= $(firstword $(foreach name,python3.11 python3.12 python3.13 python3,\
	$(shell command -v $(name) 2>/dev/null)))
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet
ARGS ?=
# Files stay together as far as they can, so that what a file shares is made once.
PYTEST := $(BIN)/pytest -n auto --dist worksteal

RUN := .venv/run.stamp
DEV := .venv/dev.stamp
COMPILED := $(patsubst %.po,%.mo,$(wildcard sessions/locale/*/LC_MESSAGES/messages.po))

.PHONY: help run test check bench lock docs catalogs format
.DELETE_ON_ERROR:

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' Makefile

run: $(RUN) $(COMPILED) ## install if needed, then start everything: make run ARGS="--port 8010"
	@$(BIN)/nafasi up $(ARGS)

test: $(DEV) ## run the tests but the long ones: make test ARGS="tests/core -k price"
	@$(PYTEST) $(ARGS)

check: $(DEV) ## everything that has to pass before a change is done
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/nafasi catalogs --check
	$(BIN)/nafasi settings --env-example | diff .env.example - \
		|| { echo "Run: nafasi settings --env-example > .env.example"; exit 1; }
	$(PYTEST) -m "not bench and not slow"

bench: $(RUN) $(COMPILED) ## measure hops per second: make bench ARGS="--json"
	@$(BIN)/nafasi bench hops $(ARGS)

docs: $(DEV) ## write the generated pages anew
	@$(BIN)/nafasi docs
	@$(BIN)/nafasi flows
	@$(BIN)/nafasi conversation >/dev/null

catalogs: $(DEV) ## collect new sentences for translation, and compile the catalogs
	@$(BIN)/nafasi catalogs

format: $(DEV) ## format the code and repair what can be repaired
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## pin all dependencies anew, with hashes
	@test -d .venv-lock || $(PYTHON) -m venv .venv-lock
	@.venv-lock/bin/pip install --quiet --upgrade pip-tools
	$(call compile,requirements.lock,)
	$(call compile,requirements-local.lock,--extra local --extra build)
	$(call compile,requirements-dev.lock,--extra local --extra build --extra dev)

define compile
	.venv-lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe \
		--no-header --no-annotate --no-emit-index-url --no-emit-trusted-host \
		$(2) --output-file $(1) pyproject.toml
endef

.venv/bin/python:
	@test -n "$(PYTHON)" && $(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Nafasi needs Python 3.11 or later: install it, or make run PYTHON=/path/to/it"; exit 1; }
	@$(PYTHON) -m venv .venv \
		|| { echo "Python's venv module is missing (on Debian: apt install python3-venv)"; exit 1; }

# The project itself comes last and without its dependencies: those are what the lock says.
define install
	@echo "Installing ($(1)) ..."
	@$(PIP) install --require-hashes --requirement $(1)
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@
endef

$(RUN): requirements-local.lock pyproject.toml | .venv/bin/python
	$(call install,requirements-local.lock)

$(DEV): requirements-dev.lock pyproject.toml | .venv/bin/python
	$(call install,requirements-dev.lock)
	@touch $(RUN)

%.mo: %.po | $(RUN)
	@$(BIN)/pybabel --quiet compile --input-file $< --output-file $@
