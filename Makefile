# make run    installs what samdesk needs and opens its window
# make test   installs everything and runs every check; no display needed
# Settings: PYTHON=python3.12  ACCEL=cpu|gpu  VENV=.venv  ARGS='scan1/ scan2/'
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(if $(shell $(p) -c 'import sys; print(int((3,11)<=sys.version_info[:2]<=(3,13)))' 2>/dev/null | grep 1),$(p))))
VENV ?= .venv
ACCEL ?= $(if $(shell nvidia-smi -L 2>/dev/null | grep GPU),gpu,cpu)
ARGS ?=
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
DEMO := samdesk-demo
export PYTHONUTF8 := 1

.PHONY: help run run-virtual test lint setup lock clean distclean screenshots package badinputs

help:
	@grep -E '^# make' Makefile; echo "# make run-virtual | lint | setup | lock | screenshots | package | badinputs | clean | distclean"

$(VENV)/.venv:
	@bash packaging/system.sh python "$(PYTHON)"
	@echo "Creating $(VENV) with $(PYTHON)"; $(PYTHON) -m venv $(VENV) && touch $@

# The program itself, without torch. One of the two ONNX Runtime packages, never both.
$(VENV)/.run-$(ACCEL): $(VENV)/.venv pyproject.toml constraints.txt
	@echo "Installing samdesk[$(ACCEL)] (the first time: about a minute)"
	@if ls $(VENV)/.run-* >/dev/null 2>&1 && [ ! -e $@ ]; then rm -f $(VENV)/.run-*; $(PIP) uninstall -y onnxruntime onnxruntime-gpu >/dev/null 2>&1 || true; fi
	@$(PIP) install -c constraints.txt -e '.[$(ACCEL)]' && touch $@

$(VENV)/.dev: $(VENV)/.run-$(ACCEL) packaging/install_torch.sh
	@echo "Installing what the tests and the training need (the first time: one to three minutes)"
	@bash packaging/install_torch.sh $(BIN)/python constraints.txt
	@$(PIP) install -c constraints.txt -e '.[$(ACCEL),train,dev,package]' && touch $@

setup: $(VENV)/.dev

run: $(VENV)/.run-$(ACCEL)
	@[ "$$(id -u)" -ne 0 ] || bash packaging/system.sh qt $(BIN)/python window || true
	@$(BIN)/samdesk $(ARGS); code=$$?; \
	if [ $$code -eq 6 ]; then \
	  echo "No window can open here, so the demonstration runs without one."; \
	  $(BIN)/samdesk demo --headless --out $(DEMO) && echo "Its matches, report and pictures are in $(CURDIR)/$(DEMO)"; \
	else exit $$code; fi

run-virtual: $(VENV)/.run-$(ACCEL)
	@command -v xvfb-run >/dev/null || { echo "This needs Xvfb: sudo apt-get install -y xvfb xauth"; exit 2; }
	@xvfb-run -a -s '-screen 0 1600x1000x24' $(BIN)/samdesk $(ARGS)

test: $(VENV)/.dev
	@bash packaging/system.sh qt $(BIN)/python offscreen
	@$(BIN)/python packaging/check.py $(ARGS)

lint: $(VENV)/.dev
	@$(BIN)/python packaging/check.py quick

screenshots: $(VENV)/.dev
	@bash packaging/system.sh qt $(BIN)/python offscreen
	@QT_QPA_PLATFORM=offscreen $(BIN)/python packaging/screenshots.py $(ARGS)

package: $(VENV)/.dev
	@bash packaging/system.sh qt $(BIN)/python offscreen
	@$(BIN)/python packaging/build.py $(ARGS)

# Every made bad input beside the repository, each in a child of its own; one closing line.
badinputs: $(VENV)/.dev
	@$(BIN)/python -m pytest -q -p no:cacheprovider -m realdata tests/io/test_corpus.py $(ARGS)

# One file for all systems and Pythons. A local wheel in sight would change the markers, so uv sees none.
lock: $(VENV)/.venv
	@$(PIP) install uv
	@env -u UV_FIND_LINKS $(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 \
	  --extra cpu --extra train --extra dev --extra package --no-header --no-annotate \
	  --no-emit-index-url --no-emit-find-links -q | sed -E 's/\+cpu\b//' > constraints.new
	@! grep -nE '://|\+cpu' constraints.new && mv constraints.new constraints.txt && wc -l constraints.txt

clean:
	rm -rf build dist out $(DEMO) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage .coverage.* coverage.json

distclean: clean
	rm -rf $(VENV)
