# Every target sets up what it needs, from PyPI and npm alone. `make help` lists them.
.DEFAULT_GOAL := help
.PHONY: help test test-old test-all survive coverage lint format demo gateway bench bench-overlap bench-fleet docs clean

VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Two processes, each with a gateway of its own; one where a running gateway is to be used.
TWICE := $(if $(LITELLM_TEST_URL),,-n 2 --dist loadfile)

SURVIVE := $(wildcard tests/*/trust) tests/functional/keys/test_interruptions.py

# Where versions of LiteLLM differ most.
OLD := $(patsubst %,tests/functional/test_%.py,answers identity types views)

help:  ## Say what there is to make
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

test: lint  ## Lint, type-check and run the tests against a real gateway
	$(BIN)/python -m pytest $(TWICE)

test-old: $(READY)  ## Run a short pass against LiteLLM 1.83.14
	LITELLM_TEST_VERSION=1.83.14 $(BIN)/python -m pytest $(TWICE) $(OLD)

test-all: lint  ## Run the tests with Salt 3006 and 3008, against LiteLLM 1.83.14, 1.106.2 and 1.110.2
	$(BIN)/nox

survive: $(READY)  ## Run all of what docs/survives.md describes (more than an hour)
	$(BIN)/python -m pytest $(TWICE) -m "survive or not survive" $(SURVIVE)

coverage: $(READY)  ## Run the unit and functional tests, and show which lines of src/ they miss
	$(BIN)/python -m pytest $(TWICE) --cov --cov-report=term-missing:skip-covered tests/unit tests/functional

lint: $(READY)  ## Check format, lint, types and changelog fragments
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@log=$$($(BIN)/towncrier build --draft --version unreleased 2>&1) || { echo "$$log"; exit 1; }

format: $(READY)  ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

demo: $(READY)  ## Show the main job on two real gateways, dev and prod
	@$(BIN)/python -m tools.demo

gateway: $(READY)  ## Start a real gateway and keep it until Ctrl-C
	@$(BIN)/python -m tests.support.gateway

bench: $(READY)  ## Measure what converging costs, beside the least any client could need
	@$(BIN)/python -m tools.bench
	@$(BIN)/python -m tools.bench_as_code

bench-overlap: $(READY)  ## Measure first converges whose writes overlap (twenty minutes)
	@$(BIN)/python -m tools.bench_overlap

bench-fleet: $(READY)  ## Measure what many gateways cost (half an hour, 5 GB)
	@$(BIN)/python -m tools.bench_fleet

docs: $(READY)  ## Build the documentation into docs/_build
	$(BIN)/uv pip install --quiet --system-certs --python $(BIN)/python --editable '.[docs]'
	$(BIN)/sphinx-build -W -q docs docs/_build

clean:  ## Remove what the other targets have set up
	rm -rf $(VENV) .coverage .gateway .nox .mypy_cache .pytest_cache .ruff_cache docs/_build

$(READY): setup.cfg tools/setup
	@tools/setup $(VENV)
	@touch $@
