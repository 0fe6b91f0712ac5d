# Two commands do all the set-up: `make demo` and `make test`. Needs python3.11+, git and make.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
FOR ?=
ROUNDS ?= 200
PIP_OPTIONS ?=
# What measures times or starts browsers and servers comes second, away from what only computes.
TIMED := tests/browser tests/faults tests/integration/feed tests/property/bus tests/property/store \
	tests/unit/bus tests/unit/cli tests/unit/lab tests/unit/store
JS := rtlab/messaging/js
JS_SOURCES := $(shell find $(JS)/src -type f) $(addprefix $(JS)/,build.mjs package.json package-lock.json)
# what takes longest comes first: the two processes are then done at the same time. nbval is for notebooks alone:
# what it imports costs each process more than a second. A process of tests that dies ends the run: the one in its
# place may wait for ever for what the dead one had done
BY_FILE := -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart=0
NOTEBOOKS := --nbval-lax --nbval-cell-timeout=120 notebooks

.PHONY: demo test test-full check kernels format house mutants environment widget wire pictures bench clean

demo: .made/demo
	-@$(MAKE) --no-print-directory .made/widget
	$(BIN)/rtlab demo $(if $(FOR),--for $(FOR))

test: .made/dev
	$(MAKE) --no-print-directory -j3 kernels check .made/widget
	$(BIN)/pytest $(BY_FILE) -p no:nbval $(addprefix --ignore=,$(TIMED))
	$(BIN)/pytest $(BY_FILE) $(NOTEBOOKS) $(TIMED)

test-full: .made/dev .made/widget check
	RTLAB_ROUNDS=$(ROUNDS) $(BIN)/pytest --timeout 3600 $(BY_FILE) -p no:nbval $(addprefix --ignore=,$(TIMED))
	RTLAB_ROUNDS=$(ROUNDS) $(BIN)/pytest --timeout 3600 $(BY_FILE) $(NOTEBOOKS) $(TIMED)

check: .made/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/mypy

kernels: .made/dev
	$(BIN)/python tools/kernels.py

format: .made/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

house: .made/dev
	$(BIN)/python tools/house.py

# changes the engine's kernel and its plain twin in every way mutmut knows, and tries each: hours, may be interrupted
mutants: .made/dev
	$(BIN)/pip install --quiet --disable-pip-version-check mutmut==3.8.1
	$(BIN)/python tools/mutants kernel
	$(BIN)/python tools/mutants twin

environment: .made/dev
	$(BIN)/python tools/environment.py > environment.yml

widget:
	rm -f .made/widget && $(MAKE) --no-print-directory .made/widget

wire: .made/dev
	$(BIN)/python tools/wire.py

pictures: .made/dev
	PICTURE=1 RTLAB_ROUNDS=1 $(BIN)/pytest tests/browser/test_market.py -k fits
	$(BIN)/python tools/pictures.py

bench: .made/dev
	$(BIN)/rtlab bench flow

.made/venv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "rtlab needs python3.11 or newer, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check 'pip>=25'  # older ones take thrice as long to choose
	mkdir -p .made && touch $@

.made/demo: pyproject.toml | .made/venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable .
	touch $@

.made/dev: pyproject.toml | .made/venv
	$(BIN)/pip install --quiet --disable-pip-version-check $(PIP_OPTIONS) --editable '.[dev,notebook]'
	touch .made/demo $@

# other people's code is installed and bundled, never committed; the demonstration goes on without it
.made/widget: $(JS_SOURCES) tools/widget.py | .made/venv
	$(BIN)/python tools/widget.py && touch $@

clean:
	rm -rf $(JS)/node_modules $(JS)/dist .made .shots .venv build dist *.egg-info
