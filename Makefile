# Two commands: `make benchmark` does the main job, `make test` tests it. Each makes .venv from nothing.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
OUT    := out

.PHONY: benchmark test refresh lint env clean

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

# After a new version of the data: retrain, rerun every experiment and report, rebuild the page (about 35 minutes).
refresh: env
	docs/refresh.sh

test: env
	$(BIN)/python -m pytest -n auto --dist loadfile

lint: env
	$(BIN)/ruff check .
	$(BIN)/mypy binlj builders baselines eval leaderboard theory

clean:
	rm -rf $(OUT) $(VENV) *.egg-info build dist
