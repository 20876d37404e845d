# make demo      the main job: HumanEval twice against a scripted model, both reports side by side
# make test      the tests that need pip packages alone
# make test-all  the same, and those that need installs or more time
# make check     format, lint, types, layers, drift of generated files
# make bench     every figure beside its goal
# make generate  write the generated files again

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src -name '*.py' -o -name py.typed) pyproject.toml README.md LICENSE
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: demo test test-all check bench generate clean

demo: $(VENV)/.runner
	$(BIN)/python scripts/demo.py

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 -m "not slow and not network and not programs"

# The quick tests on the newest Python at hand, then every test on this one.
test-all: $(VENV)/.dev
	newest="$$($(BIN)/python scripts/newest.py)"; \
	if [ -n "$$newest" ]; then $(MAKE) test PYTHON="$$newest" VENV=.venv-newest; \
	else echo "no Python newer than this one at hand: tested on this one alone"; fi
	$(BIN)/python -m pytest -q -n 2

check: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python scripts/generate.py --check

bench: $(VENV)/.dev
	$(BIN)/python benchmarks/run.py

generate: $(VENV)/.dev
	$(BIN)/python scripts/generate.py

clean:
	rm -rf $(VENV) dist build

# The wheel is what is installed, never the source tree, so what the tests see is what users get.
$(VENV)/.wheel: $(SOURCES)
	@test -x $(BIN)/python || $(PYTHON) scripts/venv.py $(VENV)
	rm -rf dist && $(BIN)/python -m pip wheel -q --no-deps --wheel-dir dist .
	@touch $@

$(VENV)/.runner: $(VENV)/.wheel
	$(BIN)/python -m pip install -q --force-reinstall --no-deps dist/*.whl
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[testing]"
	@touch $@

$(VENV)/.dev: $(VENV)/.runner
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[testing,dev]"
	$(BIN)/python -m compileall -q $(BIN)/../lib/python*/site-packages/runner_env
	@touch $@

$(VENV)/.lint: $(VENV)/.dev
	$(BIN)/python -m pip install -q "$$(ls dist/*.whl)[lint]"
	@touch $@
