# Two commands for everyone: `make train` and `make test`. The rest is for authors.
# Needs Python >= 3.11 and nothing else; everything is installed into .venv.
SHELL  := /bin/bash
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
TRACK  ?= pytorch
EPOCHS ?= 5
ARGS   ?=
PIP    := $(BIN)/python -m pip install --disable-pip-version-check --quiet

# Notebooks run in their own folders, so the data folder is handed on as an absolute path.
# `GAN_COURSE_DATA= make test` runs without it.
ifeq ($(origin GAN_COURSE_DATA),undefined)
ifneq ($(wildcard ../shared/data/.),)
export GAN_COURSE_DATA := $(abspath ../shared/data)
endif
else
export GAN_COURSE_DATA := $(abspath $(GAN_COURSE_DATA))
endif

.DEFAULT_GOAL := help
.PHONY: help train test clean distclean export lesson sync stamp readme docs dist hooks

help: ## what there is
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

train: $(VENV)/.train-$(TRACK) ## a short training run: EPOCHS=5 TRACK=pytorch (or tensorflow, tpu, flowers) ARGS="--recipe dcgan"
	$(BIN)/gan-course train $(TRACK) --epochs $(EPOCHS) --out artifacts/$(TRACK)_gan $(ARGS)

test: $(VENV)/.test ## tests/ and every notebook in fast mode
	$(BIN)/python -m pytest $(ARGS)

# The stamps make a second call start at once; packages are looked at again when settings.ini or setup.py change.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "make: $(PYTHON) is older than Python 3.11; try make PYTHON=python3.12" >&2; exit 2; }
	@echo "make: creating $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "make: $(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 2; }

$(VENV)/.train-%: settings.ini setup.py | $(BIN)/python
	@echo "make: installing the package and what the track $* needs into $(VENV); this happens once"
	$(PIP) -e ".[$*]"
	@touch $@

$(VENV)/.test: settings.ini setup.py | $(BIN)/python
	@echo "make: installing the package, PyTorch, TensorFlow, JAX and the authors' tools into $(VENV); this happens once"
	$(PIP) -e ".[pytorch,tensorflow,tpu,flowers,dev]"
	@touch $@ $(VENV)/.train-pytorch $(VENV)/.train-tensorflow $(VENV)/.train-tpu $(VENV)/.train-flowers

# --- for authors -------------------------------------------------------------------------------
NB ?=
OUT := $(if $(NB),nbs/$(NB).ipynb)
TEXT := $(if $(NB),scripts/$(NB).py)

lesson: $(VENV)/.test ## NB=foundations/datasets: text -> notebook -> export -> full run -> clean -> text
	@test -n "$(NB)" -a -f "$(TEXT)" || { echo "make: say which lesson: make lesson NB=foundations/datasets" >&2; exit 2; }
	@mkdir -p $(dir $(OUT))
	if [ -f $(OUT) ]; then $(BIN)/jupytext -q --update --to ipynb -o $(OUT) $(TEXT); \
	else $(BIN)/jupytext -q --to ipynb -o $(OUT) $(TEXT); fi
	$(BIN)/nbdev_export
	$(if $(SKIP_RUN),,GAN_COURSE_FAST= $(BIN)/jupyter nbconvert --to notebook --execute --inplace --ExecutePreprocessor.timeout=7200 $(OUT))
	$(BIN)/nbdev_clean --fname $(OUT)
	$(BIN)/jupytext -q --to py:percent -o $(TEXT) $(OUT)
	$(BIN)/nbdev_export

sync: $(VENV)/.test ## notebooks -> scripts/, cleaned and exported (after editing in Jupyter)
	$(BIN)/nbdev_clean
	$(BIN)/python -m gan_course._site scripts
	$(BIN)/nbdev_export

stamp: $(VENV)/.test ## rewrite badges, install cells and places in the sidebar from settings.ini and _quarto.yml
	$(BIN)/python -m gan_course._site stamp

readme: $(VENV)/.test ## README.md from nbs/index.ipynb
	$(BIN)/python -m gan_course._site readme

export: $(VENV)/.test ## gan_course/ from the notebooks
	$(BIN)/nbdev_export

docs: $(VENV)/.test readme ## the site into _docs (needs Quarto)
	@command -v quarto >/dev/null || { echo "make: the site needs Quarto, https://quarto.org/docs/get-started/" >&2; exit 2; }
	PATH="$(abspath $(BIN)):$$PATH" $(BIN)/nbdev_docs

dist: $(VENV)/.test ## wheel and source archive for PyPI into dist/: the same bytes from every build
	$(BIN)/python -m build --outdir dist

hooks: $(VENV)/.test ## the pre-commit hooks
	$(BIN)/pre-commit install

clean: ## what tests, builds and the site leave behind (not the environment, not artifacts/)
	rm -rf _proc _docs _site .quarto build dist .pytest_cache
	find . -path ./$(VENV) -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -type d -print0 | xargs -0 rm -rf

distclean: clean ## ... and the environment
	rm -rf $(VENV) *.egg-info
