"""The pull-request workflow: what it may do, and its script run on a checkout made to trip it."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

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
    assert incoming["sparse-checkout"] == "leaderboard/submissions" and incoming["path"] == "incoming"
    assert [s["run"] for s in steps if "pip install" in s.get("run", "")] == [
        "python -m pip install --quiet --constraint trusted/constraints.txt --editable ./trusted"
    ]


def run_script(workflow: dict[Any, Any], folder: Path, fail: str = "never") -> tuple[int, list[str]]:
    """Run the last step with a `binlj` that notes the folder it is given; exit code and those folders."""
    script = workflow["jobs"]["check"]["steps"][-1]["run"]
    tools = folder / "bin"
    tools.mkdir()
    log = folder / "log"
    log.touch()
    fake = tools / "binlj"
    fake.write_text(f'#!/bin/bash\nprintf "%s\\0" "${{!#}}" >> {log}\n[[ "${{!#}}" != *{fail}* ]]\n')
    fake.chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, timeout=60, capture_output=True)
    return done.returncode, [Path(p).name for p in log.read_text().split("\0") if p]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    for side in ("trusted", "incoming"):
        for id in ("same", "changed"):
            folder = tmp_path / side / "leaderboard" / "submissions" / id
            folder.mkdir(parents=True)
            (folder / "submission.yaml").write_text(f"name: {id}\n")
        (tmp_path / side / "leaderboard" / "submissions" / "README.md").write_text(side)
    (tmp_path / "incoming/leaderboard/submissions/changed/submission.yaml").write_text("name: other\n")
    return tmp_path


def test_only_what_differs_is_checked(workflow: dict[Any, Any], checkout: Path) -> None:
    (checkout / "incoming/leaderboard/submissions/new").mkdir()
    assert run_script(workflow, checkout) == (0, ["changed", "new"])


def test_one_bad_submission_fails_the_check_but_not_the_others(workflow: dict[Any, Any], checkout: Path) -> None:
    (checkout / "incoming/leaderboard/submissions/new").mkdir()
    assert run_script(workflow, checkout, fail="changed") == (1, ["changed", "new"])


@pytest.mark.parametrize("name", ["$(touch pwned)", "; touch pwned;", "a b", "new\nline", "--help", "`touch pwned`"])
def test_folder_names_are_never_run(workflow: dict[Any, Any], checkout: Path, name: str) -> None:
    (checkout / "incoming/leaderboard/submissions" / name).mkdir()
    code, folders = run_script(workflow, checkout)
    assert code == 0
    assert name in folders
    assert not list(checkout.rglob("pwned"))


def test_a_link_in_place_of_a_known_submission_is_checked_not_trusted(workflow: dict[Any, Any], checkout: Path) -> None:
    same = checkout / "incoming/leaderboard/submissions/same"
    shutil.rmtree(same)
    same.symlink_to(checkout / "trusted/leaderboard/submissions/same")
    assert run_script(workflow, checkout) == (0, ["changed", "same"])
