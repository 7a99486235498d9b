"""Scores by earlier versions stay readable: a build that changes the version keeps the old ones."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from lb_make import make, run

from binlj.errors import DataError
from binlj.leaderboard.build import Board, build, results_text
from binlj.leaderboard.history import keep, read_history
from binlj.paths import clone_root


def test_a_build_with_another_version_keeps_the_old_scores(
    board: Board, toy: Path, tmp_path: Path, monkeypatch
) -> None:
    (tmp_path / "submissions").mkdir()
    new = replace(board, header={**board.header, "dataset_version": "9.0.0", "track_sha256": {}})
    monkeypatch.setattr(sys.modules["binlj.leaderboard.build"], "rescore", lambda *a, **k: board)
    build(tmp_path / "submissions", tmp_path, dataset=toy)
    build(tmp_path / "submissions", tmp_path, dataset=toy)
    assert not (tmp_path / "history").exists(), "the same version twice"
    monkeypatch.setattr(sys.modules["binlj.leaderboard.build"], "rescore", lambda *a, **k: new)
    made, written = build(tmp_path / "submissions", tmp_path, dataset=toy)
    version = board.header["dataset_version"]
    kept = written[f"{version}.json"]
    (old,) = made.history["versions"]
    assert old["name"] == version and json.loads(kept.read_text())["dataset_sha256"] == board.header["dataset_sha256"]
    rows = {(r["track"], r["id"]): r for r in old["rows"]}
    for row in board.rows:
        same = rows[row["track"], row["id"]]
        assert all(same[key] == row[key] for key in ("name", "skill", "r2", "rank_interval"))
    assert rows["interpolation", "sampled"]["states"] == "20 of 100 states"
    assert f'"name":"{version}"' in written["index.html"].read_text()


def test_the_same_data_by_two_evaluators_are_two_files(board: Board, tmp_path: Path) -> None:
    results = tmp_path / "results.json"
    version = board.header["dataset_version"]
    for evaluator, name in (("1.0.0", version), ("1.10.0", f"{version}-evaluator-1.10.0")):
        results.write_text(results_text(replace(board, header={**board.header, "evaluator_version": evaluator})))
        assert keep(results, board.header, tmp_path / "history") == tmp_path / "history" / f"{name}.json"
    before = (tmp_path / "history" / f"{version}.json").read_bytes()
    assert keep(results, board.header, tmp_path / "history") is None, "what was kept stays as it is"
    assert (tmp_path / "history" / f"{version}.json").read_bytes() == before
    assert [v["evaluator_version"] for v in read_history(tmp_path / "history")["versions"]] == ["1.10.0", "1.0.0"]


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "1.0.0.json").write_text("[]")
    with pytest.raises(DataError, match=r"1\.0\.0\.json"):
        read_history(tmp_path)


def test_the_committed_history_holds_what_was_cited() -> None:
    root = clone_root()
    assert root is not None
    history = read_history(root / "leaderboard" / "history")
    first = next(v for v in history["versions"] if v["name"] == "1.1.0")
    gp = next(r for r in first["rows"] if (r["track"], r["id"]) == ("extrapolation", "gp-ensemble"))
    assert first["evaluator_version"] == "1.0.0" and round(gp["r2"]["overall"], 3) == 0.778
    assert history["quoted"]["rows"][0]["r2"] == {"AA": 0.97, "AB": 0.98, "BB": 0.83, "overall": 0.89}


def test_merge_checks_rebuilds_and_says_what_to_commit(toy: Path, tmp_path: Path, capsys) -> None:
    make(tmp_path / "submissions", "alpha", toy, tracks=("interpolation",))
    code, out, _ = run(
        capsys, "leaderboard", "merge", "alpha", "--submissions", tmp_path / "submissions", "--dataset", toy
    )
    assert code == 0
    for name in ("submissions/alpha", "results.json", "index.html"):
        assert str(tmp_path / name) in out.split("git add")[1]
    assert "git commit -m 'Leaderboard: enter alpha'" in out
    assert '"id": "alpha"' in (tmp_path / "results.json").read_text()
    (tmp_path / "submissions/alpha/predictions-interpolation.parquet").write_bytes(b"no")
    before = (tmp_path / "results.json").read_bytes()
    code, _, error = run(
        capsys, "leaderboard", "merge", "alpha", "--submissions", tmp_path / "submissions", "--dataset", toy
    )
    assert code == 2 and "not a readable parquet" in error and (tmp_path / "results.json").read_bytes() == before
