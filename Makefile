# Two commands are enough on a fresh machine (python3.11, git, make): `make demo` and `make test`.
# Each target builds .venv/ when it is missing or when the requirements have changed, and reuses it otherwise.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
WORKERS ?= 2
READY := .venv/.ready

.PHONY: help setup demo test test-slow lint bench bench-search bench-web test-web verify clean

help:
	@echo "make demo       set up, train on the shipped expert logs, show agreement, play a game (15 minutes at most)"
	@echo "make test       set up, run the tests (8 minutes at most)"
	@echo "make test-slow  the long tests as well"
	@echo "make test-web   the board in a real Chromium (90 seconds; needs the program chromium, or CHROMIUM=path)"
	@echo "make lint       ruff and mypy --strict"
	@echo "make bench      speed, against the peers that PyPI has"
	@echo "make bench-search  the same of look-ahead and rollouts"
	@echo "make bench-web  what a click on the board waits for (needs chromium too)"
	@echo "make verify     the million-roll comparison of the move generator, and the scorer against torch"

setup: $(READY)

$(READY): setup.cfg pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	touch $(READY)

.venv/.peers: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]'
	touch $@

AXE := axe-core-4.14.1

.venv/.web-test: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[web-test]'
	mkdir -p .venv/axe
	cd .venv/axe && npm pack --silent $(subst core-,core@,$(AXE)) && tar xzf $(AXE).tgz package/axe.min.js
	touch $@

demo: setup
	$(BIN)/python -m scripts.demo

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m "not slow"

test-slow: setup
	$(BIN)/python -m pytest

test-web: .venv/.web-test
	@if command -v "$${CHROMIUM:-chromium}" > /dev/null; then PAIRGAMMON_BROWSER=1 $(BIN)/python -m pytest tests/browser; \
	elif [ "$$CI" = true ]; then echo "no chromium: apt-get install chromium" >&2; exit 1; \
	else echo "no chromium, so the board is not tested in a browser: install it, or set CHROMIUM"; fi

bench-web: .venv/.web-test
	$(BIN)/python -m scripts.bench_web

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
