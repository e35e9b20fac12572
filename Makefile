# Everything this project can do, one target each. `make help` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:

PYTHON ?= python3
UV_VERSION := 0.13.8
UV := .venvs/uv/bin/uv
BIN := .venv/bin
# How many processes run the tests, each with its own emulator: one more than cores, because tests wait a lot.
WORKERS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)
PYTEST = $(BIN)/python -m pytest -n $(WORKERS) --maxprocesses 4 --dist worksteal
# yes: a test that would be skipped because curl is absent fails instead.
REQUIRE_CURL ?=

export REQUIRE_CURL
export UV_COMPILE_BYTECODE := 1
export UV_PYTHON_DOWNLOADS := never
unexport PYTHONDONTWRITEBYTECODE VIRTUAL_ENV PYTHONPATH PYTHONHOME PYTHONOPTIMIZE
# They would put the environments elsewhere, or build them from source.
unexport PIP_TARGET PIP_PREFIX PIP_USER UV_NO_BINARY UV_PROJECT

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/' | expand -t 16

# --- environments: the project's own, all locked in uv.lock ---

$(UV):
	@scripts/check-python '$(PYTHON)' '$(MAKECMDGOALS)'
	scripts/quietly 'uv, which installs everything else' 'a few seconds' sh -ec '
	    "$$0" -m venv .venvs/uv
	    .venvs/uv/bin/python -m pip install --disable-pip-version-check uv==$(UV_VERSION)' '$(PYTHON)'

# How to install one environment: its name, what it is for, how long it takes, and further arguments of `uv sync`.
define install
	@scripts/check-python '$(PYTHON)' '$(MAKECMDGOALS)'
	UV_PROJECT_ENVIRONMENT=$(1) scripts/quietly '$(1), $(2)' '$(3)' $(UV) sync --frozen $(4) --python '$(PYTHON)'
	touch $@
endef

.venv/.ready: pyproject.toml uv.lock | $(UV)
	$(call install,.venv,the project and its tools,about 20 s,--all-extras)

.venvs/emulator/.ready: FOR = the local AWS
.venvs/runtime/.ready: FOR = the packages of the Lambda image
.venvs/awscli/.ready: FOR = the AWS CLI
.venvs/linters/.ready: FOR = linters of templates and policies
.venvs/load/.ready: FOR = simulated consumers
.venvs/trackers/.ready: FOR = error trackers and debuggers
.venvs/integrations/.ready: FOR = the frameworks of docs/INTEGRATIONS.md
.venvs/generators/.ready: FOR = generators of HTTP clients
.venvs/mutants/.ready: FOR = the mutants
.venvs/peers/.ready: FOR = the libraries of the comparison

.venvs/%/.ready: uv.lock | $(UV)
	$(call install,.venvs/$*,$(FOR),a few seconds,--only-group $*)

# For the tests that run node and compile generated clients. Without npm or its registry those tests are skipped, except
# in a CI that has npm.
.venvs/node/.ready: tests/cli/formats/node/package.json tests/cli/formats/node/package-lock.json
.venvs/node/.ready: FOR = what the tests need of npm
.venvs/node-generators/.ready: tests/generators/node/package.json tests/generators/node/package-lock.json
.venvs/node-generators/.ready: FOR = TypeScript for the generated clients
.venvs/node/.ready .venvs/node-generators/.ready:
	@command -v npm >/dev/null || { echo "npm is not installed: the tests that need node are skipped"; exit 0; }
	mkdir -p $(@D)
	cp $^ $(@D)
	scripts/quietly '$(@D), $(FOR)' 'a few seconds' sh -ec 'cd $(@D); npm ci --ignore-scripts --no-audit --no-fund --fetch-retries=1 --fetch-retry-mintimeout=1000' || {
	    [ "$${CI:-}" != true ] || exit 1
	    echo "npm ci failed: the tests that need node are skipped"; exit 0
	}
	touch $@

.PHONY: setup
setup: .venv/.ready .venvs/emulator/.ready .venvs/runtime/.ready .venvs/awscli/.ready .venvs/linters/.ready .venvs/load/.ready .venvs/integrations/.ready .venvs/trackers/.ready .venvs/node/.ready .venvs/generators/.ready .venvs/node-generators/.ready ## create every environment (other targets create what they need)

# --- the main job ---

.PHONY: run logs reset
run: .venv/.ready .venvs/emulator/.ready ## run everything on a local AWS, as a story, and keep it running; ONCE=1 stops after the story
	@$(BIN)/python -m local.run $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

logs: .venv/.ready ## print the functions' logs of the running local AWS
	@$(BIN)/python -m local.logs

reset: ## delete the data of the local AWS
	@scripts/check-python '$(PYTHON)' reset
	$(PYTHON) -m local.reset

# --- checks and tests ---

.PHONY: check api-docs cli-docs fault-docs cost-docs cli-picture dashboard-picture fmt test test-all test-long mutants
check: .venv/.ready ## ruff, mypy, import-linter, deptry, spelling, phrases, linters of templates
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .
	git ls-files -z | xargs -0 $(BIN)/codespell
	$(BIN)/python -m tests.language
	$(MAKE) --no-print-directory lint-template

api-docs: .venv/.ready ## generate the OpenAPI document and docs/API.md
	@$(BIN)/python -m infra.api_docs

cli-docs: .venv/.ready ## generate docs/CLI.md
	@$(BIN)/python -m infra.cli_docs

fault-docs: .venv/.ready ## generate docs/FAULTS.md from the names of the tests
	@$(BIN)/python -m tests.support.faults_client.table

cost-docs: package ## compute "What it costs" in docs/OPERATIONS.md from infra/costs/prices.toml and the template of prod
	@$(BIN)/python -m infra.costs

cli-picture: .venv/.ready ## generate docs/cli.svg, the picture in the README, by running the commands
	@$(BIN)/python -m infra.cli_docs.picture

dashboard-picture: package ## draw docs/dashboard.svg, the dashboard of prod with sample data
	@$(BIN)/python -m infra.dashboard_picture

fmt: .venv/.ready ## format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

test: .venv/.ready .venvs/emulator/.ready .venvs/runtime/.ready .venvs/awscli/.ready .venvs/trackers/.ready .venvs/node/.ready ## run the unit tests, contracts, journeys, small property tests and one deployed journey
	$(PYTEST) -m "not slow and not long"

test-all: .venv/.ready .venvs/emulator/.ready .venvs/runtime/.ready .venvs/awscli/.ready .venvs/linters/.ready .venvs/load/.ready .venvs/integrations/.ready .venvs/trackers/.ready .venvs/node/.ready .venvs/generators/.ready .venvs/node-generators/.ready ## run all tests except the nightly sizes
	$(PYTEST) -m "not long"

mutants: .venv/.ready .venvs/mutants/.ready ## nightly: change the core in small ways, each of which a test must catch; ONLY=path is one module
	@$(BIN)/python -m tests.mutants $(ONLY)

test-long: .venv/.ready .venvs/emulator/.ready ## run the nightly sizes of the machines, races and faults
	$(PYTEST) -m long

.PHONY: acceptance
acceptance: .venv/.ready ## run the journeys against a running service: `make run`'s, STACK=… on AWS, or URL=… with STAGE_FILE=…
	@$(BIN)/python -m local.acceptance $(if $(URL),--url $(URL)) $(if $(STAGE_FILE),--stage-file $(STAGE_FILE)) $(if $(STACK),--stack $(STACK))

# --- what is shipped ---

.PHONY: requirements package deploy rollback deployments destroy lint-template wheel clean
package: .venv/.ready ## build the deployment zip and the templates into build/service for the default platform, or STAGE=prod: into build/prod
	@$(BIN)/python -m infra.packaging $(STAGE)

requirements: .venv/.ready ## write the zip's requirements.txt, with hashes, from uv.lock
	@$(BIN)/python -m infra.packaging.requirements

DEPLOY = $(BIN)/python -m $(if $(filter local,$(STAGE)),local.deploy,infra)

# $(call of_stage,VERB): run a verb for STAGE. It refuses the options of other verbs.
define of_stage
	@$(if $(STAGE),,echo 'Choose a stage: make $(1) STAGE=dev, STAGE=prod or STAGE=local.'; exit 2)
	$(DEPLOY) $(1) $(STAGE) $(foreach option,YES CANARY PLAN TO DATA,$(if $($(option)),--$(shell echo $(option) | tr A-Z a-z) '$($(option))'))
endef

deploy: .venv/.ready .venvs/emulator/.ready ## deploy STAGE=dev|prod|local: show the change set, confirm (YES=1 skips that), print the outputs; CANARY=no moves all requests at once; PLAN=yes leaves the change set for review
	$(call of_stage,deploy)

rollback: .venv/.ready .venvs/emulator/.ready ## stop the deployment of STAGE under way, or deploy the last good one before it again; TO=NUMBER goes back to that one
	$(call of_stage,rollback)

deployments: .venv/.ready .venvs/emulator/.ready ## list the good deployments of STAGE, newest first
	$(call of_stage,deployments)

destroy: .venv/.ready .venvs/emulator/.ready ## delete the stack of STAGE; keep table and KMS key unless DATA=yes-delete-it
	$(call of_stage,destroy)

# The templates that linters check: as written, and as expanded for each stage.
TEMPLATES = build/service/template.json $(patsubst infra/stages/%.toml,build/service/%.json,$(wildcard infra/stages/*.toml)) \
    examples/consumer/template.yaml examples/canary/template.yaml infra/account.yaml $(wildcard infra/terraform/*/*.tf)

lint-template: package .venvs/linters/.ready ## run cfn-lint, checkov and parliament on the templates, compare with infra/findings/accepted.toml, and run terraform fmt
	@$(BIN)/python -m infra.cloudformation.stage_templates
	$(BIN)/python -m infra.findings $(TEMPLATES)
	if command -v terraform >/dev/null; then
	    terraform fmt -check -diff -recursive infra/terraform
	else
	    echo "terraform is not installed: the format of infra/terraform is not checked"
	fi

wheel: | $(UV) ## build the wheel of client and CLI into dist
	@$(UV) build --wheel --quiet --out-dir dist
	ls dist/*.whl

clean: ## delete build output; keep environments and the data of the local AWS
	@rm -rf build dist .chalice/deployments .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -path './.venv*' -prune -o -path ./.local -prune -o -name __pycache__ -type d -print0 | xargs -0 rm -rf

.PHONY: bench load
bench: .venv/.ready .venvs/runtime/.ready .venvs/peers/.ready .venvs/emulator/.ready .venvs/awscli/.ready ## compare with what people would use instead; QUICK=1 is shorter; exit 1 if a gate was missed
	$(BIN)/python -m bench

load: .venv/.ready .venvs/runtime/.ready .venvs/load/.ready ## simulate 2,000 consumers for two minutes, with a write every second; exit 1 if a promise was broken
	@$(BIN)/python -m bench.load
