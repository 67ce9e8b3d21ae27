# informer-bench: everything a person types. `make help` lists it.
#
# The environment lives in .venv, made with the standard library's venv from
# requirements.lock (exact versions, with hashes). Nothing is installed globally.

PYTHON ?= python3
PLAN   ?= default
VENV   := .venv
PY     := $(VENV)/bin/python
STAMP  := $(VENV)/.installed

.DEFAULT_GOAL := help

$(STAMP): requirements.lock informer/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "informer-bench needs Python 3.11 or newer; choose one with: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
	  || { echo "this Python cannot make a virtual environment; on Debian: apt-get install python3-venv"; exit 1; }
	@test ! -L $(VENV) \
	  || { echo "$(VENV) is a symbolic link, and what it leads to is not cleared: remove the link"; exit 1; }
	@echo "==> making $(VENV) from requirements.lock (once, about a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@# The lock is complete, so nothing is resolved: pip's resolver would otherwise look past a
	@# pin for the same package with an extra, and stop when a newer version has been released.
	@$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --only-binary :all: -r requirements.lock
	@$(PY) -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable informer
	@# So that python -m bench can be called from another folder, such as that of a server to measure.
	@echo "$(CURDIR)" > "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/informer-bench.pth"
	@$(PY) -m pip check --disable-pip-version-check
	@touch $@

.PHONY: env
env: $(STAMP) ## Make .venv from the lock file (every other target does this first)

.PHONY: bench
bench: $(STAMP) ## Run a plan from bare machine to reports/<run>/index.html   [PLAN=smoke|default|my.toml, or RESUME=latest]
	@$(PY) -m bench run $(if $(RESUME),--resume $(RESUME),$(PLAN)) $(ARGS)

.PHONY: soak
soak: $(STAMP) ## The long forms of tests, and recovery against the clock (run nothing beside it)
	@$(PY) -m pytest -m soak $(ARGS)

.PHONY: report
RUN ?= latest
report: $(STAMP) ## Make a run's report again, from files alone   [RUN=latest|<run>]
	@$(PY) -m bench report $(RUN)

.PHONY: up
up: $(STAMP) ## A populated throwaway cluster and both servers, until Ctrl-C   [ARGS="--pods 5000"]
	@$(PY) -m bench up $(ARGS)

.PHONY: ui
ui: $(STAMP) ## Locust's web page on both servers, with the API server in view   [ARGS="--port 8089"]
	@$(PY) -m bench ui $(ARGS)

.PHONY: compare
compare: $(STAMP) ## Two runs side by side   [A=<run> B=<run>]
	@$(PY) -m bench compare $(A) $(B)

.PHONY: ci-bench
ci-bench: $(STAMP) ## What the performance job does: the plan ci, and its gate   [AGAINST=<another checkout>]
	@$(PY) -m bench run ci $(if $(AGAINST),--against $(AGAINST))
	@$(PY) -m bench gate latest --rules ci --buy
	@$(if $(AGAINST),$(PY) -m bench gate latest --rules pull-request --buy)

.PHONY: conformance
conformance: $(STAMP) ## The informer beside client-go and the official one; writes informer/docs/conformance.md
	@$(PY) -m informer.conformance --write $(ARGS)

.PHONY: calibrate
calibrate: $(STAMP) ## Put known faults in and find them again: is the instrument right? (about 25 minutes)
	@$(PY) -m bench calibrate $(ARGS)

.PHONY: plans
plans: $(STAMP) ## The plans there are, and how long each takes
	@$(PY) -m bench plans

# Three at a time, a file each (tests/contract counts as one), on two processors: a third of a
# test's time is waiting for processes and faults.
# In the order of folders, so that the many short files of unit/ even out the end; by
# itself xdist would leave the files of few tests for it, and whole runs are among those.
# Tests start Python by the hundred: without kept bytecode each start compiles it all anew.
WORKERS ?= 3
TESTS := $(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder
test test-quick soak: export PYTHONDONTWRITEBYTECODE :=

.PHONY: test
test: $(STAMP) ## Run all tests, on a real kube-apiserver and etcd   [ARGS="-k name"] [WORKERS=2]
	@$(TESTS) $(ARGS)

.PHONY: test-quick
test-quick: $(STAMP) ## The tests that need neither a cluster nor a browser (under two minutes)
	@$(TESTS) tests/unit tests/golden informer/tests informer/examples $(ARGS)

.PHONY: test-informer
test-informer: ## The library alone, on any Python   [PYTHON=python3.14] [PINS=informer/lowest.txt]
	@$(PYTHON) -m venv --clear .venv-informer
	@.venv-informer/bin/python -m pip install --quiet --disable-pip-version-check \
	  $(if $(PINS),--constraint $(PINS)) --editable 'informer[prometheus]' pytest pytest-timeout hypothesis
	@.venv-informer/bin/python -m pytest informer/tests informer/examples $(ARGS)

.PHONY: check
check: $(STAMP) ## Format, lint, strict types, import contracts, dependencies, translations, workflows
	@$(VENV)/bin/ruff format --check .
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(VENV)/bin/lint-imports
	@$(VENV)/bin/deptry . --no-ansi
	@cd informer && ../$(VENV)/bin/deptry src --no-ansi
	@$(PY) -m docs.catalogue --check
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(VENV)/bin/check-jsonschema --builtin-schema vendor.github-actions action.yml
	@$(VENV)/bin/zizmor --offline --quiet .github/workflows action.yml

.PHONY: docs
docs: $(STAMP) ## Make the pages of docs/ again, from the declarations that they describe
	@$(PY) -m docs.build

.PHONY: catalogue
catalogue: $(STAMP) ## Bring the catalogues of translations up to date; what is new is left open
	@$(PY) -m docs.catalogue

.PHONY: microbench
microbench: $(STAMP) ## The speed of the parts, as ratios measured side by side (about ten minutes)
	@$(PY) -m bench.microbench

.PHONY: clean
clean: ## Remove .venv and tool caches; results, reports and the binaries' cache stay
	@rm -rf $(VENV) .venv-informer .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
	@find bench informer servers tests -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: lock
lock: ## Resolve requirements.lock anew from pyproject.toml (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-emit-find-links --no-emit-package kube-informer --no-header --no-annotate \
	  --upgrade --group dev pyproject.toml --output-file requirements.lock

.PHONY: help
help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-13s %s\n", $$1, $$2}'
