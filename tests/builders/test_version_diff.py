"""Version diff: nothing between equal versions, and exactly what was changed otherwise."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from binlj.builders.validation import version_diff
from binlj.errors import DataError
from binlj.grid import PAIRS


def test_a_version_does_not_differ_from_itself(toy: Path) -> None:
    frame = version_diff.compare(toy, toy)
    assert len(frame) == 500 and not frame[[f"rms_{pair}" for pair in PAIRS]].to_numpy().any()
    r2 = version_diff.scores(toy, toy)
    assert all(value == pytest.approx(1.0) for track in r2.values() for value in track.values())
    changed = version_diff.changes(toy, toy)
    converged = int(frame.converged_after.sum())
    text, _ = version_diff.report(frame, r2, changed, toy, toy)
    assert f"| grid | 500 | 0 | 0 | 0 | 0 | {converged} | {converged} | 0 | 0 |" in text


def _change(table: pa.Table, state_id: str, pair: int, factor: float) -> pa.Table:
    rows = table.to_pandas()
    mine = (rows.state_id == state_id) & (rows.pair == pair)
    rows.loc[mine, "g"] = rows.loc[mine, "g"].map(lambda g: (g * factor).astype(np.float32))
    return pa.Table.from_pandas(rows, schema=table.schema, preserve_index=False)


def test_a_changed_curve_and_a_changed_start_are_found(toy: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(toy, before)
    state_id, pair = "T0.60-C0.200-S1.00-E0.40", "BB"
    for track in ("interpolation", "extrapolation"):
        for path in (before / track).glob("*.parquet"):
            pq.write_table(_change(pq.read_table(path), state_id, PAIRS.index(pair), 2.0), path)
    (path,) = (before / "states").glob("*.parquet")
    table = pq.read_table(path)
    states = table.to_pandas()
    states.loc[states.state_id == state_id, "start"] = "somehow"
    was = states.loc[states.state_id == state_id, "phase"].item()
    states.loc[states.state_id == state_id, "phase"] = "solid-like"
    converged = states.loc[states.state_id == state_id, "converged"].item()
    states.loc[states.state_id == state_id, "converged"] = not converged
    pq.write_table(pa.Table.from_pandas(states, schema=table.schema, preserve_index=False), path)

    frame = version_diff.compare(before, toy)
    hit = frame.state_id == state_id
    assert (frame.rms_BB > 0).tolist() == hit.tolist() and not frame[["rms_AA", "rms_AB"]].to_numpy().any()
    g, _ = version_diff._curves(toy)[state_id]
    r = (np.arange(100) + 0.5) / 10
    inside = (r >= 0.9) & (r <= 5.0)
    expected = np.sqrt((g[2][inside] ** 2).mean()) / g[2].max()  # half of what it was: the change is the curve itself
    assert frame.rms_BB[hit].item() == pytest.approx(expected, rel=1e-5)
    r2 = version_diff.scores(before, toy)
    assert r2["extrapolation"]["BB"] < 1.0 and r2["extrapolation"]["AA"] == pytest.approx(1.0)
    text, _ = version_diff.report(frame, r2, version_diff.changes(before, toy), before, toy)
    n = int(frame.converged_after.sum())
    newly, lost = (1, 0) if converged else (0, 1)
    assert f"| grid | 500 | 1 | 1 | 0 | 1 | {n - newly + lost} | {n} | {newly} | {lost} |" in text
    assert f"Another phase, grid: {state_id} (solid-like → {was})." in text
    assert f"| {state_id} | 0.0 % | 0.0 % |" in text
    assert (f"No longer converged, grid: {state_id}." in text) == (not converged) == bool(lost)
    version_diff.draw(frame).savefig(tmp_path / "picture.png")


def test_scores_are_of_the_present_test_set_where_the_split_was_another(toy: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(toy, before)
    train, test = (pq.read_table(before / "interpolation" / f"{side}.parquet") for side in ("train", "test"))
    pq.write_table(pa.concat_tables([test, train.slice(30)]), before / "interpolation" / "train.parquet")
    pq.write_table(train.slice(0, 30), before / "interpolation" / "test.parquet")
    assert version_diff.scores(before, toy)["interpolation"]["overall"] == pytest.approx(1.0)


def test_versions_of_other_grids_are_refused(toy: Path, tmp_path: Path) -> None:
    before = tmp_path / "before"
    shutil.copytree(toy, before)
    (path,) = (before / "states").glob("*.parquet")
    pq.write_table(pq.read_table(path).slice(0, 499), path)
    with pytest.raises(DataError, match="not those of the other"):
        version_diff.compare(before, toy)
    with pytest.raises(DataError):
        version_diff.compare(tmp_path / "nowhere", toy)
