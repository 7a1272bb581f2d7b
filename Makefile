# The commands of a checkout. `make up` and `make test` install and build all that they need.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
NODES ?=
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 4
PREPARE := $(BIN)/python -m tests.support.prepare
# Where this is set, every start of a program compiles what it imports, for a second.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up down fmt picture lint types unit quick check test soak bench faults docs lock serve tests-check tests-environment tests-own-clusters

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

up: venv ## from nothing to a gateway that answers (NODES=n for another number of nodes than 3)
	@$(BIN)/seawall up $(if $(NODES),--nodes $(NODES))

down: venv ## remove everything that `up` made, except the cache of builds
	@$(BIN)/seawall down

serve: venv ## the gateway alone, without a cluster
	@$(BIN)/seawall serve

fmt: venv ## format the code
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

lint: venv
	@$(BIN)/ruff format --check --quiet . || { echo "run: make fmt" >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/lint-imports --no-logo >.lint-imports.log || { cat .lint-imports.log; exit 1; }
	@rm -f .lint-imports.log

types: venv
	@$(BIN)/pyright --warnings

unit: lint ## lint, and every test that starts no server (a minute)
	@$(PREPARE) unit
	@$(PYTEST) -n $(WORKERS) -m "not servers and not engine and not cluster and not soak"

tests-check: venv
	@$(PYTEST) -n $(WORKERS) -m "not engine and not cluster and not soak" --results=build/check.json

# Pyright runs beside the tests.
check: lint ## lint, types, import contracts and all tests without a cluster (three minutes)
	@$(PREPARE) check
	@$(MAKE) --no-print-directory -j2 types tests-check

quick: venv ## the tests without a cluster that a change of ROOM=package can break
	@rooms=$$($(BIN)/python -m tests.support.quick "$(ROOM)") && \
	  $(PYTEST) -n $(WORKERS) -m "not engine and not cluster and not soak" $$rooms

# Each part runs when the one before is green.
test: check ## the whole suite, on a cluster of its own
	@$(PREPARE) engine
	@$(PYTEST) -n 2 -m "engine and not soak" --results=build/engine.json
	@$(PREPARE) cluster
	@$(MAKE) --no-print-directory -j2 tests-environment tests-own-clusters
	@$(BIN)/python -m tests.support.results $(addprefix build/,check.json engine.json own.json cluster.json)

tests-environment: venv
	@$(PYTEST) -m "cluster and not own and not soak" --results=build/cluster.json

# Its output comes at its end, so that the two do not mix.
tests-own-clusters: venv
	@mkdir -p build
	@$(PYTEST) -m "own and not soak" --results=build/own.json >build/own.log 2>&1; \
	  status=$$?; cat build/own.log; exit $$status

soak: venv ## before a release: what is long or random, and up to ten rounds of what the clock judges (an hour)
	@$(PREPARE) check engine cluster
	@$(BIN)/python -m tests.soak

faults: venv ## run every fault of a provider and generate docs/faults.md
	@$(BIN)/python -m tests.faults >docs/faults.md.new
	@mv docs/faults.md.new docs/faults.md

bench: venv ## compare the gateway with a bare proxy and with other gateways (about 5 minutes)
	@$(BIN)/python -m tests.bench

docs: venv ## generate the pages that are made of code and of results
	@$(BIN)/python -m tools.config_reference >docs/configuration.md.new
	@mv docs/configuration.md.new docs/configuration.md
	@$(BIN)/python -m tools.verification

picture: venv ## after `make up`: make docs/images/status.svg of what `seawall status` shows
	@$(BIN)/python -m tools.picture

lock: venv ## resolve the dependencies anew into locks/
	@tools/lock.sh

.PHONY: venv
venv:
	@tools/bootstrap.sh
