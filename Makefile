# Needs Python 3.11 or later and make. Everything else goes into .venv, which is made once and
# updated when pyproject.toml changes.
#
#   make run    simulate, calibrate, reduce, score and report the scenario `quick`
#   make test   every check: lint, types, imports, unit, doctest, docs; each is a target of its own
#   make clean  remove .venv and everything built; runs stay

CANDIDATES := python3.13 python3.12 python3.11 python3
SUPPORTED := import sys, ensurepip; print("yes" * (sys.version_info >= (3, 11)))
PYTHON ?= $(firstword $(foreach p,$(CANDIDATES),$(if $(call is_supported,$p),$p)) python3)
is_supported = $(shell $1 -c '$(SUPPORTED)' 2>/dev/null)

VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: help run test lint types imports unit doctest docs clean
.DELETE_ON_ERROR:

help:
	@sed -n 's/^#   //p' Makefile

run: $(VENV)/.installed
	$(BIN)/iris-testbed run quick --out runs/quick

test: lint types imports unit doctest docs

lint types imports unit doctest docs: $(VENV)/.installed-test

lint:
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types:
	$(BIN)/mypy

imports:
	$(BIN)/lint-imports

unit:
	$(BIN)/pytest -q -n 2 --dist loadgroup

doctest:
	$(BIN)/pytest -q --doctest-glob='*.md' README.md docs

docs:
	$(BIN)/sphinx-build -W --keep-going -q -b html docs docs/_build/html
	@echo "documentation: docs/_build/html/index.html"

clean:
	rm -rf $(VENV) build dist docs/_build docs/_generated .pytest_cache .mypy_cache .ruff_cache .hypothesis
	rm -rf .import_linter_cache
	find contract simulator reduction validators reports harness tests docs -name __pycache__ -prune -exec rm -rf {} +

$(VENV)/.created:
	$(if $(call is_supported,$(PYTHON)),,$(error iris-testbed needs Python 3.11 or later with venv, and \
		$(PYTHON) is "$(shell $(PYTHON) --version 2>&1 | head -n 1)"; name another one: make PYTHON=...))
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: pyproject.toml $(VENV)/.created
	$(INSTALL) --editable .
	@touch $@

$(VENV)/.installed-test: pyproject.toml $(VENV)/.created
	$(INSTALL) --editable '.[test,docs]'
	@touch $(VENV)/.installed $@
