"""Curves against r and r / sigma_ij, the 240-number vectors, and models turned into factorials."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from explain_make import LEVELS, frames_of, planted, planted_curve, prediction_frame

from binlj.errors import DataError, InputError
from binlj.eval.explain import curves, models, sobol
from binlj.eval.explain.curve_report import explain_curves, restrict_frames
from binlj.grid import PAIRS, State, grid
from binlj.schema import merge_bins
from binlj.tracks import split


@pytest.mark.parametrize("scale", [0.5, 0.75, 1.0, 1.25, 1.5, 2.0])
def test_rebinning_conserves_particles(scale: float) -> None:
    w = curves.rebinning(scale)
    assert w.shape == (62, 500) and (w >= 0).all()
    assert w.sum(1) == pytest.approx(np.ones(62))
    g = 1 + np.random.default_rng(0).random(500)
    edges, new = np.arange(501) * 0.02, np.arange(63) * 0.08 * scale
    inside = np.diff(edges**3) * g
    cumulative = np.interp(new**3, edges**3, np.concatenate([[0], np.cumsum(inside)]))
    # every fine bin lies inside one new bin, so nothing is interpolated
    assert ((w > 1e-9).sum(0) <= 1).all()
    assert w @ g == pytest.approx(np.diff(cumulative) / np.diff(new**3), rel=1e-9)


def test_rebinning_at_one_is_the_benchmarks_own_merge() -> None:
    g = np.random.default_rng(1).random(500)
    assert curves.rebinning(1.0, width=0.1, reach=10.0) @ g == pytest.approx(merge_bins(g), rel=1e-12)


def test_rebinning_knows_its_reach() -> None:
    with pytest.raises(ValueError, match="known up to 5"):
        curves.rebinning(2.0, reach=6.0)


def test_a_pure_shift_of_the_peaks_vanishes_when_r_is_scaled() -> None:
    """g = h(r / sigma_ij, T): S rules against r, and has no part at all against r / sigma_ij."""

    def h(state: State, pair: str, r: np.ndarray) -> np.ndarray:
        x = r / state.sigma(pair)
        return (1 + np.tanh((x - 1) / 0.05)) * (1 + np.exp(-(((x - 1.5) / 0.3) ** 2)) * state.T)

    fine, coarse = frames_of(h)
    raw, scaled = (
        {p: sobol.sobol_indices(c) for p, c in curves.merged_curves(fine, coarse, scaled=on).items()}
        for on in (False, True)
    )
    for pair in ("AB", "BB"):
        assert raw[pair].first.argmax() == 2 and raw[pair].first[2] > 0.5
        assert scaled[pair].total[2] < 1e-3  # curves are given at bin centres, not averaged over bins
        assert scaled[pair].first[0] > 0.999
    assert np.array_equal(scaled["AA"].first, raw["AA"].first)  # sigma_AA is 1


def test_scaled_errors_follow_the_published_ones(toy: Path) -> None:
    """At sigma = 1 the scaled errors must carry the published 100-bin errors, curve by curve."""
    fine, coarse = curves.load_frames(toy)
    ours = curves.merged_curves(fine, coarse, scaled=True)["AA"].stderr
    theirs = curves.benchmark_curves(coarse)["AA"].stderr
    assert ours is not None and theirs is not None
    # bins of 0.08 hold fewer particles than bins of 0.1: the variance is larger by their ratio
    ratio = (ours[..., 20:] ** 2).mean(-1) / (theirs[..., 16:50] ** 2).mean(-1)
    assert ratio == pytest.approx(np.full(ratio.shape, 0.1 / 0.08), rel=0.05)


def test_map_vectors(toy: Path) -> None:
    fine, _ = curves.load_frames(toy)
    states, vectors = curves.map_features(fine)
    assert vectors.shape == (500, 240) and states["state_id"].is_unique
    row = fine[(fine["state_id"] == states["state_id"][123]) & (fine["pair"] == "AB")].iloc[0]
    at = np.linspace(0.9, 5.0, 80)
    assert vectors[123, 80:160] == pytest.approx(np.interp(at, row["r"], row["g"]))


def test_scaled_map_vectors_put_moved_peaks_on_top_of_each_other() -> None:
    fine, _ = frames_of(lambda state, pair, r: np.exp(-((r / state.sigma(pair) - 1.2) ** 2)) * state.T)
    states, moved = curves.map_features(fine)
    _, same = curves.map_features(fine, scaled=True)
    hot = (states["T"] == 1.4).to_numpy()
    assert np.ptp(same[hot], axis=0).max() < 2e-3  # linear interpolation on 0.02 bins
    assert np.ptp(moved[hot], axis=0).max() > 0.5


def test_noise_that_drowns_a_pair_leaves_it_undecided() -> None:
    """Errors of the most dilute composition only, far larger than all there is to see; the rest is clean."""

    def g(state: State, pair: str, r: np.ndarray) -> np.ndarray:
        return np.full(len(r), 1 + 0.1 * state.S + 0.02 * state.T)

    fine, coarse = frames_of(g, stderr=1e-4)
    rng = np.random.default_rng(0)
    for table in (fine, coarse):
        drowned = ((table["C_B"] == 0.01) & (table["pair"] == "BB")).to_numpy()
        table["g_stderr"] = [np.full(len(e), 3.0) if d else e for e, d in zip(table["g_stderr"], drowned, strict=True)]
        table["g"] = [
            v + 3.0 * rng.standard_normal(len(v)) if d else v for v, d in zip(table["g"], drowned, strict=True)
        ]
    found = {r.method: r for r in explain_curves(fine, coarse, n_boot=20).rankings}
    whole, dense = found["Sobol first order, r"], found["Sobol first order, r, C_B > 0.01"]
    assert whole.by_pair["BB"].notes["noise_dominated"] and whole.by_pair["BB"].dominant() == "undecided"
    assert not whole.by_pair["AA"].notes["noise_dominated"] and whole.by_pair["AA"].dominant() == "yes"
    assert dense.dominant() == "yes" and dense.by_pair["BB"].dominant() == "yes"
    parts = 0.1**2 * np.var(LEVELS[2]), 0.02**2 * np.var(LEVELS[0])
    assert dense.values["S"] == pytest.approx(parts[0] / sum(parts), abs=1e-4)
    shapley = found["mean |Shapley|, r"].by_pair["BB"]
    assert shapley.notes["noise_dominated"] and shapley.dominant() == "undecided"


def test_frames_that_do_not_match(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read = curves.data.read_table
    monkeypatch.setattr(
        curves.data,
        "read_table",
        lambda config, s, **where: read(config, s, **where).iloc[int(config == "fine") :],
    )
    with pytest.raises(DataError, match="hold different curves"):
        curves.load_frames(toy)


def test_model_free_report_finds_what_is_planted() -> None:
    """eps_AB raises all curves alike, S hardly: the same answer in every ranking and pair, scaled or not."""

    def g(state: State, pair: str, r: np.ndarray) -> np.ndarray:
        return np.full(len(r), 1 + state.eps_AB + 0.001 * state.S)

    found = explain_curves(*frames_of(g, stderr=1e-4), n_boot=20)
    assert len(found.rankings) == 10
    for ranking in found.rankings:
        assert ranking.order[0] == "eps_AB" and ranking.dominant() == "no"
        assert ranking.dominant("eps_AB") == "yes"
        assert [r.order[0] for r in ranking.by_pair.values()] == ["eps_AB"] * 3
        assert ranking.values["T"] < 0.01
    truth = found.truth()["Sobol first order, r"]
    assert set(truth) == {"all", "AA", "AB", "BB"} and truth["BB"]["eps_AB"] > 0.99
    first = found.rankings[0].notes
    assert first["sub_grids_without_one_level"] == 19 and first["S_first_on_sub_grids"] == 0


def test_noise_alone_is_not_a_ranking() -> None:
    """Two equal features and large errors: nobody may be called dominant."""

    def g(state: State, pair: str, r: np.ndarray) -> np.ndarray:
        # S has 4 levels, T 5: scale both to unit variance
        return 1 + (state.S / np.std(LEVELS[2]) + state.T / np.std(LEVELS[0])) * np.exp(-r)

    found = explain_curves(*frames_of(g, stderr=0.3), n_boot=60)
    first = found.rankings[0]
    assert first.dominant() == "undecided"
    assert 0.05 < first.first_share["S"] < 0.95


def test_models_in_every_form_give_the_same_factorials() -> None:
    from_points = models.function_curves(planted("S"))
    by_row = planted_curve("S")
    whole = models.function_curves(
        models.as_function(lambda states, pairs: np.stack([by_row(s, p) for s, p in zip(states, pairs, strict=True)]))
    )
    frame = models.frame_curves(prediction_frame(list(grid())[::-1], by_row))
    for pair in PAIRS:
        assert from_points[pair].values == pytest.approx(whole[pair].values)
        assert from_points[pair].values == pytest.approx(frame[pair].values)


def test_models_that_return_nonsense() -> None:
    with pytest.raises(InputError, match="50000 points give 3 values"):
        models.function_curves(lambda x: np.zeros(3))
    with pytest.raises(InputError, match="50000 of 50000 values are NaN or inf"):
        models.function_curves(lambda x: np.full(len(x), np.nan))
    with pytest.raises(InputError, match="1 values of r are no bin centres"):
        models.as_function(lambda s, p: np.zeros((len(s), 100)))(np.array([[1, 0.1, 1, 1, 1, 0, 0.11]]))


def test_extrapolation_test_states_are_a_grid_and_interpolation_ones_are_not(toy: Path) -> None:
    run = models.frame_curves(prediction_frame(list(split("extrapolation")[1]), planted_curve("S")))
    assert run["AA"].shape == (2, 5, 4, 5)
    fine, coarse = restrict_frames(curves.load_frames(toy), run)
    assert len(fine) == len(coarse) == 600
    with pytest.raises(InputError, match="combinations missing"):
        models.frame_curves(prediction_frame(list(split("interpolation")[1]), planted_curve("S")))
    with pytest.raises(InputError, match="no curve of pair AA"):
        models.frame_curves(prediction_frame([], planted_curve("S")).reindex(columns=["state_id", "pair", "g"]))
