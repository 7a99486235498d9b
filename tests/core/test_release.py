"""``docs/release.py``: what it refuses, the order of its steps, and that a stopped release goes on."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

import binlj
from binlj.data import dataset_info

ROOT = Path(__file__).parents[2]
CITATION = 'title: "x"\nversion: 1.0.0\ndate-released: 2026-01-01\n'
# Stands for binlj and python: notes its arguments, publishes a manifest, and fails where `fail` names its command.
FAKE = f"""#!{sys.executable}
import json, pathlib, sys
root = pathlib.Path(__file__).parents[2]
with open(root / "out" / "log", "a") as stream:
    print(*sys.argv[1:], file=stream)
if (root / "out" / "fail").exists() and (root / "out" / "fail").read_text() == sys.argv[1]:
    sys.exit(3)
if "publish" in sys.argv:
    version = sys.argv[sys.argv.index("--version") + 1]
    (root / "binlj-rdf/manifest.json").write_text(json.dumps({{"version": version, "data_sha256": "b" * 64}}))
if "diff" in sys.argv:
    before = json.loads(pathlib.Path(sys.argv[3], "manifest.json").read_text())["data_sha256"]
    (root / "docs/validation/version-diff.md").write_text(before[:16] + " " + "b" * 16)
"""


@pytest.fixture(scope="module")
def script() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("release", ROOT / "docs" / "release.py")
    assert spec and spec.loader
    module = sys.modules["release"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A repository whose version 1.0.0 is committed."""
    files = {
        "core/__init__.py": '__version__ = "1.0.0"\n',
        "CITATION.cff": CITATION,
        "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Something new.\n\n## 1.0.0\n\n- Old.\n",
        ".gitignore": "/out/\n/.venv/\n.lock\nloose/\n",
        "binlj-rdf/manifest.json": json.dumps({"version": "1.0.0", "data_sha256": "a" * 64}),
        "builders/campaigns/release/packs/pack-0.parquet": "",
        "docs/validation/version-diff.md": "",
        "docs/refresh.sh": "#!/bin/sh\nexec .venv/bin/binlj refresh \"$@\"\n",
        ".venv/bin/binlj": FAKE,
        ".venv/bin/python": FAKE,
        "out/log": "",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    for name in (".venv/bin/binlj", ".venv/bin/python", "docs/refresh.sh"):
        (tmp_path / name).chmod(0o755)
    for command in (["init", "-q"], ["add", "."], ["-c", "user.name=x", "-c", "user.email=x", "commit", "-qm", "x"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def _commands(clone: Path) -> list[str]:
    """What was run since the last call."""
    log = clone / "out" / "log"
    lines = log.read_text(encoding="utf-8").splitlines()
    log.write_text("", encoding="utf-8")
    return [line.removeprefix("campaign ").removeprefix("validate ").split()[0] for line in lines]


def test_version_date_and_changelog_of_this_clone_agree() -> None:
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    info = dataset_info(path=ROOT / "binlj-rdf")
    assert re.search(r"^version: (.*)$", citation, re.MULTILINE)[1] == binlj.__version__ == info["version"]  # type: ignore[index]
    assert re.search(r"^date-released: (.*)$", citation, re.MULTILINE)[1] == info["released"]  # type: ignore[index]
    assert f"\n## {binlj.__version__}\n" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_a_dry_run_lists_the_steps_and_changes_nothing(
    script: ModuleType, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert script.main(["2.0.0", "--date", "2026-12-31", "--dry-run"], root=clone) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 7 and "2.0.0 and date 2026-12-31" in said and "against version 1.0.0" in said
    assert not _commands(clone) and not script.git(clone, "status", "--porcelain")


def test_every_problem_is_named_at_once(
    script: ModuleType, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (clone / "core" / "other.py").touch()
    (clone / "CHANGELOG.md").write_text("# Changelog\n\n## 1.0.0\n", encoding="utf-8")
    assert script.main(["0.9.0", "--date", "tomorrow"], root=clone) == 2
    said = capsys.readouterr().err
    for part in ("below the present one", "'tomorrow'", "core/other.py has", "CHANGELOG.md has changes",
                 "CHANGELOG.md has no line"):  # fmt: skip
        assert part in said
    assert "5 problems" in said and not _commands(clone)
    assert script.main(["2.0"], root=clone) == 2 and "not of the form" in capsys.readouterr().err


def test_a_tagged_version_and_a_running_campaign_are_refused(
    script: ModuleType, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from binlj.builders.records.store import locked

    script.git(clone, "tag", "v2.0.0")
    with locked(clone / "builders" / "campaigns" / "release"):
        assert script.main(["2.0.0"], root=clone) == 2
    said = capsys.readouterr().err
    assert "tagged already" in said and "a campaign is at work in builders/campaigns/release" in said


def test_a_stopped_release_goes_on_where_it_stopped(
    script: ModuleType, clone: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fail = clone / "out" / "fail"
    fail.write_text("refresh", encoding="utf-8")
    assert script.main(["2.0.0", "--date", "2026-12-31"], root=clone) == 3
    assert "'refresh' failed" in capsys.readouterr().err
    first = ["archive", "docs/starts.py", "publish", "verify", "diff", "refresh"]
    assert _commands(clone) == first
    fail.unlink()
    assert script.main(["2.0.0"], root=clone) == 0  # the date is remembered
    assert _commands(clone) == ["verify", "refresh"]
    assert "version: 2.0.0\ndate-released: 2026-12-31" in (clone / "CITATION.cff").read_text(encoding="utf-8")
    assert "\n## 2.0.0\n\n- Something new.\n" in (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    message = (clone / "out" / "release" / "v2.0.0.txt").read_text(encoding="utf-8")
    assert message.startswith("binlj-rdf 2.0.0\n") and "b" * 64 in message and "2026-12-31" in message
    assert "Something new." in message and "Old." not in message
    # New records: published again, but not compared again, since this stand-in publishes the same data.
    (clone / "builders" / "campaigns" / "release" / "packs" / "pack-1.parquet").touch()
    log = clone / "CHANGELOG.md"
    later = log.read_text(encoding="utf-8").replace("## 2.0.0", "## Unreleased\n\n- Later.\n\n## 2.0.0")
    log.write_text(later, encoding="utf-8")
    assert script.main(["2.0.0"], root=clone) == 0
    assert _commands(clone) == [*first[:4], "refresh"] and log.read_text(encoding="utf-8") == later


def test_a_version_with_new_off_grid_states_only_keeps_the_grid(script: ModuleType, clone: Path) -> None:
    (clone / "builders" / "campaigns" / "offgrid" / "packs").mkdir(parents=True)
    assert script.main(["2.1.0", "--grid", "keep"], root=clone) == 0
    lines = (clone / "out" / "log").read_text(encoding="utf-8").splitlines()
    (published,) = (line for line in lines if line.startswith("publish"))
    assert published.endswith("--grid keep") and "--snapshots" not in published
    archived = {"--configurations" in line: line for line in lines if "archive" in line}
    assert lines[-1] == "refresh models reports", "the paper's experiments are of the grid"
    assert "--set offgrid" in archived[True] and "release" in archived[False], "large files enter git at x.0 only"


BINLJ = """#!/bin/bash
echo "$@" >> log
if [ "$1" = reproduce ]; then
    while [ $# -gt 0 ]; do
        case $1 in reproduce) name=$2 ;; mixed) name=$name-mixed ;; --out) out=$2 ;; esac
        shift
    done
    if [ "$name" = learning-curve ] && [ -e broken ]; then echo "no memory"; exit 9; fi
    mkdir -p "$out" && touch "$out/$name.md" "$out/fig1.png" "$out/fitted.npz"
fi
"""
PYTHON = """#!/bin/bash
case "$2" in
    data) echo 2.0.0-aaaa ;;
    tracks) echo extrapolation offgrid mixed_extrapolation ;;
    runs) for ((seed = 0; seed < $6; seed++)); do printf '%s ' "$3/runs/$4-$5-seed$seed"; done ;;
    *) echo "python $@" >> log; echo 1; [ ! -e broken-$2 ] ;;
esac
"""


@pytest.fixture
def refresh(tmp_path: Path) -> Path:
    """A folder in which ``refresh.sh`` runs stand-ins that note what they are asked for."""
    for folder in ("docs", "core/theory", "leaderboard/submissions/dnn", "leaderboard/submissions/theirs",
                   "builders/campaigns/repeat", ".venv/bin"):  # fmt: skip
        (tmp_path / folder).mkdir(parents=True)
    for name, text in ((".venv/bin/binlj", BINLJ), (".venv/bin/python", PYTHON),
                       ("docs/refresh.sh", (ROOT / "docs" / "refresh.sh").read_text(encoding="utf-8"))):  # fmt: skip
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    return tmp_path


def _run_refresh(folder: Path, *parts: str) -> tuple[subprocess.CompletedProcess[str], list[str]]:
    done = subprocess.run([folder / "docs" / "refresh.sh", *parts], capture_output=True, text=True, check=False)
    return done, (folder / "log").read_text(encoding="utf-8").splitlines()


def test_refresh_covers_all_tracks_of_both_regimes(refresh: Path) -> None:
    done, log = _run_refresh(refresh)
    assert done.returncode == 0, done.stderr
    assert log[0] == "submit check leaderboard/submissions/theirs/" and sum("submit check" in line for line in log) == 1
    out = "out/refresh/2.0.0-aaaa"
    assert f"reproduce benchmark --models dnn,dnn_physics --seeds 3 --out {out}" in log
    others = "fitted_theory,integral_equation,xgboost_physics,xgboost"
    assert f"reproduce benchmark --models {others} --seeds 1 --out {out}" in log
    for regime in ("equilibrium", "mixed"):
        assert f"reproduce extrapolation --regime {regime} --out {out} --workers 1" in log
        assert f"reproduce learning-curve --regime {regime} --out {out}" in log
    (mixed,) = [line for line in log if line.startswith("explain check --regime mixed")]
    assert mixed.count("--dnn ") == 3 and f"{out}/runs/xgboost-mixed_extrapolation-seed0" in mixed
    (dnn,) = [line for line in log if line.startswith("submit new dnn ")]
    for track in ("extrapolation", "offgrid", "mixed_extrapolation"):
        assert dnn.count(f"-p {track} ") == dnn.count(f"-m {track} ") == 3
        assert f"-p {track} {out}/runs/dnn-{track}-seed2/predictions.parquet" in dnn
    assert log[-1] == "python docs/readme.py"
    assert (refresh / "docs" / "reproduce" / "learning-curve-mixed.md").is_file()


@pytest.mark.parametrize("broken", ["broken", "broken-hardware"])
def test_refresh_ends_where_a_part_of_it_fails(refresh: Path, broken: str) -> None:
    (refresh / broken).touch()
    done, log = _run_refresh(refresh)
    assert done.returncode != 0
    assert not any(line.startswith("explain check") for line in log)
    assert ("leaderboard build" in log) == (broken == "broken")  # the page comes before the experiments
    assert ("no memory" in done.stderr) == (broken == "broken")  # the end of the background task's log


def test_parts_of_refresh_can_be_run_alone(refresh: Path) -> None:
    done, log = _run_refresh(refresh, "reports")
    assert done.returncode == 0, done.stderr
    assert any(line.startswith("explain check") for line in log) and log[-1] == "python docs/readme.py"
    assert not any(line.startswith(("submit new", "reproduce learning-curve", "leaderboard build")) for line in log)
    wrong = subprocess.run([refresh / "docs" / "refresh.sh", "page"], capture_output=True, text=True, check=False)
    assert wrong.returncode == 2 and "no part page: models, experiments or reports" in wrong.stderr
