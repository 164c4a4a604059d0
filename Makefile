# make serve   a running server with the demo, at http://127.0.0.1:6543
# make test    every test
# make check   lint, types, layers
# make bench   side-by-side measurements
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet

.PHONY: serve test check format bench clean

serve: $(VENV)/.installed
	$(BIN)/pserve development.ini

test: $(VENV)/.tested
	$(BIN)/python -m pytest -n auto --dist loadgroup

check: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_layers.py

format: $(VENV)/.tested
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(VENV)/.tested
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis

# A file for each kind of environment, so that installing happens once, and again when setup.py changes.
$(VENV)/.installed: setup.py
	$(PYTHON) -m venv $(VENV)
	$(PIP) install -e .
	touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(PIP) install -e '.[test,check,bench]'
	touch $@
