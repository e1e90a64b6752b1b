# The daily commands. `make deploy` and `make test` work as the first command after
# `git clone`: each does only what is missing, and says what it does.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

SITE ?= SANDBOX
USECASE ?= docker
VO ?=
NAME ?=
ARGS ?=

VENV := .venv
PYTHON := $(VENV)/bin/python
ORCHESTRATOR := $(VENV)/bin/orchestrator
SYSTEM_PYTHON ?= python3
INSTALLED := $(VENV)/.installed
FEDCLOUD := $(VENV)/fedcloudclient
SANDBOX := $(SYSTEM_PYTHON) -m sandbox

say = printf '%s\n' "make: $(1)"
# Only what was given goes on the command line of `orchestrator`.
named = $(if $(NAME),--name $(NAME))
request = $(USECASE) --site $(SITE) $(if $(VO),--vo $(VO)) $(named) $(ARGS)

.PHONY: help
help: ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

# --- the main job

.PHONY: deploy
deploy: ready ## make SITE=.. USECASE=.. [VO=] [NAME=] [ARGS=] run: a VM, configured and checked
	@$(ORCHESTRATOR) deploy $(request)

.PHONY: plan
plan: ready ## show what deploy would choose and create; changes nothing at the site
	@$(ORCHESTRATOR) plan $(request) || [ $$? -eq 2 ]

.PHONY: destroy
destroy: ready ## remove the deployment NAME=.. from its site
	@$(ORCHESTRATOR) destroy $(or $(NAME),$(error NAME=.. is missing; see make status)) $(ARGS)

.PHONY: status
status: $(INSTALLED) ## show your deployments, or the one of NAME=..
	@$(ORCHESTRATOR) $(if $(NAME),status $(NAME),list) $(ARGS)

.PHONY: ssh
ssh: $(INSTALLED) ## log in to the deployment NAME=..
	@$(ORCHESTRATOR) ssh $(or $(NAME),$(error NAME=.. is missing; see make status)) $(ARGS)

# --- set-up

.PHONY: install
install: $(INSTALLED) provider $(FEDCLOUD)/.installed ## install all that the command needs, without a sandbox

# A site other than the sandbox is answered at once; what Terraform needs is made when a login exists.
.PHONY: ready
ready: $(INSTALLED)
	@if [ "$(SITE)" = SANDBOX ]; then $(MAKE) -j2 provider sandbox; fi

.PHONY: provider
provider: $(INSTALLED)
	@$(ORCHESTRATOR) doctor --install --quiet

$(INSTALLED): setup.cfg pyproject.toml constraints.txt
	@$(SYSTEM_PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo "make: Python 3.11 or newer is needed: apt-get install python3 python3-venv, or SYSTEM_PYTHON=.."; exit 1; }
	@tests/tools/debian-packages python3-venv:ensurepip openssh-client:ssh
	@$(call say,installing the orchestrator into $(VENV) (about a minute))
	@[ -x $(PYTHON) ] || $(SYSTEM_PYTHON) -m venv $(VENV)
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# Its pins would freeze the rest: an environment of its own, reached through its own process.
$(FEDCLOUD)/.installed: $(INSTALLED)
	@$(call say,installing fedcloudclient into $(FEDCLOUD) (half a minute))
	@[ -x $(FEDCLOUD)/bin/python ] || $(SYSTEM_PYTHON) -m venv $(FEDCLOUD)
	@$(FEDCLOUD)/bin/python -m pip install --quiet --disable-pip-version-check fedcloudclient==1.4.7
	@touch $@

# --- the embedded site

.PHONY: sandbox
sandbox: ## start the sandbox: a real OpenStack and a real Keycloak on this machine (root)
	@$(SANDBOX) up
	@case $(USECASE) in oligia | containers) $(SANDBOX) registry ;; esac

.PHONY: sandbox-status
sandbox-status: ## show the services of the sandbox
	@$(SANDBOX) status

.PHONY: sandbox-down
sandbox-down: ## stop the sandbox, keep its data
	@$(SANDBOX) down

.PHONY: sandbox-clean
sandbox-clean: ## stop the sandbox and leave nothing of it behind
	@$(SANDBOX) clean

# --- development

.PHONY: unit
unit: $(INSTALLED) ## the quick loop: unit tests, no network
	@$(PYTHON) -m pytest -q -n auto tests/unit tests/sandbox -m "not e2e and not contract"

.PHONY: lint
lint: $(INSTALLED) ## style, types, playbooks, Terraform files, shell scripts
	@tests/tools/lint

.PHONY: test
test: install lint ## everything: lint, unit, contract, and the e2e ring on the sandbox
	@tests/tools/test

.PHONY: e2e-slow
e2e-slow: install ## the use cases on the sandbox that take many minutes: containers, Oligia, HI-FRIENDS
	@$(PYTHON) -m pytest -q tests/e2e tests/sandbox -m slow

.PHONY: faults
faults: ready ## trials of faults on the sandbox, with bare Terraform beside them: TRIALS=25 SEED=1
	@$(PYTHON) -m tests.faults

.PHONY: bench
bench: ready $(FEDCLOUD)/.installed ## measure against fedcloud, bare terraform and ansible-playbook
	@$(PYTHON) -m tests.bench

.PHONY: dist
dist: clean $(INSTALLED) ## build the wheel and the source archive into dist/
	@$(PYTHON) -m build --quiet

.PHONY: clean
clean: ## remove build results, not the environment
	@rm -rf build dist ./*.egg-info .mypy_cache .ruff_cache .pytest_cache
