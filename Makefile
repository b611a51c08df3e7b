# Everything sets itself up: a bare clone needs Python 3.11 or newer, make, and a package registry.
# `make help` lists the targets.

PYTHON ?= python3
ENV ?= default
READY := .venv/.ready
SAM := .venv/bin/sam
HERE := .build/here
# In an environment of its own: it brings a hundred packages, some at odds with ours.
CHECKOV := checkov==3.3.30
export SAM_CLI_TELEMETRY := 0

.DEFAULT_GOAL := help
.PHONY: help demo serve test check audit format docs bench fuzz simulate build deploy lock clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(READY) ## send real posts through the example project, here
	.venv/bin/ofn demo

serve: $(READY) ## run the stack on this machine until Ctrl-C
	.venv/bin/ofn serve

test: $(READY) $(HERE)/.ready ## run all tests
	.venv/bin/python -m pytest

check: $(READY) ## format, lint, types, template and its security, and the build for Lambda
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	$(SAM) validate --lint --config-env $(ENV)
	LOG_LEVEL=ERROR .venv/bin/uv tool run --quiet $(CHECKOV) --config-file .checkov.yaml
	$(MAKE) --no-print-directory build

audit: $(READY) ## ask PyPI whether what is deployed has known vulnerabilities
	.venv/bin/uv tool run pip-audit --disable-pip --require-hashes \
		-r layers/core/requirements.txt -r layers/adaptors/requirements.txt

format: $(READY) ## format and mend what ruff can mend
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

docs: $(READY) ## write docs/reference.md from what the adaptors say of themselves
	.venv/bin/python -m workbench.reference

bench: $(READY) $(HERE)/.ready ## measure the inbox's start, finding triggers, a run, a burst of posts, and many rows
	.venv/bin/python -m benchmarks.import_inbox
	.venv/bin/python -m benchmarks.cold_start
	.venv/bin/python -m benchmarks.matching
	.venv/bin/python -m benchmarks.runner
	.venv/bin/python -m benchmarks.burst
	.venv/bin/python -m benchmarks.postgresql

fuzz: $(READY) ## send 20,000 hostile requests to the inboxes
	.venv/bin/python -m benchmarks.fuzz_inbox

simulate: $(READY) ## walk 10,000 random steps through faults of every kind
	.venv/bin/python -m benchmarks.simulate

build: $(READY) ## build what is deployed, for Lambda, and print how large the layers are
	$(SAM) build --config-env $(ENV)
	@du -sm .aws-sam/build/*Layer | awk '{most = /Core/ ? 10 : 45; print "MB (of " most ") " $$0; \
		if ($$1 > most) over = 1} END {if (over) print "a layer is too large"; exit over}'

deploy: build ## deploy one organization or environment: make deploy ENV=NAME
	$(SAM) deploy --config-env $(ENV)

lock: $(READY) ## resolve the requirements anew
	$(UV) --generate-hashes $(LAMBDA) layers/core/requirements.in -o layers/core/requirements.txt
	$(UV) --generate-hashes $(LAMBDA) layers/adaptors/requirements.in \
		-o layers/adaptors/requirements.txt
	$(UV) --python-version 3.11 --extra dev -c layers/core/requirements.txt \
		-c layers/adaptors/requirements.txt pyproject.toml -o requirements-dev.txt

UV = .venv/bin/uv pip compile --upgrade --quiet --no-header --no-annotate --no-emit-index-url
LAMBDA = --python-version 3.13 --python-platform aarch64-manylinux2014

clean: ## remove what the targets made
	rm -rf .venv .build .aws-sam

$(READY): requirements-dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))' || \
		{ echo "Python 3.11 to 3.14 is needed: name one with make PYTHON=python3.13 …"; exit 1; }
	$(PYTHON) -m venv --clear .venv
	.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	.venv/bin/python -m pip install --quiet --disable-pip-version-check \
		--no-build-isolation --no-deps --editable .
	@touch $@

# The layers as `sam build` makes them, for this machine's own Python: the tests run them.
$(HERE)/.ready: $(READY) template.yaml $(shell find layers project -type f -not -name '*.pyc')
	LAYER_TARGET= $(SAM) build --build-dir $(HERE)
	@touch $@
