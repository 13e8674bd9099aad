# `make` alone says what there is.

VENV ?= .venv
# NautilusTrader 2 has the package name of version 1, so its tests have an environment of their own.
RUST_ADAPTER_VENV ?= .venv-rust-adapter
ENGINE_2_VENV ?= .venv-engine-2
BUILD ?= build
UV ?= uv
# Passed on to the command that a target runs: make test ARGS="-k hook".
ARGS ?=

PROJECT = {{cookiecutter.project_slug}}
MAKE_VENV = sh "$(PROJECT)/scripts/make-venv"
# Bakes the default answers; cookiecutter alone is quicker to install than all that the tests need.
BAKE = "$(BUILD)/venv/bin/cookiecutter" --no-input --default-config --overwrite-if-exists
# The generated project's make has its own variables, whatever this one was called with.
BAKED_MAKE = MAKEFLAGS= MFLAGS= MAKEOVERRIDES= VENV=.venv ARGS= $(MAKE)

# An activated environment must not decide what runs here, and no bake should carry bytecode.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH
export PYTHONDONTWRITEBYTECODE = 1
export PYTHON

.DEFAULT_GOAL := help
.PHONY: help setup drill test test-quick test-long check lock bake

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## Make the virtual environment of the template's own tests, from the hashed lock
	@$(MAKE_VENV) "$(VENV)" requirements/test.txt

# Everything but the virtual environment is baked anew, so that nothing stale is left.
bake:
	@$(MAKE_VENV) "$(BUILD)/venv" requirements/bake.txt
	@mkdir -p "$(BUILD)/my-trader"
	@find "$(BUILD)/my-trader" -mindepth 1 -maxdepth 1 ! -name .venv -exec rm -rf {} +
	@$(BAKE) --output-dir "$(BUILD)" . project_slug=my-trader >/dev/null

drill: bake ## Bake the default answers into build/, set up, and run the recovery drill there
	@$(BAKED_MAKE) -C "$(BUILD)/my-trader" --no-print-directory setup
	@$(BAKED_MAKE) -C "$(BUILD)/my-trader" --no-print-directory drill

# Two at a time, for they wait more than they work; a file's tests share what they have set up.
test: setup ## Run the template's tests, but those that take minutes
	@"$(VENV)/bin/python" -m pytest -n 2 --dist loadfile $(ARGS)

test-quick: setup ## Run those that start no process, half of all
	@"$(VENV)/bin/python" -m pytest -n 2 --dist loadfile -m "not long and not processes" $(ARGS)

# The long ones play two cases at a time themselves. NautilusTrader 2 wants Python 3.13; without one
# its test says that it is skipped.
test-long: test ## Run all of them, the long ones too
	@for python in "$(VENV)/bin/python" python3.13 python3.14; do \
		"$$python" -c "import sys; sys.exit(sys.version_info < (3, 13))" 2>/dev/null || continue; \
		PYTHON=$$python $(MAKE_VENV) "$(RUST_ADAPTER_VENV)" requirements/rust_adapter.txt || exit; \
		RUST_ADAPTER_PYTHON=$$(cd "$(RUST_ADAPTER_VENV)" && pwd)/bin/python; \
		PYTHON=$$python $(MAKE_VENV) "$(ENGINE_2_VENV)" "$(PROJECT)/requirements/v2/runtime.txt" || exit; \
		ENGINE2_PYTHON=$$(cd "$(ENGINE_2_VENV)" && pwd)/bin/python; \
		export RUST_ADAPTER_PYTHON ENGINE2_PYTHON; \
		break; \
	done; \
	"$(VENV)/bin/python" -m pytest -m long $(ARGS)

check: setup ## Run every check of .pre-commit-config.yaml, of the template and of what it generates
	@VENV="$(VENV)" SKIP="$$SKIP,generated" sh "$(PROJECT)/scripts/check" $(ARGS)
	@rm -rf "$(BUILD)/check"
	@"$(VENV)/bin/cookiecutter" --no-input --default-config --output-dir "$(BUILD)/check" . project_slug=my-trader >/dev/null
	@venv=$$(cd "$(VENV)" && pwd) && cd "$(BUILD)/check/my-trader" && VENV=$$venv sh scripts/check $(ARGS)

# Keeps the pins that still fit; LOCK_FLAGS=--upgrade takes the newest.
LOCK = "$(UV)" pip compile --quiet --universal --generate-hashes --no-emit-index-url \
	--no-emit-find-links --custom-compile-command "make lock" $(LOCK_FLAGS) --python-version

lock: ## Make all locks anew from requirements/*.in, the generated project's first (needs uv)
	@command -v "$(UV)" >/dev/null || { echo "make lock needs uv: pip install uv, or name it in UV." >&2; exit 78; }
	@cd "$(PROJECT)" && for name in runtime exchange drill dev supply iac; do \
		$(LOCK) 3.12 "requirements/$$name.in" -o "requirements/$$name.txt" || exit; \
	done
	@rm -rf "$(BUILD)/lock-v2" && mkdir -p "$(BUILD)/lock-v2" && cp "$(PROJECT)/requirements/"*.* "$(BUILD)/lock-v2" \
		&& cp "$(PROJECT)/requirements/v2/"*.* "$(BUILD)/lock-v2" && cd "$(BUILD)/lock-v2" \
		&& for name in runtime dev; do \
			$(LOCK) 3.13 "$$name.in" -o "$$name.txt" || exit; \
			cp "$$name.txt" "$(CURDIR)/$(PROJECT)/requirements/v2/"; \
		done
	@for name in bake test; do \
		$(LOCK) 3.12 "requirements/$$name.in" -o "requirements/$$name.txt" || exit; \
	done
	@$(LOCK) 3.13 requirements/rust_adapter.in -o requirements/rust_adapter.txt
