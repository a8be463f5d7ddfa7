# Two commands: `make run` and `make test`. Everything else is here for those who build the product.
PYTHON ?= python3
PY := .venv/bin/python -W ignore::RuntimeWarning
export PYTHONPATH := $(CURDIR):$(CURDIR)/platform:$(CURDIR)/graphql

run:  ## start everything on this machine; Ctrl-C stops it
	@$(PYTHON) infra/setup.py run
	@$(PY) -m config.up

test:  ## lint, types, contracts, unit, integration, isolation, journeys in a real Chromium
	@$(PYTHON) infra/setup.py test
	@$(PY) infra/check.py

bench:  ## measure; NAME=provision for one, SIZE=small for the quick form
	@$(PYTHON) infra/setup.py run
	@$(PY) -m infra.bench $(NAME)

setup:
	@$(PYTHON) infra/setup.py test

format:
	.venv/bin/ruff check . --fix -q; .venv/bin/ruff format -q .

lock:  ## pin everything again, with hashes and without any registry's name
	for f in uv app dev; do .venv/bin/uv pip compile -q --upgrade --generate-hashes --python-version 3.11 --no-emit-index-url --no-header --override requirements/overrides.txt requirements/$$f.in -o requirements/$$f.txt; done
	npm update --package-lock-only

sdl:  ## write the GraphQL snapshots that the tests compare
	$(PY) manage.py export_sdl

.PHONY: run test bench setup format lock sdl
