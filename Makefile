# Python to make the environment with, and where to put it.
PYTHON ?= python3
VENV ?= .venv
# The exact versions that were tested; empty lets pip choose.
CONSTRAINTS ?= requirements/constraints.txt

PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
LITE0 := checkpoints/tf_efficientnet_lite0.pth

.PHONY: venv lint test checkpoints demo

venv: $(STAMP)

# Build isolation stays on: with torch in sight, mmcv would compile ops.
$(STAMP): setup.py pyproject.toml $(wildcard requirements/*.txt)
	test -x $(PY) || $(PYTHON) -m venv $(VENV)
	$(PY) -m pip install $(addprefix -c ,$(CONSTRAINTS)) \
		-e '.[openmmlab,pretrained,tests]'
	touch $@

lint: venv
	$(PY) -m ruff check .

# Tiny tensors gain nothing from threads, and lose much to an allocator that
# gives its memory back after each step.
test: export OMP_NUM_THREADS = 1
test: export MALLOC_MMAP_MAX_ = 0
test: export MALLOC_TRIM_THRESHOLD_ = 1099511627776
test: export MALLOC_TOP_PAD_ = 67108864
test: lint
	$(PY) -m pytest -q

checkpoints: $(LITE0)

$(LITE0): | venv
	$(PY) tools/model_converters/efficientnet_lite.py lite0 $@

demo: venv checkpoints
	$(PY) tools/demo/run_demo.py --work-dir work_dirs/demo
