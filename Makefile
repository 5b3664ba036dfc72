# `make check` and `make e2e` are what CI runs. Everything happens in .venv, which the first target that needs it creates.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
BENCH_VENV ?= .venv-bench
RUNTIME_VENV ?= .venv-runtime
BIN := $(VENV)/bin

# The first interpreter that starts; a version manager's shim for a missing one does not.
PYTHON ?= $(or $(shell for p in python3.11 python3.12 python3.13 python3.14; do \
	$$p -c '' 2>/dev/null && echo $$p && break; done),$(error No Python 3.11 to 3.14 on PATH: install one, or say make PYTHON=/its/path))

# uv from PATH, else a hash-pinned copy in .uv.
UV := $(shell uv --version >/dev/null 2>&1 && command -v uv || echo .uv/bin/uv)
# Never a Python from the network, and no warning where cache and checkout are on two file systems.
export UV_PYTHON_DOWNLOADS := never
export UV_LINK_MODE := copy
# What pip was told about this network holds for uv too.
ifdef PIP_CERT
export SSL_CERT_FILE ?= $(PIP_CERT)
endif
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

MEMBERS := wrapper consumer dispatcher reconciler
EDITABLE := $(MEMBERS:%=-e ./%)
# Workers of the test run; `make test WORKERS=0` runs in one process.
WORKERS ?= 2
NODES ?= 2
# More arguments: `make test ARGS='-k ending'` for pytest, `make bench ARGS='publish'` for one table.
ARGS ?=

# Tests marked `serial` want the machine for themselves: they run first, alone, and there need not be any (pytest's 5).
define run_tests
	@$(1) -m pytest --quiet -m 'serial and not e2e and not endurance' $(ARGS) || [ $$? -eq 5 ]
	@$(1) -m pytest -n $(WORKERS) -m 'not serial and not e2e and not endurance' $(ARGS)
endef

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## (.*)/\1\t\2/' \
	| while IFS="$$(printf '\t')" read -r name text; do printf 'make %-13s %s\n' "$$name" "$$text"; done

.PHONY: setup
setup: $(VENV)/.stamp ## create .venv from the hash-pinned requirements, the distributions editable
	@:

.PHONY: demo
demo: setup ## run real commands through the wrapper to a handler, each ending once
	@$(BIN)/eightbells demo

.PHONY: test
test: setup ## run the test suite
	$(call run_tests,$(BIN)/python)

.PHONY: endurance
endurance: setup ## play thousands of rounds of what fails once in a thousand times
	@$(BIN)/python -m pytest -m endurance $(ARGS)

.PHONY: check
check: lint types contracts sizes spelling coverage ## all that CI checks; contains the test suite

.PHONY: lint
lint: setup ## check style and formatting
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --quiet --check --diff .

.PHONY: format
format: setup ## rewrite what `make lint` would complain about
	@$(BIN)/ruff check --quiet --fix .
	@$(BIN)/ruff format --quiet .

.PHONY: types
types: setup ## check types, strictly
	@$(BIN)/mypy

.PHONY: contracts
contracts: setup ## check who may import whom
	@$(BIN)/lint-imports --no-logo || { echo 'ARCHITECTURE.md says who imports whom; the contracts are in pyproject.toml'; false; }

.PHONY: sizes
sizes: setup ## check that no file is longer than 300 lines
	@$(BIN)/loq check

.PHONY: spelling
spelling: setup ## check the spelling
	@$(BIN)/typos

# The children's data files are combined before the report, also after a failed run has left some.
.PHONY: coverage
coverage: setup ## run the test suite, measured
	@$(BIN)/coverage erase
	$(call run_tests,$(BIN)/coverage run)
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report

# As root on Debian, `prepare` installs what is missing; elsewhere it says what that is, and the tests are skipped. Where
# CI=true promises a cluster, that is a failure.
.PHONY: e2e
e2e: setup ## run the tests that need a Kubernetes cluster, on one that is started for them
	@$(BIN)/python -m tests.cluster prepare || [ "$$CI" != true ]
	@$(BIN)/python -m pytest tests/e2e tests/drills -m e2e -n $(WORKERS) $(ARGS)

.PHONY: drills
drills: setup ## cause every fault on a cluster, and print what a consumer is told; ARGS=--write keeps it as docs/drills.md
	@$(BIN)/python -m tests.cluster prepare
	@$(BIN)/python -m tests.drills $(ARGS)

.PHONY: cluster
cluster: setup ## start a Kubernetes cluster of two nodes to play with; NODES=3 for more
	@$(BIN)/python -m tests.cluster up --nodes $(NODES)

.PHONY: cluster-down
cluster-down: setup ## stop it, and leave nothing of it
	@$(BIN)/python -m tests.cluster down

.PHONY: bench
bench: $(BENCH_VENV)/.stamp ## measure publish, consume, latency and the wrapper's footprint against peers
	@$(BENCH_VENV)/bin/python -m bench $(ARGS)

# What is said while it prepares is not part of the result.
.PHONY: bench-cluster
bench-cluster: setup ## measure how soon a start and an end are known on an idle cluster, beside watches and polling
	@$(BIN)/python -m tests.cluster prepare >&2 || true
	@$(BIN)/python -m bench.cluster $(ARGS)

# `make runtime ARCHS=amd64` builds for one architecture; the local one is also tried.
.PHONY: runtime
runtime: $(RUNTIME_VENV)/.stamp ## build dist/eightbells-runtime-<arch>.tar.xz, the directory that goes into images
	@UV=$(UV) $(RUNTIME_VENV)/bin/python -m tools.runtime $(ARCHS)

.PHONY: images
images: setup ## build the images of images/ with docker or buildah; ARGS='--help' says what else
	@$(BIN)/python -m tools.images --has-runtime || $(MAKE) runtime
	@$(BIN)/python -m tools.images $(ARGS)

.PHONY: golden
golden: setup ## write the Jobs and explanations that tests compare with anew; read the difference
	@$(BIN)/python -m tests.dispatcher.golden
	@$(BIN)/python -m tests.reconciler.golden

.PHONY: generate
generate: setup ## write the generated files anew
	@$(BIN)/python -m tools.generate

# The header would name this machine's options. `make lock LOCK_ARGS=--upgrade` takes the newest of everything.
.PHONY: lock
lock: $(UV) ## resolve requirements/*.in into the hash-pinned *.txt
	@for name in uv dev bench runtime bundle cluster; do \
		$(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
			$(LOCK_ARGS) requirements/$$name.in --output-file requirements/$$name.txt; \
	done

.PHONY: clean
clean: ## remove everything that make created
	@rm -rf .uv .venv .venv-* dist .coverage .coverage.* .hypothesis .import_linter_cache .loq_cache .mypy_cache .pytest_cache .ruff_cache
	@find $(MEMBERS) tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.stamp: requirements/dev.txt $(MEMBERS:%=%/pyproject.toml) | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@$(UV) pip sync --quiet --python $(BIN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(BENCH_VENV)/.stamp: requirements/bench.txt $(MEMBERS:%=%/pyproject.toml) | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(BENCH_VENV)
	@$(UV) pip sync --quiet --python $(BENCH_VENV)/bin/python --require-hashes requirements/bench.txt
	@$(UV) pip install --quiet --python $(BENCH_VENV)/bin/python --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

$(RUNTIME_VENV)/.stamp: requirements/runtime.txt | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(RUNTIME_VENV)
	@$(UV) pip sync --quiet --python $(RUNTIME_VENV)/bin/python --require-hashes requirements/runtime.txt
	@touch $@

.uv/bin/uv: requirements/uv.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--require-hashes --only-binary :all: --upgrade --target .uv --requirement requirements/uv.txt
	@touch $@
