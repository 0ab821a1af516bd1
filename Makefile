# Every target makes the environment that it needs. All that must be there is Python 3.11 or newer, make, git and a compiler.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

export PIP_DISABLE_PIP_VERSION_CHECK := 1

VENV  := .venv
BIN   := $(VENV)/bin
READY := $(VENV)/.ready
BENCH := .venv-bench
GANGLINE := $(CURDIR)/$(BIN)/gangline
SUITES := unit property differential conformance integration acceptance

# So many files of tests run side by side; most of them wait more than they compute.
WORKERS  ?= 3
PARALLEL := --numprocesses=$(WORKERS) --dist=loadfile --no-loadscope-reorder --max-worker-restart=4

# The first interpreter that is new enough; `make PYTHON=/path/to/python` chooses another one.
CANDIDATES := python3.11 python3 python3.12 python3.13 python3.14
PYTHON ?= $(shell for python in $(CANDIDATES); do \
	"$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && break; done)

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z%-]*\):.*## /\1\t/p' Makefile | expand -t 20

.PHONY: demo
demo: $(READY) ## a file pipeline: measure the standard library on all cores, draw it, and find it done (build/demo)
	@mkdir -p build/demo
	cd build/demo && $(GANGLINE) run ../../examples/stdlib/pipeline.py
	@cat build/demo/stdlib.txt
	@echo "Picture: build/demo/stdlib.svg"
	@echo "Once more: what is there and not older than what it was made from is not made again."
	cd build/demo && $(GANGLINE) run ../../examples/stdlib/pipeline.py

.PHONY: example-variants
example-variants: $(READY) ## reads of the phage lambda, aligned, called and drawn (build/variants)
	@examples/variants/prepare.sh build/variants
	cd build/variants && $(GANGLINE) run ../../examples/variants/pipeline.py
	@cat build/variants/results/summary.tsv
	@echo "Picture: build/variants/results/variants.svg"

.PHONY: example-primes
example-primes: $(READY) ## durable jobs: the primes below a million with 1, 2 and 4 slots, drawn
	$(BIN)/python examples/primes/measure.py build/primes

.PHONY: example-thumbnails
example-thumbnails: $(READY) ## durable jobs: photographs made small by workers that are killed meanwhile
	$(BIN)/python examples/thumbnails/fetch.py build/thumbnails/images
	$(BIN)/python examples/thumbnails/run.py build/thumbnails/images build/thumbnails

.PHONY: example-sky
example-sky: $(READY) ## a recipe in two halves: sources in images of the sky, measured on hosts, drawn (build/sky)
	$(BIN)/python examples/sky/prepare.py build/sky
	cd build/sky && venv/bin/python ../../examples/sky/sky.py --verbose
	@echo "Catalogue: build/sky/results/sources.csv"
	@echo "Picture: build/sky/results/sources.svg"

.PHONY: test
test: lint ## lint, then all tests
	$(call run-tests,)

.PHONY: $(SUITES:%=test-%)
$(SUITES:%=test-%): test-%: $(READY)
	$(call run-tests,tests/$*)

.PHONY: lint
lint: $(READY) ## format, rules, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: format
format: $(READY) ## bring all files into shape
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

.PHONY: bench
bench: $(BENCH)/.ready ## measure against the peers and print the table
	$(BENCH)/bin/python -m benchmarks

.PHONY: bench-scale
bench-scale: $(READY) ## measure what one client costs, simulate how far it goes, and write docs/scale.md
	$(BIN)/python -m benchmarks.scale

.PHONY: lock
lock: ## pin the newest versions of all requirements
	$(call write-lock,dev)
	$(call write-lock,bench)

.PHONY: clean
clean: ## remove everything that can be made again
	rm -rf $(VENV) $(BENCH) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

$(READY): requirements-dev.txt pyproject.toml
	$(call make-environment,$(VENV),dev)

$(BENCH)/.ready: requirements-bench.txt pyproject.toml
	$(call make-environment,$(BENCH),bench)

# Tests start hundreds of interpreters; where these may not write bytecode, each would compile the package for itself.
define run-tests
@$(BIN)/python -m compileall -q src
$(BIN)/python -m pytest $(PARALLEL) $(1)
endef

define make-environment
@test -n "$(PYTHON)" || { echo "Gangline needs Python 3.11 or newer with the venv module; none of '$(CANDIDATES)' is one." \
	"Install it (Debian: apt install python3 python3-venv) or name it: make PYTHON=/path/to/python" >&2; exit 1; }
test -x $(1)/bin/python || $(PYTHON) -m venv $(1)
$(1)/bin/python -m pip install --quiet --requirement requirements-$(2).txt
$(1)/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
touch $(1)/.ready
endef

define write-lock
rm -rf build/lock && $(PYTHON) -m venv build/lock
build/lock/bin/python -m pip install --quiet --requirement requirements-$(1).in
{ echo "# Written by 'make lock' from requirements-$(1).in."; build/lock/bin/python -m pip freeze; } > requirements-$(1).txt
rm -rf build/lock
endef
