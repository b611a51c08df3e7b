# Each target installs what it needs. A fresh clone needs Python 3.11 or newer, make and access to
# a package registry.
# `make help` lists the targets.

PYTHON ?= python3
ENV ?= default
# A variable of the shell with this common name is not meant: only `make … PROJECT=FOLDER` is.
ifneq ($(origin PROJECT),command line)
PROJECT := project
endif
export OPENFN_PROJECT := $(abspath $(PROJECT))
READY := .venv/.ready
SAM := .venv/bin/sam
HERE := .build/here
# In a separate environment: it has a hundred dependencies, and some conflict with ours.
CHECKOV := checkov==3.3.30
export SAM_CLI_TELEMETRY := 0
# sam reads AWS_DEFAULT_REGION only. AWS_REGION comes first, as for `ofn` and the AWS CLI.
ifneq ($(AWS_REGION),)
export AWS_DEFAULT_REGION := $(AWS_REGION)
endif

.DEFAULT_GOAL := help
.PHONY: help demo serve doctor test torture check audit format docs bench fuzz simulate build deploy \
	lock vendor clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## send real posts through the example project on this machine
	.venv/bin/ofn demo

serve: $(READY) ## run the stack on this machine until Ctrl-C
	.venv/bin/ofn serve --project "$(OPENFN_PROJECT)"

doctor: $(READY) ## check this machine and the AWS account: before the first deployment and later
	.venv/bin/ofn doctor --project "$(OPENFN_PROJECT)"

test: $(READY) $(HERE)/.ready ## run all tests
	.venv/bin/python -m pytest

browser: $(READY) ## install Chromium if it is missing, and run the tests of the console in it
	@command -v chromium >/dev/null || (apt-get update -qq && apt-get install -qq -y chromium)
	OPENFN_REQUIRE_BROWSER=1 .venv/bin/python -m pytest -n 0 tests/console/test_browser.py

screenshots: $(READY) ## write a picture of each page of the console to docs/console
	.venv/bin/python -m tests.support.screenshots

torture: $(READY) ## run all faults, pairs, random walks, fuzzing and property tests in 20 minutes
	.venv/bin/python -m benchmarks.torture

check: $(READY) ## check format, lint, types, the template and its security, and the build
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	$(SAM) validate --lint --config-env $(ENV)
	LOG_LEVEL=ERROR .venv/bin/uv tool run --quiet $(CHECKOV) --config-file .checkov.yaml
	$(MAKE) --no-print-directory build

audit: $(READY) ## check the deployed dependencies for known vulnerabilities on PyPI
	.venv/bin/uv tool run pip-audit --disable-pip --require-hashes \
		-r layers/core/requirements.txt -r layers/adaptors/requirements.txt \
		-r layers/console/requirements.txt -r layers/javascript/requirements.txt

format: $(READY) ## format the code and fix what ruff can fix
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: $(READY) ## write docs/reference.md from the docstrings of the adaptors
	.venv/bin/python -m workbench.reference

bench: $(READY) $(HERE)/.ready ## measure imports, cold starts, matching, runs, a burst of posts and many rows
	.venv/bin/python -m benchmarks.import_inbox
	.venv/bin/python -m benchmarks.cold_start
	.venv/bin/python -m benchmarks.matching
	.venv/bin/python -m benchmarks.runner
	.venv/bin/python -m benchmarks.workers
	.venv/bin/python -m benchmarks.worker_memory
	.venv/bin/python -m benchmarks.burst
	.venv/bin/python -m benchmarks.postgresql

fuzz: $(READY) ## send hostile requests to the inboxes: the slowest shapes, then 20,000 random ones
	.venv/bin/python -m benchmarks.hostile_requests
	.venv/bin/python -m benchmarks.fuzz_inbox

simulate: $(READY) ## take 10,000 random steps with faults of every kind
	.venv/bin/python -m benchmarks.simulate

build: $(READY) ## build functions and layers for Lambda and print the layers' sizes
	$(SAM) build --config-env $(ENV)
	@for layer in .aws-sam/build/*Layer; do \
		size() { find "$$layer" -type f "$$@" -exec cat {} + | wc -c; }; \
		echo "$${layer##*/} $$(size ! -name '*.pyc') $$(size -name '*.pyc')"; \
	done | awk '{most = /Core/ ? 10 : 40; \
		printf "%s: %.0f MB of %d, and %.0f MB of .pyc\n", $$1, $$2 / 1e6, most, $$3 / 1e6; \
		if ($$2 > most * 1e6) over = 1} END {if (over) print "A layer is too large."; exit over}'

deploy: build ## deploy one organization or environment: make deploy ENV=NAME PROJECT=FOLDER
	@.venv/bin/python -m workbench.stack.deployment $(ENV)
	$(SAM) deploy --config-env $(ENV)

lock: $(READY) ## update the locked versions of all dependencies
	$(UV) --generate-hashes $(LAMBDA) layers/core/requirements.in -o layers/core/requirements.txt
	$(UV) --generate-hashes $(LAMBDA) layers/adaptors/requirements.in \
		-o layers/adaptors/requirements.txt
	$(UV) --generate-hashes $(LAMBDA) layers/console/requirements.in -o layers/console/requirements.txt
	$(UV) --generate-hashes $(LAMBDA) layers/javascript/requirements.in \
		-o layers/javascript/requirements.txt
	$(UV) --python-version 3.11 --extra dev -c layers/core/requirements.txt \
		-c layers/adaptors/requirements.txt -c layers/console/requirements.txt \
		-c layers/javascript/requirements.txt pyproject.toml -o requirements-dev.txt

vendor: ## fetch the JavaScript libraries of JavaScript jobs from npm again, and check their hashes
	$(PYTHON) layers/javascript/vendor.py

UV = .venv/bin/uv pip compile --upgrade --quiet --no-header --no-annotate --no-emit-index-url
LAMBDA = --python-version 3.13 --python-platform aarch64-manylinux2014

clean: ## remove everything that the targets created
	rm -rf .venv .build .aws-sam

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' || \
		{ echo "Python 3.11 to 3.14 is required. Choose one: make PYTHON=python3.13 …"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-build-isolation --no-deps --editable .
	@touch $@

# The layers as `sam build` builds them, but for this machine's Python. The tests run them.
$(HERE)/.ready: $(READY) template.yaml $(shell find layers project -type f -not -name '*.pyc')
	LAYER_TARGET= $(SAM) build --build-dir $(HERE)
	@touch $@
