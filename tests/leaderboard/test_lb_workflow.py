"""The pull-request workflow: what it may do, and its last step run on a merge commit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from lb_make import make

from binlj.paths import clone_root

ROOT = clone_root()
pytestmark = pytest.mark.skipif(ROOT is None or shutil.which("bash") is None, reason="needs the clone and bash")


@pytest.fixture(scope="module")
def workflow() -> dict[Any, Any]:
    assert ROOT is not None
    text = (ROOT / ".github" / "workflows" / "submission.yml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def test_it_has_no_rights_and_pins_what_it_uses(workflow: dict[Any, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert list(workflow[True]) == ["pull_request"]  # YAML 1.1 reads `on` as true
    steps = workflow["jobs"]["check"]["steps"]
    for step in steps:
        if "uses" in step:
            assert len(step["uses"].split("@")[1]) == 40, "pinned by commit"
        assert "secrets." not in str(step)
        assert "github.event" not in step.get("run", ""), "text of a pull request never enters a script"
    checkouts = [s["with"] for s in steps if s.get("uses", "").startswith("actions/checkout")]
    assert [c["persist-credentials"] for c in checkouts] == [False, False]
    trusted, incoming = checkouts
    assert "base.sha" in trusted["ref"] and trusted["path"] == "trusted"
    assert incoming["fetch-depth"] == 2 and incoming["path"] == "incoming" and "ref" not in incoming
    assert [s["run"] for s in steps if "pip install" in s.get("run", "")] == [
        "python -m pip install --quiet --constraint trusted/constraints.txt --editable ./trusted"
    ]


@pytest.mark.parametrize("name", ["ci", "pages", "submission"])
def test_every_workflow_reads_only_by_default_and_pins_actions_by_commit(name: str) -> None:
    assert ROOT is not None
    value = yaml.safe_load((ROOT / ".github" / "workflows" / f"{name}.yml").read_text(encoding="utf-8"))
    assert value["permissions"] == {"contents": "read"}
    writes = {k: v for job in value["jobs"].values() for k, v in job.get("permissions", {}).items() if v == "write"}
    assert writes == ({"pages": "write", "id-token": "write"} if name == "pages" else {})
    for step in (step for job in value["jobs"].values() for step in job["steps"]):
        assert "uses" not in step or re.fullmatch(r"actions/[a-z-]+@[0-9a-f]{40}", step["uses"])
        assert "${{" not in step.get("run", "")


def test_it_runs_on_every_pull_request(workflow: dict[Any, Any]) -> None:
    # With a filter of paths, a change that moves the folder away would not be looked at.
    assert workflow[True] == {"pull_request": None}


def test_its_last_step_checks_the_merge_commit(
    workflow: dict[Any, Any], toy: Path, tmp_path: Path
) -> None:
    """The step as bash runs it, in two checkouts as the workflow makes them."""
    room = tmp_path / "trusted/leaderboard/submissions"
    make(room, "alpha", toy, tracks=("extrapolation",))
    incoming = tmp_path / "incoming"

    def git(*arguments: str) -> None:
        names = ["-c", "user.name=x", "-c", "user.email=x@y.z"]
        subprocess.run(["git", "-C", str(incoming), *names, *arguments], check=True, capture_output=True)

    shutil.copytree(tmp_path / "trusted", incoming)
    git("init", "-q", "-b", "main")
    git("add", "-A")
    git("commit", "-q", "-m", "start")
    git("checkout", "-q", "-b", "pull")
    make(incoming / "leaderboard/submissions", "beta", toy, tracks=("extrapolation",), seed=3)
    git("add", "-A")
    git("commit", "-q", "-m", "beta")
    git("checkout", "-q", "main")
    git("merge", "-q", "--no-ff", "-m", "merge", "pull")

    step = workflow["jobs"]["check"]["steps"][-1]
    assert list(step["env"]) == ["BY"] and "user.login" in step["env"]["BY"]
    tools = tmp_path / "bin"
    tools.mkdir()
    binlj = tools / "binlj"
    start = f'"{sys.executable}" -c "from binlj.cli import main; main()"'
    binlj.write_text(f'#!/bin/bash\nexec {start} "$@" --dataset "{toy}"\n')
    binlj.chmod(0o755)
    written = tmp_path / "summary.md"
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "BY": "anna"}
    environment["GITHUB_STEP_SUMMARY"] = str(written)

    def run_step() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "-e", "-c", step["run"]], cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = run_step()
    assert done.returncode == 0, done.stderr
    assert "beta: valid" in done.stdout and "of 2 ranked entries" in done.stdout
    assert "| extrapolation | 1–2 | Test model beta |" in written.read_text()
    shutil.rmtree(incoming / "leaderboard/submissions/alpha")
    git("commit", "-q", "-a", "--amend", "-m", "merge")
    done = run_step()
    assert done.returncode == 2 and "changes 2 entries: 'alpha', 'beta'" in done.stderr
    assert "- changes 2 entries: 'alpha', 'beta'" in written.read_text()
