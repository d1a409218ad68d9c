# Every target makes what it needs: a fresh machine needs python3 (>= 3.11), make and git.
#   make demo    install, run an example desk of tools over a few hundred calls, show the summary
#   make test    install, run the tests
#   make lint    ruff and mypy
#   make bench   the table of measures, side by side with langchain-core and pydantic-ai
#   make peer    langchain-core's own unit tests against toolrun, and against a LangChain that runs on toolrun
#   make interop the official MCP conformance suite, and MCP servers of others (installs Node and them in .venv)
#   make torture tools that never return, in crowds; random faults in random trees of runs
#   make defects the tests of langchain-core's defects, run against it: each must fail
#   make clean   remove what the others made

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

.DEFAULT_GOAL := help
.PHONY: help demo test lint types layers bench torture peer interop defects clean

help:
	@sed -n 's/^#   //p' Makefile

$(BIN)/python:
	@$(PYTHON) .ci/make_venv.py $(VENV)

$(VENV)/.installed: pyproject.toml | $(BIN)/python
	$(PIP) install --editable .
	@touch $@

$(VENV)/.developing: pyproject.toml tests/requirements-no-deps.txt tests/requirements-interop.txt | $(BIN)/python
	$(PIP) install --editable '.[dev]'
	@$(PIP) install --requirement tests/requirements-interop.txt \
	  || echo 'Not to be had: tests/requirements-interop.txt. The tests that need it will be skipped.'
	@$(PIP) install --no-deps --requirement tests/requirements-no-deps.txt \
	  || echo 'Not to be had: tests/requirements-no-deps.txt. The tests that need it will be skipped.'
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	@$(BIN)/python examples/desk/make_calls.py > $(VENV)/desk.calls.jsonl
	@echo 'toolrun run examples/desk/tools.py:desk $(VENV)/desk.calls.jsonl -o $(VENV)/desk.results.jsonl'
	@$(BIN)/toolrun run examples/desk/tools.py:desk $(VENV)/desk.calls.jsonl -o $(VENV)/desk.results.jsonl || test $$? -eq 1
	@echo
	@echo 'The first results ($(VENV)/desk.results.jsonl has them all):'
	@head -n 3 $(VENV)/desk.results.jsonl

test: $(VENV)/.developing
	$(BIN)/pytest $(ARGS)

lint: $(VENV)/.developing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(MAKE) --no-print-directory types

types: $(VENV)/.developing
	$(BIN)/mypy

layers: $(VENV)/.developing
	$(BIN)/pytest -q tests/test_layers.py

$(VENV)/.comparing: tests/requirements-langchain.txt | $(VENV)/.developing
	$(PIP) install --requirement tests/requirements-langchain.txt
	$(PIP) install --no-deps 'langchain-core==1.8.2'
	@touch $@

$(VENV)/.measuring: benchmarks/requirements.txt | $(VENV)/.comparing
	@$(PIP) install --requirement benchmarks/requirements.txt || echo 'Not to be had: benchmarks/requirements.txt'
	@touch $@

bench: $(VENV)/.measuring
	$(BIN)/python -m benchmarks $(ARGS)

torture: $(VENV)/.developing
	$(BIN)/python tests/torture/torture.py --engine processes --rounds 50 $(ARGS)
	$(BIN)/python tests/torture/torture.py --engine threads $(ARGS)
	$(BIN)/python tests/torture/store.py $(ARGS)
	$(BIN)/python tests/torture/resume.py --kills 50
	FAULT_EXAMPLES=2000 $(BIN)/pytest -q --timeout 3600 tests/promises/test_faults.py

peer: $(VENV)/.developing
	$(BIN)/python tests/peer/run.py $(ARGS)
	$(BIN)/python tests/peer/run.py --subject installed $(ARGS)

interop: $(VENV)/.developing
	$(BIN)/python -m tests.interop.mcp.interop $(ARGS)

defects: $(VENV)/.comparing
	$(BIN)/python tests/promises/against_langchain_core.py

clean:
	rm -rf $(VENV) .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
