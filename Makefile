# Two commands are enough on a fresh machine (python3.11, git, make): `make demo` and `make test`.
# Each target builds .venv/ when it is missing or when the requirements have changed, and reuses it otherwise.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: help setup demo test test-slow lint bench bench-search verify clean

help:
	@echo "make demo       set up, train on the shipped expert logs, show agreement, play a game (15 minutes at most)"
	@echo "make test       set up, run the tests (8 minutes at most)"
	@echo "make test-slow  the long tests as well"
	@echo "make lint       ruff and mypy --strict"
	@echo "make bench      speed, against the peers that PyPI has"
	@echo "make bench-search  the same of look-ahead and rollouts"
	@echo "make verify     the million-roll comparison of the move generator, and the scorer against torch"

setup: $(READY)

$(READY): setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

.venv/.peers: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]'
	touch $@

demo: setup
	$(BIN)/python -m scripts.demo

test: setup
	$(BIN)/python -m pytest -m "not slow"

test-slow: setup
	$(BIN)/python -m pytest

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: .venv/.peers
	$(BIN)/python -m scripts.bench --log docs/bench-log.jsonl

bench-search: .venv/.peers
	$(BIN)/python -m scripts.bench_search --log docs/bench-log.jsonl

verify: .venv/.peers
	$(BIN)/python -m scripts.verify_movegen
	$(BIN)/python -m scripts.verify_scorer

clean:
	rm -rf .venv build dist *.egg-info runs
