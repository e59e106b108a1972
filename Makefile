# Set-up runs once, and again when pyproject.toml or constraints.txt change; after it, no network is
# needed.
VENV := .venv
BIN := $(VENV)/bin

IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
PYTHON ?= $(shell python3.11 $(IS_NEW_ENOUGH) && echo python3.11 || echo python3)

# Building with the pinned setuptools keeps the build reproducible as well.
PIP_INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check \
	--constraint constraints.txt --no-build-isolation

.PHONY: help compare setup test lint format slow exports tex laws networks pictures architectures \
	quantised trainings notebooks docs bench clean

help:  ## say what can be made (the default)
	@sed -n 's/^\([a-z]*\):.*## /\1	/p' Makefile | expand -t 15

compare: $(VENV)/light  ## MobileNetV1 against MobileNetV2 at 224×224; sets up without torch
	@$(BIN)/flopscope compare mobilenetv1 mobilenetv2 --res 224

setup: $(VENV)/full  ## the full environment, with git hooks where this is a git checkout
	@! git rev-parse --git-dir >/dev/null 2>&1 || $(BIN)/pre-commit install

# Two workers, one thread each: tests are many and small, and torch's threads would fight for cores.
# Each worker takes one half of the files and, when it has done, some of what is left of the other's,
# so that what the tests of a file share is made once.
# Compiled files are kept: workers, kernels and commands that tests start would compile all anew.
# They are kept where Python looks for them, beside those that pip has compiled at set-up.
PYTEST := PYTHONDONTWRITEBYTECODE= OMP_NUM_THREADS=1 \
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal

test: lint  ## everything that CI checks: lint, then all fast tests and doctests
	$(PYTEST)

lint: $(VENV)/full  ## style, types, and who may import whom
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/full  ## mend style where a tool can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

slow: $(VENV)/full  ## the tests on examples drawn anew, which `make test` keeps fixed
	HYPOTHESIS_PROFILE=explore $(PYTEST)

exports: $(VENV)/full  ## export a network of every family and run each file beside its module
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/exports.py

tex: $(VENV)/full  ## compile the tables with a real TeX; pdflatex or tectonic must be installed
	@command -v pdflatex tectonic || { echo "neither pdflatex nor tectonic is installed" >&2; exit 1; }
	$(PYTEST) -k real_tex tests/present tests/tasks

laws: $(VENV)/light  ## derive the laws anew and write docs/laws.md
	$(BIN)/flopscope laws --format markdown --output docs/laws.md

networks: $(VENV)/full  ## count and prove every network anew and write docs/networks.md
	OMP_NUM_THREADS=1 $(BIN)/python docs/writing/networks.py

pictures: $(VENV)/full  ## draw the pictures of the pages anew
	OMP_NUM_THREADS=1 $(BIN)/python docs/writing/pictures.py

architectures: $(VENV)/full  ## trace every public network, in about an hour, and write docs/architectures.md
	OMP_NUM_THREADS=1 PYTHONPATH=tests/support $(BIN)/python docs/writing/sweep.py

quantised: $(VENV)/full  ## quantise networks of all families, in about half an hour, and write docs/quantised.md
	OMP_NUM_THREADS=1 $(BIN)/python docs/writing/quantised.py

trainings: $(VENV)/full  ## train by each recipe with several seeds, in about ten minutes, for notebook 11
	OMP_NUM_THREADS=1 $(BIN)/python benchmarks/trainings.py
	$(BIN)/python docs/writing/recipes.py

notebooks: $(VENV)/full  ## execute the notebooks anew and store their outputs
	OMP_NUM_THREADS=1 $(BIN)/python notebooks/execute.py

docs: $(VENV)/full  ## build the documentation site into build/site/html, and check links and spelling
	OMP_NUM_THREADS=1 $(BIN)/python docs/writing/site_build.py

bench: $(VENV)/full  ## time the answers
	$(BIN)/python benchmarks/run.py
	$(BIN)/python benchmarks/tracing.py
	$(BIN)/python benchmarks/pareto.py
	$(BIN)/python benchmarks/search.py
	$(BIN)/python benchmarks/sweeping.py
	$(BIN)/python benchmarks/coincidences.py
	$(BIN)/python benchmarks/cold.py
	$(BIN)/python benchmarks/here.py

clean:  ## remove the environment and everything that tools leave behind
	rm -rf $(VENV) build dist *.egg-info .hypothesis
	rm -rf .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/light: pyproject.toml constraints.txt
	@$(PYTHON) $(IS_NEW_ENOUGH) || { echo "flopscope needs Python 3.11 or later, and" \
		"$(PYTHON) is not; name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "setting up $(VENV) with $(PYTHON)" >&2
	@$(PYTHON) -m venv $(VENV)
	@$(PIP_INSTALL) setuptools
	@$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/full: $(VENV)/light
	@echo "adding torch and the test tools to $(VENV): a few minutes, once" >&2
	@$(PIP_INSTALL) --editable '.[test,dev]'
	@touch $@
