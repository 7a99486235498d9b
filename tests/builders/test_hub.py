"""Pushing to the Hub: what would be sent, and what a refusal looks like."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
from fake_hub import TOKEN, Hub, serve

from binlj import data
from binlj.builders.release import hub
from binlj.cli import main
from binlj.errors import DataError, InputError

# The card is the one place with the repository's name, which a push checks.
CARD = Path(__file__).parents[2] / "dataset_card.md"
(NAME,) = re.findall(r'load_dataset\("([\w.-]+/[\w.-]+)"\)', CARD.read_text(encoding="utf-8"))


def test_dry_run_lists_what_a_push_would_do(published: Path, capsys: pytest.CaptureFixture) -> None:
    main(["publish", "--dataset", str(published), "--to-hub", NAME, "--dry-run"])
    out = capsys.readouterr().out
    assert f"create the dataset repository {NAME}," in out and "tag the commit v0.1.0" in out
    for name in (*data.dataset_info(path=published)["files"], "manifest.json"):
        assert f"upload {name} (" in out


def test_only_a_sound_dataset_is_pushed(copy: Path) -> None:
    with pytest.raises(InputError, match="namespace/name"):
        hub.plan(copy, "binlj-rdf")
    with pytest.raises(DataError, match=r'does not say load_dataset\("else/where"\)'):
        hub.plan(copy, "else/where")
    (copy / "README.md").write_text("changed")
    with pytest.raises(DataError, match=r"README.md was changed"):
        hub.plan(copy, NAME)


@pytest.fixture
def server() -> Iterator[Hub]:
    hub = Hub()
    running = serve(hub)
    yield hub
    running.shutdown()


def _push(published: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    # The Hub's library reads its variables when it is imported, so each push is a process of its own.
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | {"HF_HUB_DISABLE_XET": "1"} | environment
    command = [sys.executable, "-m", "binlj.cli", "publish", "--dataset", str(published), "--to-hub", NAME]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


LOAD = """
import sys
from datasets import load_dataset
for config in sys.argv[2:]:
    tables = load_dataset(sys.argv[1], config)
    for split, table in tables.items():
        table.to_pandas().to_pickle(f"{config}-{split}.pickle")
"""


def test_what_was_pushed_loads_as_the_same_data(published: Path, server: Hub, tmp_path: Path) -> None:
    environment = {"HF_ENDPOINT": server.url, "HF_TOKEN": TOKEN, "HF_HOME": str(tmp_path / "home")}
    old = server.create(NAME)
    old.commit({**old.files("main"), "fine/old.parquet": b"old", "notes.txt": b"theirs"})
    done = _push(published, **environment)
    assert done.returncode == 0, done.stderr
    repository = server.repositories[NAME]
    assert f"{server.url}/datasets/{NAME}/commit/{repository.refs['main']}" in done.stdout
    names = {*data.dataset_info(path=published)["files"], "manifest.json"}
    files = repository.files("v0.1.0")
    assert {n: files[n] for n in names} == {n: (published / n).read_bytes() for n in names}
    assert set(files) == {*names, ".gitattributes", "notes.txt"}
    assert len([line for line in server.asked if "/commit/" in line]) == 1
    assert set(server.objects.values()) == {(published / n).read_bytes() for n in names if n.endswith(".parquet")}

    configs = ("extrapolation", "states")
    loaded = subprocess.run(
        [sys.executable, "-c", LOAD, NAME, *configs], env=os.environ | environment | {"HF_HUB_DISABLE_XET": "1"},
        cwd=tmp_path, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert loaded.returncode == 0, loaded.stderr
    for config in configs:
        for split, table in data.load(config, path=published).items():
            pd.testing.assert_frame_equal(pd.read_pickle(tmp_path / f"{config}-{split}.pickle"), table.to_pandas())


def test_a_repository_that_changes_meanwhile_is_left_as_it_is(published: Path, server: Hub, tmp_path: Path) -> None:
    server.create(NAME)
    server.before_commit = lambda repository: repository.commit({"README.md": b"theirs"})
    done = _push(published, HF_ENDPOINT=server.url, HF_TOKEN=TOKEN, HF_HOME=str(tmp_path))
    assert done.returncode == 7 and "Traceback" not in done.stderr
    assert f"{NAME} changed on the Hub during the push; nothing was written" in done.stderr
    assert server.repositories[NAME].files("main") == {"README.md": b"theirs"}
    assert list(server.repositories[NAME].refs) == ["main"]


def test_a_refused_token_is_said_clearly(published: Path, server: Hub, tmp_path: Path) -> None:
    done = _push(published, HF_ENDPOINT=server.url, HF_TOKEN="hf_wrong", HF_HOME=str(tmp_path))
    assert done.returncode == 7, done.stderr
    assert f"refused the token for {NAME} (HTTP 401)" in done.stderr and "hf auth login" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_token_is_said_clearly(published: Path, server: Hub, tmp_path: Path) -> None:
    done = _push(published, HF_ENDPOINT=server.url, HF_HOME=str(tmp_path))
    assert done.returncode == 7 and "hf auth login" in done.stderr and "Traceback" not in done.stderr


def test_an_unreachable_hub_is_said_clearly(published: Path, tmp_path: Path) -> None:
    done = _push(published, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="hf_x", HF_HOME=str(tmp_path))
    assert done.returncode == 7 and "cannot be reached" in done.stderr and "Traceback" not in done.stderr
