# The commands of a checkout. `make up` and `make test` install and build all that they need.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
NODES ?=
PYTEST := $(BIN)/python -m pytest

.PHONY: help up down check static test bench faults docs lock serve

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

up: venv ## from nothing to a gateway that answers (NODES=n for another number of nodes than 3)
	@$(BIN)/seawall up $(if $(NODES),--nodes $(NODES))

down: venv ## remove everything that `up` made, except the cache of builds
	@$(BIN)/seawall down

serve: venv ## the gateway alone, without a cluster
	@$(BIN)/seawall serve

static: venv
	@$(BIN)/ruff format --check --quiet . || { echo "run: $(BIN)/ruff format" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo >.lint-imports.log || { cat .lint-imports.log; exit 1; }
	@rm -f .lint-imports.log
	@$(BIN)/pyright --warnings

check: static ## lint, types, import contracts and all tests without a cluster (about 8 minutes)
	@$(BIN)/python -m seawall.supply.for_tests
	@$(PYTEST) -m "not engine and not cluster and not slow"

test: static ## the whole suite, on a cluster of its own (about an hour, 80 minutes on a fresh machine)
	@$(BIN)/python -m seawall.supply.for_tests
	@$(PYTEST)

faults: venv ## run every fault of a provider and generate docs/faults.md
	@$(BIN)/python -m tests.faults >docs/faults.md.new
	@mv docs/faults.md.new docs/faults.md

bench: venv ## compare the gateway with a bare proxy and with other gateways (about 5 minutes)
	@$(BIN)/python -m tests.bench

docs: venv ## generate the pages that are made of code
	@$(BIN)/python -m infra.reference >docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md

lock: venv ## resolve the dependencies anew into locks/
	@tools/lock.sh

.PHONY: venv
venv:
	@tools/bootstrap.sh
