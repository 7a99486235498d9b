"""Rescoring: what is written is what the evaluator says, twice the same, and tampering is found."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from lb_make import make

from binlj.errors import InputError
from binlj.leaderboard.build import CEILING, Board, build, differences, outputs, results_text


def find(board: Board, id: str, track: str = "extrapolation") -> dict:
    return next(r for r in board.rows if r["id"] == id and r["track"] == track)


def test_scores_are_the_evaluators(board: Board, entries: Path, toy: Path) -> None:
    from binlj.eval import evaluate

    for id, track in (("alpha", "extrapolation"), ("beta", "interpolation")):
        scores = evaluate(entries / id / f"predictions-{track}.parquet", track=track, dataset=toy)
        row = find(board, id, track)
        for pair, value in scores.r2.items():
            assert row["r2"][pair] == pytest.approx(value, abs=6e-7)
            assert row["r2_ci95"][pair] == pytest.approx(scores.r2_ci95[pair], abs=6e-7)
            assert row["ceiling_share"][pair] == pytest.approx(scores.ceiling_share[pair], abs=6e-7)
        assert row["metrics"]["rmse"]["overall"] == pytest.approx(scores.metrics["rmse"]["values"]["overall"], abs=6e-7)
        assert find(board, CEILING, track)["r2"] == pytest.approx(scores.noise_ceiling, abs=6e-7)


def test_every_naive_baseline_is_a_row_on_every_track(board: Board, toy: Path) -> None:
    from binlj.eval import NAIVE_BASELINES, evaluate, naive_predictions

    for track in ("extrapolation", "interpolation"):
        naive = [r for r in board.rows if r["kind"] == "naive" and r["track"] == track]
        assert {r["id"] for r in naive} == {name.lower().replace("_", "-") for name in NAIVE_BASELINES}
    expected = evaluate(
        naive_predictions("linear_T", track="extrapolation", dataset=toy), track="extrapolation", dataset=toy
    )
    assert find(board, "linear-t")["r2"] == pytest.approx(expected.r2, abs=6e-7)


def test_attributions_are_scored_against_the_data(board: Board) -> None:
    models = {m["id"]: m for m in board.models}
    method = "Sobol first order, r"
    assert models["alpha"]["attributions"][method]["kendall"] == 1.0
    assert models["alpha"]["attributions"][method]["same_first"] is True
    assert models["beta"]["attributions"][method]["kendall"] == -1.0
    assert models["beta"]["attributions"][method]["same_first"] is False
    assert len(models["alpha"]["attributions"]) == 4
    assert "attributions" not in models["hostile"]


def test_ranks(board: Board) -> None:
    assert find(board, "alpha")["rank_interval"] == find(board, "beta")["rank_interval"] == [1, 2]
    assert find(board, "hostile")["rank_interval"] == [3, 3]
    assert find(board, "one-track")["rank_interval"] == [4, 4]
    for id in ("repeated", "foundation", "linear-t", CEILING):
        assert find(board, id, "interpolation")["rank_interval"] is None
    assert [find(board, id, "interpolation")["rank_interval"] for id in ("alpha", "beta", "hostile")] == [
        [1, 2], [1, 2], [3, 3],
    ]
    assert find(board, "alpha")["beats_naive"] is True
    assert find(board, "one-track")["beats_naive"] is False
    assert not [r for r in board.rows if r["id"] == "one-track" and r["track"] == "interpolation"]


def test_two_builds_are_equal_byte_for_byte(board: Board, entries: Path, toy: Path, tmp_path: Path) -> None:
    moved = tmp_path / "elsewhere" / "submissions"
    moved.mkdir(parents=True)
    for folder in sorted(entries.iterdir(), reverse=True):  # another order on disk, other times
        shutil.copytree(folder, moved / folder.name, copy_function=shutil.copyfile)
    _, written = build(moved, tmp_path / "out", dataset=toy)
    first = outputs(board, dataset=toy)
    assert sorted(first) == sorted(written) == ["index.html", "results.json"]
    for name, path in written.items():
        assert path.read_bytes() == first[name].encode("utf-8"), name


def test_build_writes_the_readmes_table_and_check_reads_it(
    board: Board, entries: Path, toy: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(sys.modules["binlj.leaderboard.build"], "rescore", lambda *a, **k: board)
    readme = tmp_path / "README.md"
    readme.write_text("above\n<!-- results -->\n<!-- /results -->\nbelow\n")
    _, written = build(entries, tmp_path, readme=readme, dataset=toy)
    assert written["README.md"] == readme and "| Alpha net |" in readme.read_text()
    assert differences(entries, tmp_path, readme=readme, dataset=toy) == []
    readme.write_text(readme.read_text().replace("Alpha net", "Alpha web"))
    (problem,) = differences(entries, tmp_path, readme=readme, dataset=toy)
    assert problem == "the table of results in README.md is not what a fresh build writes"


def test_results_hold_one_line_per_model_and_track(board: Board) -> None:
    text = results_text(board)
    value = json.loads(text)
    assert value["rows"] == json.loads(json.dumps(board.rows))
    lines = [json.loads(line.rstrip(",")) for line in text.splitlines() if line.startswith("{") and len(line) > 1]
    assert len(lines) == len(board.models) + len(board.rows)
    assert [line["id"] for line in lines if "track" in line] == [r["id"] for r in board.rows]


def test_numbers_are_rounded_so_that_other_machines_agree(board: Board) -> None:
    from binlj.leaderboard.build import _rounded

    assert _rounded(0.123456789) == 0.123457
    assert _rounded(1e-17) == 0.0
    assert str(_rounded(-1e-17)) == "0.0"
    assert _rounded({"a": [0.00012345678912]}) == {"a": [0.000123457]}

    def floats(value):
        if isinstance(value, dict):
            return [x for v in value.values() for x in floats(v)]
        if isinstance(value, list):
            return [x for v in value for x in floats(v)]
        return [value] if isinstance(value, float) else []

    written = floats(json.loads(results_text(board))["rows"])
    assert len(written) > 500
    assert all(x == round(x, 6 if abs(x) >= 1e-3 else 9) for x in written)


def test_check_names_what_was_tampered_with(
    board: Board, entries: Path, toy: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(sys.modules["binlj.leaderboard.build"], "rescore", lambda *a, **k: board)
    fresh = outputs(board, dataset=toy)
    for name, text in fresh.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert differences(entries, tmp_path, dataset=toy) == []

    value = json.loads(fresh["results.json"])
    next(r for r in value["rows"] if r["id"] == "hostile")["r2"]["overall"] = 0.999999
    value["rows"] = [r for r in value["rows"] if r["id"] != "beta"]
    value["rows"].append({**value["rows"][0], "id": "ghost"})
    (tmp_path / "results.json").write_text(json.dumps(value))
    (tmp_path / "index.html").write_text(fresh["index.html"].replace("<h2>Models</h2>", "<h2>models</h2>"))
    found = "\n".join(differences(entries, tmp_path, dataset=toy))
    assert "hostile on extrapolation differs from its rescore in r2" in found
    assert "beta on extrapolation is missing" in found
    assert "ghost on extrapolation has no submission" in found
    assert "index.html is not what a fresh build writes" in found

    (tmp_path / "results.json").write_text("[]")
    (tmp_path / "index.html").unlink()
    found = "\n".join(differences(entries, tmp_path, dataset=toy))
    assert "not a results file" in found
    assert "index.html is missing" in found


def test_changed_predictions_change_the_score(toy: Path, tmp_path: Path) -> None:
    from binlj.leaderboard import rescore

    make(tmp_path / "s", "alpha", toy, share=0.9, tracks=("interpolation",))
    before = find(rescore(tmp_path / "s", dataset=toy), "alpha", "interpolation")
    shutil.rmtree(tmp_path / "s")
    make(tmp_path / "s", "alpha", toy, share=0.8, tracks=("interpolation",))
    after = find(rescore(tmp_path / "s", dataset=toy), "alpha", "interpolation")
    assert after["r2"]["overall"] < before["r2"]["overall"] - 0.005
    assert after["predictions_sha256"] != before["predictions_sha256"]


def test_no_submission_is_skipped_silently(toy: Path, tmp_path: Path) -> None:
    from binlj.leaderboard import rescore

    for id in ("one", "two"):
        make(tmp_path, f"bad-{id}", toy, tracks=("interpolation",), hardware=None)
    (tmp_path / "README.md").write_text("not a submission")
    (tmp_path / "stray.txt").write_text("x")
    with pytest.raises(InputError) as error:
        rescore(tmp_path, dataset=toy)
    text = str(error.value)
    assert "bad-one" in text and "bad-two" in text and "stray.txt" in text
    assert "README" not in text


def test_a_board_without_submissions_still_shows_naive_baselines(toy: Path, tmp_path: Path) -> None:
    from binlj.leaderboard import rescore
    from binlj.leaderboard.page import page_text

    board = rescore(tmp_path, dataset=toy)
    assert board.models == []
    assert len(board.rows) == 2 * 7
    assert "Noise ceiling" in page_text(board, dataset=toy)


def test_missing_folder_is_an_error(tmp_path: Path, toy: Path) -> None:
    from binlj.leaderboard import rescore

    with pytest.raises(InputError, match="no such folder"):
        rescore(tmp_path / "absent", dataset=toy)


def test_the_committed_board_is_what_a_rescore_gives() -> None:
    from binlj.paths import clone_root, dataset_dir

    root = clone_root()
    if root is None or not (dataset_dir() / "manifest.json").is_file():
        pytest.skip("needs the clone with its dataset")
    folder = root / "leaderboard"
    if not (folder / "results.json").is_file():
        pytest.skip("no leaderboard is committed yet")
    assert differences(folder / "submissions", folder) == []
