"""The off-grid states: where they lie, that they stay the same, and their track."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import qmc

from binlj.data import dataset_info, load, read_table, track_hash, tracks_of
from binlj.errors import DataError
from binlj.eval import evaluate
from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, State, grid
from binlj.offgrid import offgrid
from binlj.schema import OFFGRID, track_files
from binlj.tracks import split


def test_states_lie_in_the_ranges_of_the_grid_and_off_it() -> None:
    states = offgrid()
    assert len({s.state_id for s in states}) == 100 and list(states) == sorted(states)
    for name, values in (("T", GRID_T), ("C_B", GRID_C_B), ("S", GRID_S), ("eps_AB", GRID_EPS_AB)):
        column = [getattr(s, name) for s in states]
        assert values[0] <= min(column) and max(column) <= values[-1]
    mixtures = {(s.C_B, s.S, s.eps_AB) for s in grid()}
    assert not any((s.C_B, s.S, s.eps_AB) in mixtures for s in states), "no mixture of the grid"


def test_states_fill_the_ranges_more_evenly_than_random_ones() -> None:
    low, high = np.array([0.6, 0.1, 0.5, 0.2]), np.array([1.4, np.sqrt(0.5), 2.0, 1.0])
    points = np.array([(s.T, np.sqrt(s.C_B), s.S, s.eps_AB) for s in offgrid()])
    unit = np.clip((points - low) / (high - low), 0.0, 1.0)
    random = [qmc.discrepancy(np.random.default_rng(i).random(unit.shape)) for i in range(20)]
    assert qmc.discrepancy(unit) < min(random)


def test_states_are_the_first_points_of_a_scrambled_sobol_sequence() -> None:
    """If SciPy changes its generator, remove this test: the published states stay as they are."""
    low, high = np.array([0.6, np.sqrt(0.01), 0.5, 0.2]), np.array([1.4, np.sqrt(0.5), 2.0, 1.0])
    sobol = qmc.Sobol(d=4, scramble=True, rng=np.random.default_rng(2)).random_base2(7)[:100]
    T, root, S, eps_AB = (low + sobol * (high - low)).T
    columns = (T.round(2), (root**2).round(3), S.round(2), eps_AB.round(2))
    assert set(offgrid()) == {State(*map(float, row)) for row in zip(*columns, strict=True)}


def test_the_track_trains_on_the_grid_and_tests_off_it() -> None:
    train, test = split("offgrid")
    assert train == grid() and test == offgrid()
    assert not {s.state_id for s in train} & {s.state_id for s in test}


def test_training_rows_are_those_of_the_default_track(toy_offgrid: Path) -> None:
    frames = {name: read_table("offgrid", name, path=toy_offgrid) for name in ("train", "test")}
    assert {name: len(frame) for name, frame in frames.items()} == {"train": 1500, "test": 300}
    parts = [read_table("extrapolation", name, path=toy_offgrid) for name in ("train", "test")]
    for column in ("state_id", "pair"):
        assert list(frames["train"][column]) == [v for part in parts for v in part[column]]
    assert set(frames["test"]["state_id"]) == {s.state_id for s in offgrid()}
    assert len(read_table("states", path=toy_offgrid)) == 500, "the grid, for everything that does not ask otherwise"
    assert len(read_table("states", "offgrid", path=toy_offgrid)) == 100


def test_a_dataset_without_off_grid_states_says_so_and_keeps_the_other_tracks(toy: Path) -> None:
    for call in (
        lambda: read_table("offgrid", "train", path=toy),
        lambda: read_table("states", "offgrid", path=toy),
        lambda: load("offgrid", path=toy),
        lambda: evaluate(pd.DataFrame(), track="offgrid", dataset=toy),
    ):
        with pytest.raises(DataError, match="has no off-grid states") as error:
            call()
        assert "1.2.0 or later" in error.value.fix and len(error.value.problems) == 1
    assert tracks_of(toy) == ("extrapolation", "interpolation")
    assert len(read_table("interpolation", "test", path=toy)) == 300


def test_adding_off_grid_states_leaves_the_hash_of_the_other_tracks(toy_offgrid: Path) -> None:
    info = dataset_info(path=toy_offgrid)
    old = {**info, "files": {k: v for k, v in info["files"].items() if k not in OFFGRID.files}}
    assert track_hash(old, "interpolation") == track_hash(info, "interpolation")
    assert len({track_hash(info, track) for track in tracks_of(toy_offgrid)}) == 3
    for name in track_files("offgrid"):
        changed = {**info, "files": {**info["files"], name: "0" * 64}}
        assert track_hash(changed, "offgrid") != track_hash(info, "offgrid")
