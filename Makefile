# Every target does its own set-up on a machine that has Python 3.11 or newer and make, and nothing else.
PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 8000
FUZZ_SECONDS ?= 600
BENCH ?=
DIST ?= dist
UNCOMMITTED ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup serve ui test replay bench lint format docs requirements mutation fuzz drills audit dist licences sbom clean

help: ## list the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## .venv with pinned dependencies and the nelm-cds command

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "nelm-cds needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned dependencies into $(VENV) (once)" >&2
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)

serve: setup ## the service on http://HOST:PORT with demo patients
	@$(BIN)/nelm-cds serve --host $(HOST) --port $(PORT)

ui: ## build the pages into cds_service/web/static; needs Node 20.19 or newer, which serving them does not
	npm ci --prefix cds_service/web/ui --ignore-scripts --no-audit --no-fund
	npm run build --prefix cds_service/web/ui

# The FHIR server of the integration tests, apart from our own pins.
$(VENV)-integration/.installed: requirements/integration.txt
	@test -x $(VENV)-integration/bin/python || $(PYTHON) -m venv $(VENV)-integration
	@echo "Installing the FHIR server of the integration tests (once)" >&2
	@$(VENV)-integration/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/integration.txt
	@touch $@

test: setup $(VENV)-integration/.installed ## format, lint, types, contracts, every test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --cov --cov-report=term

replay: setup ## replay the patient stories and show their cards
	@$(BIN)/nelm-cds replay test_fixtures/patients

bench: setup ## how fast the service is, beside a baseline (BENCH=--quick, BENCH=--publish for docs/performance.md); Linux
	@$(BIN)/python tests/benchmarks/bench.py $(BENCH)

lint: setup ## format check, lint, types, contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: setup ## format and sort imports
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: setup ## write the documents that are made from the code
	$(BIN)/python -m cds_service.guidelines.nelm_2006.document > docs/guidelines/nelm-2006.md
	$(BIN)/python -m cds_service.guidelines.nelm_2006.plain_facts > docs/schemas/nelm-2006-facts.json
	$(BIN)/python -m tests.support.rule_coverage > docs/guidelines/rule-coverage.md
	$(BIN)/python -m tests.support.peculiarities > docs/reading-charts.md
	$(BIN)/python -m tests.support.fault_table > docs/fhir-server-faults.md
	$(BIN)/python -m pytest --quiet tests/conformance --write-conformance

requirements: ## compile the pinned requirement files from pyproject.toml
	@test -x $(VENV)-compile/bin/uv || { $(PYTHON) -m venv $(VENV)-compile && $(VENV)-compile/bin/pip install --quiet uv; }
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --output-file requirements/runtime.txt
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --extra dev --extra tracing --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --constraint requirements/runtime.txt --output-file requirements/dev.txt
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --extra audit --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --constraint requirements/runtime.txt --output-file requirements/audit.txt
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --extra dev --extra tracing --extra mutation --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --constraint requirements/dev.txt \
	  --output-file requirements/mutation.txt
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --extra integration --universal --python-version 3.11 \
	  --generate-hashes --no-emit-index-url --no-header --quiet --constraint requirements/runtime.txt \
	  --output-file requirements/integration.txt
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --extra fuzz --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --constraint requirements/runtime.txt --output-file requirements/fuzz.txt
	$(VENV)-compile/bin/uv pip compile pyproject.toml --no-strip-extras --extra load --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --quiet --constraint requirements/runtime.txt --output-file requirements/load.txt

mutation: ## break the protocol's code in every small way; at least 95 % must be noticed (half an hour)
	@test -x $(VENV)-mutation/bin/cosmic-ray || { $(PYTHON) -m venv $(VENV)-mutation && \
	  $(VENV)-mutation/bin/pip install --quiet --require-hashes -r requirements/mutation.txt; }
	$(VENV)-mutation/bin/python tests/mutation/run.py

fuzz: $(VENV)-fuzz/.installed ## search for charts that break a promise of the mapper, for FUZZ_SECONDS (600); Linux
	@$(VENV)-fuzz/bin/python -m tests.fuzz.run --seconds $(FUZZ_SECONDS)

$(VENV)-fuzz/.installed: requirements/fuzz.txt
	@test -x $(VENV)-fuzz/bin/python || $(PYTHON) -m venv $(VENV)-fuzz
	@$(VENV)-fuzz/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/fuzz.txt
	@touch $(VENV)-fuzz/.installed

drills: $(VENV)-load/.installed ## load, and what breaks, through nginx and TLS; writes docs/drills.md (seven minutes); Linux
	@$(VENV)-load/bin/python -m tests.drills.run

$(VENV)-load/.installed: requirements/load.txt
	@test -x $(VENV)-load/bin/python || $(PYTHON) -m venv $(VENV)-load
	@$(VENV)-load/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/load.txt
	@touch $(VENV)-load/.installed

audit: $(VENV)-audit/.installed ## known vulnerabilities in the pinned runtime requirements
	$(VENV)-audit/bin/pip-audit --require-hashes --requirement requirements/runtime.txt

$(VENV)-audit/.installed: requirements/audit.txt
	@test -x $(VENV)-audit/bin/python || $(PYTHON) -m venv $(VENV)-audit
	@$(VENV)-audit/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/audit.txt
	@touch $@

dist: setup ## wheel and source archive of the last commit, the same bytes every time (UNCOMMITTED=1 for a tree that is changed)
	@test -n "$(UNCOMMITTED)" || test -z "$$(git status --porcelain)" || \
	  { echo "the tree is not the last commit: commit first, or set UNCOMMITTED=1" >&2; exit 1; }
	@mkdir -p $(DIST) && rm -f $(DIST)/nelm_cds-* $(DIST)/SHA256SUMS
	@SOURCE_DATE_EPOCH=$${SOURCE_DATE_EPOCH:-$$(git log -1 --format=%ct)} $(BIN)/python -m hatchling build --directory $(DIST)
	@cd $(DIST) && sha256sum nelm_cds-* | tee SHA256SUMS

# What a production machine gets and nothing beside it: licences and bill of materials are of this.
$(VENV)-runtime/.installed: requirements/runtime.txt pyproject.toml cds_service/__init__.py | setup $(VENV)-audit/.installed
	@rm -rf $(VENV)-runtime
	@$(PYTHON) -m venv --without-pip $(VENV)-runtime
	@$(VENV)-audit/bin/python -m pip --python $(VENV)-runtime/bin/python install --quiet --disable-pip-version-check \
	  --require-hashes -r requirements/runtime.txt
	@$(BIN)/python -m hatchling build --target wheel --directory build/runtime >&2
	@$(VENV)-audit/bin/python -m pip --python $(VENV)-runtime/bin/python install --quiet --disable-pip-version-check \
	  --no-deps --no-index build/runtime/nelm_cds-*.whl
	@rm -r build/runtime
	@touch $@

licences: $(VENV)-runtime/.installed ## the licences of what is deployed, into dist/; fails on one that pyproject.toml does not allow
	@mkdir -p $(DIST)
	@$(VENV)-audit/bin/pip-licenses --python=$(VENV)-runtime/bin/python --format=markdown --with-urls \
	  --output-file=$(DIST)/licences.md

sbom: $(VENV)-runtime/.installed ## the bill of materials of what is deployed, into dist/ (CycloneDX)
	@mkdir -p $(DIST) build
	@version=$$($(VENV)-runtime/bin/nelm-cds --version) && \
	  sed "s/^dynamic = .*/version = \"$${version#nelm-cds }\"/" pyproject.toml > build/pyproject.toml
	@$(VENV)-audit/bin/cyclonedx-py environment --pyproject build/pyproject.toml --output-reproducible --validate \
	  --output-format JSON --output-file $(DIST)/sbom.cdx.json $(VENV)-runtime/bin/python

clean: ## remove what the targets made
	rm -rf $(VENV) $(VENV)-compile $(VENV)-audit $(VENV)-runtime $(VENV)-mutation $(VENV)-fuzz $(VENV)-load $(VENV)-integration build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
