# make help explains itself.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
WEB := tests/web
WEB_READY := $(WEB)/node_modules/.ready
SSO := tests/sso
SSO_READY := $(SSO)/node_modules/.ready
CLUSTERS ?= 3
APPS ?= 6
PORT ?= 8080

.PHONY: protos help demo test soak fuzz check fix bench compare lock clean

help:  ## show this
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

$(READY): requirements-dev.lock pyproject.toml
	@echo "[1/3] virtual environment in $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@echo "[2/3] locked packages, a minute or two"
	@$(BIN)/pip --disable-pip-version-check install --quiet --require-hashes --requirement requirements-dev.lock
	@echo "[3/3] gitopsd itself"
	@$(BIN)/pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --editable .
	@touch $(READY)

$(WEB_READY): $(WEB)/package-lock.json
	@cd $(WEB) && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

$(SSO_READY): $(SSO)/package-lock.json
	@cd $(SSO) && npm ci --silent --no-audit --no-fund --ignore-scripts
	@touch $@

demo: $(READY)  ## the main job on embedded parts: CLUSTERS=3 APPS=6 PORT=8080
	@exec $(BIN)/gitopsd demo --clusters $(CLUSTERS) --apps $(APPS) --port $(PORT)

test: $(READY)  ## all tests that a new machine can run, in minutes
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(SSO_READY); \
		else echo "no npm here: tests of single sign-on, whose provider needs it, are left out"; fi
	@PYTHONASYNCIODEBUG=1 $(BIN)/pytest -q

soak: $(READY)  ## the long tests in full: properties, kills, churn
	@GITOPSD_SOAK=1 $(BIN)/pytest -q --timeout=7200

fuzz: $(READY)  ## what others write, drawn at random: GITOPSD_FUZZ_S=600
	@GITOPSD_FUZZ_S=$${GITOPSD_FUZZ_S:-600} $(BIN)/pytest -q tests/fuzz

check: $(READY)  ## format, lint, types, import contracts
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(WEB_READY) && $(WEB)/node_modules/.bin/tsc -p $(WEB)/tsconfig.json; \
		else echo "no npm here: types of the web UI are left unchecked"; fi

fix: $(READY)  ## format, and mend what the linter can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

bench: $(READY)  ## the budgets of docs/bench.md, measured; a table and JSON; AGAINST=DIR: push beside that checkout's
	@$(BIN)/python -m tests.bench$(if $(AGAINST),.against "$(AGAINST)")

compare: $(READY)  ## renders, health and YAML beside others': PEERS=DIR [SOURCES=DIR] [HEALTH=DIR] [ONLY=renders]
	@$(BIN)/python -m tests.compare --peers "$(PEERS)" $(if $(SOURCES),--sources "$(SOURCES)") \
		$(if $(HEALTH),--health "$(HEALTH)") $(if $(ONLY),--only $(ONLY))

protos: $(READY)  ## make the descriptors of gRPC's messages anew from their .proto files
	@$(BIN)/python -m grpc_tools.protoc -I gitopsd/api/grpc/protos --include_imports \
		--descriptor_set_out=gitopsd/api/grpc/protos/descriptors.binpb gitopsd/api/grpc/protos/*.proto

lock:  ## write the lock files anew (needs uv)
	uv pip compile pyproject.toml --all-extras --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --upgrade -o requirements.lock
	uv pip compile pyproject.toml --all-extras --group dev --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --upgrade -o requirements-dev.lock

clean:  ## remove the virtual environment and caches
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
