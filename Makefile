# Two commands: `make benchmark` does the main job, `make test` tests it. Each makes .venv from nothing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    := out

.PHONY: benchmark test release refresh lint types site env clean

env: $(VENV)/.installed

# Exact versions on Linux x86-64; elsewhere the ranges in setup.cfg decide.
$(VENV)/.installed: setup.cfg constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[build,baselines,explain,dev]'
	touch $@

benchmark: env
	@mkdir -p $(OUT)
	$(BIN)/binlj info
	$(BIN)/binlj verify
	$(BIN)/binlj resimulate --out $(OUT)/resimulate
	$(BIN)/binlj reproduce benchmark --out $(OUT)/baselines
	$(BIN)/binlj leaderboard build --out $(OUT)/leaderboard
	@echo "RDF overlay:  $(OUT)/resimulate/overlay.png"
	@echo "Leaderboard:  $(OUT)/leaderboard/index.html"

# A new version of the data, from the records to the tag's message (hours; may be stopped and run again):
# make release VERSION=2.0.0 [DATE=2026-12-31] [GRID=keep] [DRY=1]: GRID=keep where only off-grid states are new; DRY=1
# only lists the steps.
release: env
	$(BIN)/python docs/release.py "$(VERSION)" $(if $(DATE),--date "$(DATE)") $(if $(GRID),--grid "$(GRID)") $(if $(DRY),--dry-run)

# After a new version of the data: retrain, rerun every experiment and report, rebuild the page (more than an hour).
refresh: env
	docs/refresh.sh

# Long files of few tests come early. The tests start some hundred processes: without bytecode, each compiles the package.
test: env
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

lint: env types
	$(BIN)/ruff check .
	MYPYPATH=build/types $(BIN)/mypy -p binlj

# The rooms install as one package; mypy and mkdocstrings see them as such through a tree of links.
types:
	rm -rf build/types && mkdir -p build/types/binlj
	ln -s $(CURDIR)/core/* $(CURDIR)/builders $(CURDIR)/baselines $(CURDIR)/eval $(CURDIR)/leaderboard build/types/binlj/

# The documentation, into out/site.
site: types $(VENV)/.docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "Documentation:  $(OUT)/site/index.html"

$(VENV)/.docs: setup.cfg constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@

clean:
	rm -rf $(OUT) $(VENV) *.egg-info build dist
