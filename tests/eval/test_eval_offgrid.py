"""The offgrid track: scores with known answers, naive baselines off the grid, groups by temperature."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner

import binlj
from binlj.cli import cli
from binlj.data import curves, dataset_info, read_table, track_hash
from binlj.errors import DataError
from binlj.eval import evaluate, naive_predictions, template
from binlj.eval.scores import Scores, scores_schema
from binlj.eval.scoring import load_case
from binlj.eval.truth import Truth, load_truth
from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, State, parse_state_id
from binlj.offgrid import offgrid

TRACK = "offgrid"


@pytest.fixture(scope="module")
def here(toy_offgrid: Path) -> Truth:
    return load_truth(TRACK, dataset=toy_offgrid)


@pytest.fixture(scope="module")
def published(toy_offgrid: Path) -> pd.DataFrame:
    return read_table(TRACK, "test", path=toy_offgrid)[["state_id", "pair", "g"]]


def scored(frame: pd.DataFrame, dataset: Path) -> Scores:
    return evaluate(frame, track=TRACK, dataset=dataset, n_boot=20, naive=False)


def test_the_published_curves_score_one_and_the_ideal_gas_nothing(toy_offgrid: Path, published: pd.DataFrame) -> None:
    exact = scored(published.sample(frac=1, random_state=0), toy_offgrid)
    assert exact.skill["overall"] == 1.0 and exact.r2["overall"] == 1.0
    assert (exact.n_states, exact.of_states, exact.n_curves) == (100, 100, 300)
    unsettled = (~read_table("states", "offgrid", path=toy_offgrid)["converged"]).sum()
    assert unsettled > 0 and exact.n_scored_states == 100 - unsettled
    assert exact.bootstrap["n_units"] == exact.n_scored_states, "every state is a mixture of its own"
    for name in ("peak_height", "peak_position", "coordination", "wasserstein", "energy"):
        assert exact.metrics[name]["values"]["overall"] == pytest.approx(0.0, abs=1e-12), name
    gas = scored(template(TRACK, dataset=toy_offgrid), toy_offgrid)
    assert gas.skill["overall"] == 0.0
    jsonschema.validate(exact.to_dict(), scores_schema())
    assert exact.track_sha256 == track_hash(dataset_info(path=toy_offgrid), TRACK)


def test_the_mean_of_the_test_curves_explains_no_variance(toy_offgrid: Path, published: pd.DataFrame) -> None:
    """R² of the scored curves' own mean is 0 for each pair by definition, once one number stands for all."""
    settled = set(read_table("states", "offgrid", path=toy_offgrid).query("converged")["state_id"])
    frame = published.copy()
    for pair, group in frame[frame["state_id"].isin(settled)].groupby("pair"):
        level = np.full(100, curves(group).mean())
        frame.loc[frame["pair"] == pair, "g"] = pd.Series([level] * 100, index=frame.index[frame["pair"] == pair])
    found = scored(frame, toy_offgrid).r2
    assert [found[pair] for pair in ("AA", "AB", "BB")] == pytest.approx([0.0] * 3, abs=1e-12)


def test_a_test_set_that_has_not_converged_scores_nothing(here: Truth, published: pd.DataFrame) -> None:
    unsettled = replace(here, converged=np.arange(100) < 1)
    with pytest.raises(DataError, match="1 of 100 test states are converged; scores need 2 at least"):
        load_case(published, unsettled)


def test_the_noise_ceiling_lies_just_below_one(toy_offgrid: Path, published: pd.DataFrame) -> None:
    ceiling = scored(published, toy_offgrid).skill_ceiling
    assert all(0.8 < ceiling[pair] < 1.0 for pair in ("AA", "AB", "BB"))


def test_states_are_grouped_by_the_nearest_temperature_of_the_grid(
    toy_offgrid: Path, here: Truth, published: pd.DataFrame
) -> None:
    assert np.abs(here.T - here.near_T).max() <= 0.1 + 1e-9 and set(here.near_T) == set(GRID_T)
    assert set(here.near_T[np.isclose(here.T, 0.7)]) <= {0.6}, "the lower of two"
    by = scored(published, toy_offgrid).by["temperature"]
    assert list(by) == ["0.60", "0.80", "1.00", "1.20", "1.40"]
    assert sum(group["n_states"] for group in by.values()) == int(here.scored.sum())
    on_grid = load_truth("extrapolation", dataset=toy_offgrid)
    np.testing.assert_array_equal(on_grid.near_T, on_grid.T)


def test_nearest_temperature_is_the_nearest_state_off_the_grid(toy_offgrid: Path) -> None:
    """The training states are a full factorial: each parameter goes to its nearest value."""
    got = naive_predictions("nearest_temperature", track=TRACK, dataset=toy_offgrid)
    train = read_table(TRACK, "train", path=toy_offgrid).set_index(["state_id", "pair"])["g"]

    def near(values: tuple[float, ...], value: float) -> float:
        return min(values, key=lambda v: (round(abs(v - value), 6), v))

    ties = 0
    for row in got.itertuples():
        s = parse_state_id(row.state_id)
        at = State(near(GRID_T, s.T), near(GRID_C_B, s.C_B), near(GRID_S, s.S), near(GRID_EPS_AB, s.eps_AB))
        if round(abs(s.T - at.T), 6) == 0.1:  # two temperatures are equally near and averaged
            ties += 1
            continue
        np.testing.assert_allclose(row.g, train[at.state_id, row.pair], atol=1e-12)
    assert ties == 3 * sum(round(abs(s.T * 10) % 2, 6) == 1 for s in offgrid())


def test_better_predictors_score_better(toy_offgrid: Path) -> None:
    names = ("mean_rdf", "nearest_temperature", "nearest_scaled")
    found = {n: scored(naive_predictions(n, track=TRACK, dataset=toy_offgrid), toy_offgrid) for n in names}
    assert found["mean_rdf"].skill["overall"] < found["nearest_temperature"].skill["overall"]
    assert found["nearest_temperature"].skill["overall"] < found["nearest_scaled"].skill["overall"] < 1.0


def test_benchmark_and_commands(toy_offgrid: Path, tmp_path: Path) -> None:
    bench = binlj.benchmark(TRACK, dataset=toy_offgrid)
    assert repr(bench) == "Benchmark('offgrid': 1500 training curves, 300 test curves)"
    assert "g" not in bench.test and bench.evaluate(np.ones((300, 100)), n_boot=2).skill["overall"] == 0.0
    file, options = str(tmp_path / "p.parquet"), ["--track", TRACK, "--dataset", str(toy_offgrid)]
    made = CliRunner().invoke(cli, ["template", *options, file])
    assert made.exit_code == 0 and "300 curves" in made.output
    done = CliRunner().invoke(cli, ["evaluate", file, *options, "--n-boot", "5", "--plots", str(tmp_path / "plots")])
    assert done.exit_code == 0, done.output
    assert "nearest T*: 1.40" in done.output and "100 states" in done.output
    assert (tmp_path / "plots" / "error_by_temperature.png").is_file()
