# One command each: `make demo` and `make test` set up what they need.
PYTHON ?= python3
# Processes that run tests; each needs a core and about 4 GiB.
WORKERS ?= 2
VENV := .venv-$(notdir $(PYTHON))
BIN := $(VENV)/bin

.PHONY: demo test test-all check clean

demo: $(VENV)/.demo
	$(BIN)/python examples/demo.py

test: $(VENV)/.dev check
	$(BIN)/python -m pytest -m "not slow" -n $(WORKERS) --dist loadfile --durations 20

test-all: $(VENV)/.dev check
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip

$(VENV)/.%: setup.cfg pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	touch $@

clean:
	rm -rf .venv-* build *.egg-info demo_output
