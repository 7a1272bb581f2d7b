# The commands of a checkout. `make up` and `make test` install and build everything that they need.
.DEFAULT_GOAL := help
SHELL := /bin/sh
BIN := .venv/bin
NODES ?=
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 4
PREPARE := $(BIN)/python -m tests.support.prepare
# With this variable, every start of a program compiles its imports again, which takes a second.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help up down fmt picture lint types unit quick check test soak bench faults docs lock serve tests-check tests-environment tests-own-clusters

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

up: venv ## build everything and deploy a working gateway locally (NODES=n: n nodes, default 3)
	@$(BIN)/seawall up $(if $(NODES),--nodes $(NODES))

down: venv ## remove everything that `up` created, except the build cache
	@$(BIN)/seawall cluster down

serve: venv ## run only the gateway, without a cluster
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

unit: lint ## run lint and every test that starts no server (one minute)
	@$(PREPARE) unit
	@$(PYTEST) -n $(WORKERS) -m "not servers and not engine and not cluster and not soak"

tests-check: venv
	@$(PYTEST) -n $(WORKERS) -m "not engine and not cluster and not soak" --results=build/check.json

# Pyright runs in parallel with the tests.
check: lint ## run lint, types, import contracts and all tests without a cluster (three minutes)
	@$(PREPARE) check
	@$(MAKE) --no-print-directory -j2 types tests-check

quick: venv ## run the tests without a cluster that a change of ROOM=package can break
	@rooms=$$($(BIN)/python -m tests.support.quick "$(ROOM)") && \
	  $(PYTEST) -n $(WORKERS) -m "not engine and not cluster and not soak" $$rooms

# Each part runs only when the previous part has passed.
test: check ## run the whole test suite, on a separate cluster
	@$(PREPARE) engine
	@$(PYTEST) -n 2 -m "engine and not soak" --results=build/engine.json
	@$(PREPARE) cluster
	@$(MAKE) --no-print-directory -j2 tests-environment tests-own-clusters
	@$(BIN)/python -m tests.support.results $(addprefix build/,check.json engine.json own.json cluster.json)

tests-environment: venv
	@$(PYTEST) -m "cluster and not own and not soak" --results=build/cluster.json

# The output is printed at the end, so that it does not mix with that of tests-environment.
tests-own-clusters: venv
	@mkdir -p build
	@$(PYTEST) -m "own and not soak" --results=build/own.json >build/own.log 2>&1; \
	  status=$$?; cat build/own.log; exit $$status

soak: venv ## before a release: run long and random tests, and timed tests up to ten times (one hour)
	@$(PREPARE) check engine cluster
	@$(BIN)/python -m tests.soak

faults: venv ## run every fault of a provider and generate docs/faults.md
	@$(BIN)/python -m tests.faults >docs/faults.md.new
	@mv docs/faults.md.new docs/faults.md

bench: venv ## compare the gateway with a bare proxy and with other gateways (about 5 minutes)
	@$(BIN)/python -m tests.bench

docs: venv ## generate the pages that derive from code and results, and the site in build/site
	@$(BIN)/python -m tools.reference
	@$(BIN)/python -m infra.docker_compose files Pulumi.local.yaml
	@$(BIN)/python -m tools.verification
	@$(BIN)/python -m tools.site build/site

picture: venv ## after `make up`: write the output of `seawall status` to docs/images/status.svg
	@$(BIN)/python -m tools.picture

lock: venv ## resolve the dependencies again into locks/
	@tools/lock.sh

.PHONY: venv
venv:
	@tools/bootstrap.sh
