# Two commands do everything on a fresh machine with Python 3.11 or newer:
#   make table1    install mebench into .venv and run the main benchmark
#   make test      install what the tests need and pass them
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# The releases that the committed results were made with; `make test CONSTRAINTS= VENV=.venv-newest` takes the newest.
CONSTRAINTS ?= constraints.txt
# Python compiles what it imports, once: pip would compile all of torch first, by one core, for half a minute.
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile $(CONSTRAINTS:%=--constraint %)

.PHONY: table1 test test-newest setup expense lint recompute perf perf-check docs clean

table1: $(VENV)/.run
	$(BIN)/mebench run benchmarks/table1.yaml

test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 3  # on two cores: tests wait for processes of their own, and for disks

# What each test costs in time of the processor, with all that it starts: see "What a test costs" in CONTRIBUTING.md.
expense: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 -q -p expense

# The tests with the newest torch and torchvision, whatever the range of pyproject.toml says.
test-newest: VENV := .venv-newest
test-newest:
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade torch torchvision
	$(VENV)/bin/python -m pytest -n 2

# Once, in a new checkout: all that development needs, and the hooks of .pre-commit-config.yaml before each commit.
setup: $(VENV)/.dev
	$(BIN)/pre-commit install

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	mkdir -p build
	$(BIN)/python scripts/named_as_text.py > build/named_as_text.py
	$(BIN)/vulture
	$(BIN)/deptry mebench plugins
	$(BIN)/codespell

# Fails where a page says something else than the committed rows, or shows another picture than they would draw.
recompute: $(VENV)/.dev
	$(BIN)/python docs/recompute.py
	$(BIN)/python docs/recompute.py --pictures --check

$(BIN)/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(PIP) -e .
	touch $@

$(VENV)/.dev: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(PIP) -e ".[dev]"
	touch $@

# Makes the pages of docs/reference anew, and the site in build/site.
docs: $(VENV)/.docs
	$(BIN)/python docs/generate.py
	$(BIN)/mkdocs build --strict

$(VENV)/.docs: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(PIP) -e ".[docs]"
	touch $@

clean:
	rm -rf $(VENV)

# The allocator settings are those that `mebench run` gives its workers.
PERF := MALLOC_MMAP_THRESHOLD_=1073741824 MALLOC_TRIM_THRESHOLD_=17179869184 $(BIN)/python -m pytest benchmarks/perf \
	--benchmark-group-by=group --benchmark-columns=min,median --benchmark-json=build/perf.json

# Times every case beside the obvious way to do it, and prints the table of docs/performance.md.
perf: $(VENV)/.dev
	mkdir -p build
	$(PERF)
	$(BIN)/python benchmarks/perf/ratios.py build/perf.json

# Only the cheap cases; fails if a lever was lost.
perf-check: $(VENV)/.dev
	mkdir -p build
	$(PERF) -m cheap -q
	$(BIN)/python benchmarks/perf/ratios.py build/perf.json --check
