"""A reference that covers only some states: accepted, labelled, and beside it the models on the same states."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from lb_make import blend, make, run, some_states

from binlj.data import curves, read_table
from binlj.errors import InputError
from binlj.eval import evaluate, write_predictions
from binlj.grid import PAIRS
from binlj.leaderboard.build import CEILING, Board
from binlj.leaderboard.new import create
from binlj.leaderboard.pack import unpack
from binlj.leaderboard.page import model_curves, payload
from binlj.leaderboard.partial import label
from binlj.leaderboard.preview import preview
from binlj.leaderboard.submission import check

TRACK = "interpolation"
FILE = f"predictions-{TRACK}.parquet"


def row(board: Board, id: str) -> dict[str, Any]:
    return next(r for r in board.rows if r["id"] == id and r["track"] == TRACK)


def test_the_row_is_scored_on_its_own_states(board: Board, entries: Path, toy: Path) -> None:
    got = row(board, "sampled")
    expected = evaluate(entries / "sampled" / FILE, track=TRACK, dataset=toy, partial=True)
    part = got["subset"]
    assert (part["n_states"], part["of_states"], len(set(part["state_ids"]))) == (20, 100, 20)
    assert set(part["state_ids"]) == set(pq.read_table(entries / "sampled" / FILE)["state_id"].to_pylist())
    for pair in (*PAIRS, "overall"):
        assert got["r2"][pair] == pytest.approx(expected.r2[pair], abs=6e-7)
        assert part["ceiling"]["r2"][pair] == pytest.approx(expected.noise_ceiling[pair], abs=6e-7)
        assert got["ceiling_share"][pair] == pytest.approx(got["r2"][pair] / part["ceiling"]["r2"][pair], abs=3e-6)
    assert got["rank"] is None and not got["ranked"]
    assert label(got) == "20 of 100 states"


def test_like_for_like_is_what_the_models_score_on_these_states(board: Board, entries: Path, toy: Path) -> None:
    part = row(board, "sampled")["subset"]
    ranked = {r["id"] for r in board.rows if r["track"] == TRACK and r["ranked"]}
    assert set(part["models"]) == ranked == {"alpha", "beta", "hostile"}
    for id, scores in part["models"].items():
        table = pq.read_table(entries / id / FILE).to_pandas()
        cut = table[table["state_id"].isin(part["state_ids"])]
        expected = evaluate(cut, track=TRACK, dataset=toy, partial=True, n_boot=1, naive=False)
        assert scores["skill"] == pytest.approx(expected.skill, abs=6e-7), id
        assert scores["r2"] == pytest.approx(expected.r2, abs=6e-7), id
        assert scores["skill"]["overall"] != row(board, id)["skill"]["overall"]


def test_no_other_row_is_touched(board: Board, toy: Path) -> None:
    others = [r for r in board.rows if r["id"] != "sampled"]
    assert not [r["id"] for r in others if "subset" in r or label(r)]
    ceiling = row(board, CEILING)
    assert (ceiling["n_states"], ceiling["n_curves"]) == (100, 300)
    whole = evaluate(blend(TRACK, toy, share=1.0, noise=0.0, seed=0), track=TRACK, dataset=toy)
    assert ceiling["r2"] == pytest.approx(whole.noise_ceiling, abs=6e-7)
    assert ceiling["r2"] != row(board, "sampled")["subset"]["ceiling"]["r2"]


def test_the_page_carries_its_curves_and_no_others(board: Board, toy: Path) -> None:
    part = row(board, "sampled")["subset"]
    table = read_table(TRACK, "test", path=toy)
    covered = table["state_id"].isin(part["state_ids"]).to_numpy()
    predicted = board.curves["sampled", TRACK]
    assert predicted.shape == (60, 100)
    difference = unpack(model_curves(board, 10**7, dataset=toy)["sampled"][TRACK], "i1", 100)
    expected = predicted - curves(table)[covered]
    assert np.abs(difference - expected).max() < 0.004 * np.abs(expected).max()
    (sent,) = [r for r in payload(board, dataset=toy)["rows"] if r["id"] == "sampled"]
    assert sent["subset"] == part


def test_only_a_reference_may_be_partial(toy: Path, tmp_path: Path) -> None:
    make(tmp_path, "partial-model", toy, tracks=(TRACK,), states=20)
    with pytest.raises(InputError, match=rf"{FILE}: 240 of 300 keys are missing: .* and 237 more"):
        check(tmp_path / "partial-model", dataset=toy)
    make(tmp_path, "reference", toy, tracks=(TRACK,), states=20, kind="reference")
    submission = check(tmp_path / "reference", dataset=toy)
    assert submission.may_be_partial and not submission.ranked
    assert any("covers 20 of 100 test states" in warning for warning in submission.warnings)
    whole = make(tmp_path, "whole", toy, tracks=(TRACK,), kind="reference")
    assert check(whole, dataset=toy).warnings == ()


def test_half_a_state_is_refused_by_name(toy: Path, tmp_path: Path) -> None:
    folder = make(tmp_path, "halves", toy, tracks=(TRACK,), states=20, kind="reference")
    frame = pq.read_table(folder / FILE).to_pandas()
    write_predictions(folder / FILE, frame.drop(index=[7]))
    with pytest.raises(InputError) as error:
        check(folder, dataset=toy)
    assert f"1 of 60 keys are missing: {frame['state_id'][7]} {frame['pair'][7]}" in str(error.value)


def test_no_kind_that_is_not_one_opens_the_door(toy: Path, tmp_path: Path) -> None:
    for i, kind in enumerate((["reference"], "Reference", {"reference": 1})):
        folder = make(tmp_path, f"odd-{i}", toy, tracks=(TRACK,), states=20, kind=kind)
        with pytest.raises(InputError) as error:
            check(folder, dataset=toy)
        assert "240 of 300 keys are missing" in str(error.value) and "kind" in str(error.value)


def test_the_preview_says_what_it_covers(entries: Path, toy: Path, board: Board) -> None:
    lines = preview(check(entries / "sampled", dataset=toy), others=entries, dataset=toy).lines
    text = "\n".join(lines)
    assert "partial: 20 of 100 states" in text and "outside the ranking" in text
    alpha = row(board, "sampled")["subset"]["models"]["alpha"]["skill"]["overall"]
    (line,) = [line for line in lines if "skill on the same states, alpha" in line]
    assert f"overall {alpha:6.4f}" in line
    assert not [line for line in lines if "same states, foundation" in line or "same states, repeated" in line]
    assert "partial" not in "\n".join(preview(check(entries / "repeated", dataset=toy), others=None, dataset=toy).lines)


@pytest.fixture
def repeat(toy: Path, tmp_path: Path) -> Path:
    """One file of a repeated simulation: 20 states of the interpolation test set."""
    path = tmp_path / "repeat.parquet"
    frame = some_states(blend(TRACK, toy, share=1, noise=1, seed=3), 20)
    write_predictions(path, frame.sample(frac=1, random_state=0))
    return path


def test_one_command_makes_one_for_both_tracks(repeat: Path, toy: Path, tmp_path: Path, capsys) -> None:
    arguments = ["submit", "new", "again", "--reference", "--name", "Simulation, repeated", "--author", "Me"]
    arguments += ["--set", "parameters", "0", "--set", "hardware", "2 cores"]
    arguments += ["--license", "MIT", "--extra-training-data", "none"]
    for track in ("interpolation", "extrapolation"):
        arguments += ["-p", track, str(repeat), "--train-seconds", track, "0", "--predict-seconds", track, "60"]
    code, out, _ = run(capsys, *arguments, "--submissions", tmp_path / "s", "--dataset", toy)
    assert code == 0 and "complete and valid" in out
    ids = set(pq.read_table(repeat)["state_id"].to_pylist())
    outer = {name for name in ids if name.startswith(("T0.60", "T1.40"))}
    assert 2 <= len(outer) < 20
    assert f"predictions-interpolation.parquet: {len(ids)} states\n" in out
    assert f"extrapolation.parquet: {len(outer)} states; {20 - len(outer)} states of the extrapolation train" in out
    submission = check(tmp_path / "s" / "again", dataset=toy)
    assert submission.meta["kind"] == "reference" and submission.tracks == ("extrapolation", "interpolation")
    kept = pq.read_table(submission.predictions("extrapolation")[0]).to_pandas()
    given = pq.read_table(repeat).to_pandas().set_index(["state_id", "pair"])["g"]
    assert set(kept["state_id"]) == outer and len(kept) == 3 * len(outer)
    for state, pair, g in zip(kept["state_id"], kept["pair"], kept["g"], strict=True):
        np.testing.assert_array_equal(g, given[state, pair])

    shutil.copytree(tmp_path / "s", tmp_path / "t")
    make(tmp_path / "t", "alpha", toy)
    code, out, _ = run(
        capsys, "leaderboard", "build", "--submissions", tmp_path / "t", "--out", tmp_path / "o", "--dataset", toy
    )
    assert code == 0
    labels = [line.rsplit("  ", 1)[1] for line in out.splitlines() if " again " in line]
    assert labels == [f"{len(outer)} of 200 states", "20 of 100 states"]


def test_new_lists_what_it_cannot_take(repeat: Path, toy: Path, tmp_path: Path) -> None:
    inner = tmp_path / "inner.parquet"
    frame = pq.read_table(repeat).to_pandas()
    write_predictions(inner, frame[frame["state_id"].str.startswith("T1.00")])
    broken = tmp_path / "broken.parquet"
    broken.write_text("no")
    said: list[str] = []
    with pytest.raises(InputError) as error:
        create(
            "again", root=tmp_path / "s", predictions={"extrapolation": [inner], "interpolation": [broken]},
            fields={"kind": "model"}, reference=True, dataset=toy, say=said.append,
        )
    text = str(error.value)
    for expected in ("holds no state of the extrapolation test set", "not a readable parquet", "not 'model'"):
        assert expected in text
    assert said == [] and not (tmp_path / "s").exists()


def test_rows_the_benchmark_does_not_know_are_not_dropped_unseen(repeat: Path, toy: Path, tmp_path: Path) -> None:
    frame = pq.read_table(repeat).to_pandas()
    stranger = frame.iloc[:3].assign(state_id="T0.75-C0.300-S1.00-E0.50")
    write_predictions(repeat, pd.concat([frame, stranger]))
    folder = create("again", root=tmp_path / "s", predictions={TRACK: [repeat]}, reference=True, dataset=toy)
    with pytest.raises(InputError, match="keys are not in the test set: T0.75-C0.300-S1.00-E0.50"):
        check(folder, dataset=toy)


def test_without_the_flag_the_file_is_copied_as_it_is(repeat: Path, toy: Path, tmp_path: Path) -> None:
    folder = create("again", root=tmp_path / "s", predictions={TRACK: [repeat]}, fields={"kind": "reference"})
    assert (folder / FILE).read_bytes() == repeat.read_bytes()
