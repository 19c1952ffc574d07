# Python to make the environment with, and where to put it.
PYTHON ?= python3
VENV ?= .venv
# The exact versions that were tested; empty lets pip choose.
CONSTRAINTS ?= requirements/constraints.txt

# The same for mmdet, whose compiled mmcv holds back torch. The compiled wheel
# is kept outside of a checkout that is thrown away: MMC2F_WHEELHOUSE=FOLDER.
MMDET_VENV ?= .venv-mmdet
MMDET_CONSTRAINTS := requirements/constraints-mmdet.txt
MMC2F_WHEELHOUSE ?= .wheelhouse

PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
MMDET_PY := $(MMDET_VENV)/bin/python
MMDET_STAMP := $(MMDET_VENV)/.installed
MMCV_VERSION := $(shell sed -n 's/^onedl-mmcv==//p' $(MMDET_CONSTRAINTS))
LITE0 := checkpoints/tf_efficientnet_lite0.pth

# Tests run in another order each time. The command that make prints names the
# seed of the order: `make test SEED=...` repeats a run.
SEED ?= $(shell od -An -N4 -tu4 /dev/urandom | tr -d ' ')
SEED := $(SEED)
# Processes that share the tests out by file, each of up to 2 GB.
WORKERS ?= auto
# Percent of the lines and branches of mmc2f/ that tests must reach.
COVERAGE ?= 92

.PHONY: venv venv-mmdet lint types test coverage test-mmdet robustness \
	checkpoints demo bench docs

venv: $(STAMP)

# Build isolation stays on: with torch in sight, mmcv would compile ops.
$(STAMP): setup.py pyproject.toml $(wildcard requirements/*.txt)
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install $(addprefix -c ,$(CONSTRAINTS)) \
		-e '.[openmmlab,pretrained,scale,export,web,tests,docs]'
	touch $@

lint: venv
	$(PY) -m ruff check .

types: venv
	$(PY) -m mypy

venv-mmdet: $(MMDET_STAMP)

# The wheel with ops is named to pip, which else takes the one without. What
# is imported at the end is what skips tests where it is missing.
$(MMDET_STAMP): setup.py pyproject.toml $(wildcard requirements/*.txt)
	test -x $(MMDET_PY) || $(PYTHON) -m venv $(MMDET_VENV)
	$(MMDET_PY) -m pip install -c $(MMDET_CONSTRAINTS) \
		torch torchvision setuptools wheel ninja psutil
	wheel=$$(.ci/compiled_mmcv.sh $(abspath $(MMDET_PY)) $(MMCV_VERSION) \
		$(MMC2F_WHEELHOUSE)) && \
	$(MMDET_PY) -m pip install -c $(MMDET_CONSTRAINTS) "$$wheel" \
		-e '.[openmmlab,mmdet,tests]'
	$(MMDET_PY) -c 'import mmcv.ops, mmdet.models'
	touch $@

# Tiny tensors gain nothing from threads, and lose much to an allocator that
# gives its memory back after each step.
test coverage test-mmdet robustness: export OMP_NUM_THREADS = 1
test coverage test-mmdet robustness: export MALLOC_MMAP_MAX_ = 0
test coverage test-mmdet robustness: export MALLOC_TRIM_THRESHOLD_ = 1099511627776
test coverage test-mmdet robustness: export MALLOC_TOP_PAD_ = 67108864
test: lint types
	$(PY) -m pytest -q --randomly-seed=$(SEED) \
		-n $(WORKERS) --maxprocesses=8 --dist=loadfile

# The same, as .ci/run does it: the tests must reach enough of the lines and
# branches.
coverage: lint types
	$(PY) -m pytest -q --randomly-seed=$(SEED) \
		-n $(WORKERS) --maxprocesses=8 --dist=loadfile \
		--cov --cov-report=term --cov-fail-under=$(COVERAGE)

# By name: the folder test_mmdet, the configs and what is marked with mmdet.
test-mmdet: export CUDA_VISIBLE_DEVICES =
test-mmdet: venv-mmdet
	$(MMDET_PY) -m pytest -q --randomly-seed=$(SEED) -k mmdet

# Trainings that are killed 20 times lose nothing, bad inputs and faults are
# told in a sentence, and malformed requests leave the page serving.
robustness: venv
	rm -rf work_dirs/robustness
	$(PY) tests/robustness/bad_inputs.py work_dirs/robustness/inputs
	$(PY) tests/robustness/kill_runs.py work_dirs/robustness/kills --kills 20
	$(PY) tests/robustness/fuzz_page.py --requests 1000

# The figures of a CPU, each a ratio, how the cost grows, and the pages with
# them. On an idle machine; BENCH="--clock cpu --threads 1" where other programs run.
# With some of the programs only (BENCH="--programs ..."), not how it grows.
bench: venv
	$(PY) -m benchmarks --page docs/performance.md $(BENCH)
ifeq (,$(findstring --programs,$(BENCH)))
	$(PY) -m benchmarks growth --page docs/growth.md $(BENCH)
endif

# The site, from the pages and the docstrings: work_dirs/site/index.html.
docs: venv
	$(PY) -m sphinx -W --keep-going -b html docs work_dirs/site

checkpoints: $(LITE0)

$(LITE0): | venv
	$(PY) tools/model_converters/efficientnet_lite.py lite0 $@

demo: venv checkpoints
	$(PY) tools/demo/run_demo.py --work-dir work_dirs/demo
