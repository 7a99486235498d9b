"""Pushing to the Hub: what would be sent, and what a refusal looks like."""

from __future__ import annotations

import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from binlj import data
from binlj.builders.release import hub
from binlj.cli import main
from binlj.errors import DataError, InputError


def test_dry_run_lists_what_a_push_would_do(published: Path, capsys: pytest.CaptureFixture) -> None:
    main(["publish", "--dataset", str(published), "--to-hub", "someone/binlj-rdf", "--dry-run"])
    out = capsys.readouterr().out
    assert "create the dataset repository someone/binlj-rdf" in out and "tag the commit v0.1.0" in out
    for name in (*data.dataset_info(path=published)["files"], "manifest.json"):
        assert f"upload {name} (" in out


def test_only_a_sound_dataset_is_pushed(copy: Path) -> None:
    with pytest.raises(InputError, match="namespace/name"):
        hub.plan(copy, "binlj-rdf")
    (copy / "README.md").write_text("changed")
    with pytest.raises(DataError, match=r"README.md was changed"):
        hub.plan(copy, "someone/binlj-rdf")


class _Refuse(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(401)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def refusing_hub() -> Iterator[str]:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Refuse)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()


def _push(published: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("HF_")} | environment
    command = [sys.executable, "-m", "binlj.cli", "publish", "--dataset", str(published), "--to-hub", "someone/x"]
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)


def test_a_refused_token_is_said_clearly(published: Path, refusing_hub: str, tmp_path: Path) -> None:
    done = _push(published, HF_ENDPOINT=refusing_hub, HF_TOKEN="hf_wrong", HF_HOME=str(tmp_path))
    assert done.returncode == 7, done.stderr
    assert "refused the token for someone/x (HTTP 401)" in done.stderr and "hf auth login" in done.stderr
    assert "Traceback" not in done.stderr


def test_no_token_is_said_clearly(published: Path, refusing_hub: str, tmp_path: Path) -> None:
    done = _push(published, HF_ENDPOINT=refusing_hub, HF_HOME=str(tmp_path))
    assert done.returncode == 7 and "hf auth login" in done.stderr and "Traceback" not in done.stderr


def test_an_unreachable_hub_is_said_clearly(published: Path, tmp_path: Path) -> None:
    done = _push(published, HF_ENDPOINT="http://127.0.0.1:9", HF_TOKEN="hf_x", HF_HOME=str(tmp_path))
    assert done.returncode == 7 and "cannot be reached" in done.stderr and "Traceback" not in done.stderr
