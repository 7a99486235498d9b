"""Shapley values: known answers, other people's implementations, and what must be zero."""

from __future__ import annotations

import itertools
from math import factorial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from explain_make import LEVELS, STATES, on_grid, planted

from binlj.data import PAIR_LABELS
from binlj.eval.explain import shapley
from binlj.eval.explain.model_report import explain_model, explain_trees
from binlj.eval.explain.models import BOOSTER_FILE, function_curves, grid_points, read_booster
from binlj.eval.explain.shapley_report import model_shapley_ranking
from binlj.schema import FEATURES


def interacting(x: np.ndarray) -> np.ndarray:
    """All four features, with interactions of every order."""
    return np.sin(3 * x[:, 0]) * x[:, 2] + np.exp(x[:, 1] * x[:, 3]) * x[:, 2] ** 2 / x[:, 0] + x[:, 6]


def test_additive_function_has_known_values() -> None:
    curve = on_grid(lambda t, c, s, e, x: 2 * t - 3 * c + s**2 + 0 * e)
    phi = shapley.grid_shapley(curve.values, 4)
    t, c, s, _ = np.meshgrid(*LEVELS, indexing="ij")
    assert phi[0, ..., 0] == pytest.approx(2 * (t - t.mean()))
    assert phi[1, ..., 0] == pytest.approx(-3 * (c - c.mean()))
    assert phi[2, ..., 0] == pytest.approx(s**2 - (s**2).mean())
    assert np.abs(phi[3]).max() < 1e-12


def test_product_splits_its_interaction_evenly() -> None:
    """f = T S: phi_T = (T - mT)(S + mS) / 2, the closed form of two features."""
    curve = on_grid(lambda t, c, s, e, x: t * s)
    phi = shapley.grid_shapley(curve.values, 4)[..., 0]
    t, _, s, _ = np.meshgrid(*LEVELS, indexing="ij")
    assert phi[0] == pytest.approx((t - t.mean()) * (s + s.mean()) / 2)
    assert phi[2] == pytest.approx((s - s.mean()) * (t + t.mean()) / 2)


def test_grid_agrees_with_all_orderings_of_the_features() -> None:
    """The definition itself: the mean over all 24 orders of what a feature adds."""
    x = np.column_stack([STATES, np.tile([1.0, 1.0, 2.0], (500, 1))])
    values = interacting(x).reshape(5, 5, 4, 5, 1)
    phi = shapley.grid_shapley(values, 4)
    at = (1, 3, 0, 4)
    point = np.array([LEVELS[i][k] for i, k in enumerate(at)])

    def value(known: tuple[int, ...]) -> float:
        mixed = x.copy()
        mixed[:, list(known)] = point[list(known)]
        return float(interacting(mixed).mean())

    slow = np.zeros(4)
    for order in itertools.permutations(range(4)):
        for k in range(4):
            slow[order[k]] += (value(order[: k + 1]) - value(order[:k])) / factorial(4)
    assert phi[(slice(None), *at, 0)] == pytest.approx(slow, rel=1e-10)
    assert shapley.additivity_error(phi, values, values.mean()) < 1e-12


def test_exact_agrees_with_the_grid_and_with_shap() -> None:
    import shap

    rng = np.random.default_rng(0)
    labels = [*PAIR_LABELS["AB"], 1.25]
    points = np.column_stack([STATES[rng.choice(500, 12)], np.tile(labels, (12, 1))])
    ours = shapley.exact_shapley(interacting, points, STATES)
    grid = shapley.grid_shapley(
        interacting(np.column_stack([STATES, np.tile(labels, (500, 1))])).reshape(5, 5, 4, 5, 1), 4
    )
    where = [tuple(LEVELS[i].index(v) for i, v in enumerate(p[:4])) for p in points]
    assert ours == pytest.approx(np.array([grid[(slice(None), *w, 0)] for w in where]), rel=1e-9, abs=1e-12)

    def of_state(states: np.ndarray) -> np.ndarray:
        return interacting(np.column_stack([states, np.tile(labels, (len(states), 1))]))

    # with four features KernelExplainer solves all 14 non-trivial coalitions, so it is exact too
    # (ExactExplainer gives the same, after half a minute of compilation)
    theirs = shap.KernelExplainer(of_state, STATES).shap_values(points[:, :4], silent=True)
    assert ours == pytest.approx(theirs, rel=1e-6, abs=1e-8)


def booster(target: np.ndarray, x: np.ndarray) -> Any:
    xgboost = pytest.importorskip("xgboost")
    return xgboost.train({"max_depth": 4, "nthread": 1, "seed": 0}, xgboost.DMatrix(x, target), 30)


def test_tree_explainer_agrees_with_the_grid() -> None:
    """Interventional TreeExplainer with the whole grid as background is the same game, solved differently."""
    x = grid_points("BB")[3::20]
    model = booster(interacting(x), x)
    own = np.column_stack([STATES, np.tile([*PAIR_LABELS["BB"], 1.35], (500, 1))])
    values = model.inplace_predict(own).astype(float)
    grid = shapley.grid_shapley(values.reshape(5, 5, 4, 5, 1), 4).reshape(4, 500).T
    some = [3, 77, 210, 499]
    phi, base = shapley.tree_shapley(model, own[some], background=own)
    assert phi[:, :4] == pytest.approx(grid[some], abs=1e-5)
    assert np.abs(phi[:, 4:]).max() < 1e-6  # labels and r do not vary in this background
    assert phi.sum(1) + base == pytest.approx(values[some], abs=1e-4)


@pytest.mark.parametrize("feature", FEATURES)
def test_planted_feature_is_found_in_a_model(feature: str) -> None:
    found = explain_model("planted", [function_curves(planted(feature))], n_boot=50)
    ranking = found.rankings[0]
    assert ranking.order[0] == feature and ranking.first_share[feature] == 1.0
    assert ranking.dominant(feature) == "yes"
    assert ranking.dominant() == ("yes" if feature == "S" else "no")
    assert {p: r.order[0] for p, r in ranking.by_pair.items()} == dict.fromkeys(("AA", "AB", "BB"), feature)
    assert found.details["additivity_error"] < 1e-9
    assert ranking.notes["background_states"] == 500 and ranking.notes["states"] == 500


def test_planted_feature_is_found_by_tree_explainer() -> None:
    x = np.concatenate([grid_points(p)[::37] for p in ("AA", "AB", "BB")])
    ranking, details = explain_trees("trees", [booster(planted("C_B")(x), x)], points=90, n_boot=50)
    assert ranking.order[0] == "C_B" and ranking.dominant() == "no"
    assert set(ranking.by_pair) == {"AA", "AB", "BB"}
    assert details["points"] == 90 and details["additivity_error"] < 1e-4
    assert details["not_ranked"]["r"] > 0 and details["not_ranked"]["label_A"] == pytest.approx(0, abs=1e-6)


def test_trees_on_other_inputs_are_not_explained_as_if_they_took_the_papers(tmp_path: Path) -> None:
    x = grid_points("AA")[::37]
    booster(planted("T")(x), x).save_model(tmp_path / BOOSTER_FILE)
    assert read_booster(tmp_path).num_features() == 7
    booster(planted("T")(x), np.column_stack([x, x])).save_model(tmp_path / BOOSTER_FILE)
    assert read_booster(tmp_path) is None


def test_additivity_is_enforced_for_trees() -> None:
    x = grid_points("AA")[::37]

    model = booster(planted("T")(x), x)
    honest = model.inplace_predict
    model.inplace_predict = lambda x: honest(x) + 1.0
    with pytest.raises(ArithmeticError, match="misses the predictions"):
        explain_trees("liar", [model], points=30, n_boot=20)


def test_constant_feature_gets_exactly_zero() -> None:
    curves = function_curves(lambda x: x[:, 0] * x[:, 2] + x[:, 3] * x[:, 6])
    ranking = model_shapley_ranking("m", [curves], method="m", n_boot=20, seed=0)
    assert ranking.values["C_B"] < 1e-12
    assert ranking.order[-1] == "C_B"


def test_seeds_widen_the_intervals() -> None:
    one, other = function_curves(planted("S")), function_curves(planted("S", weak=0.4))
    alone = model_shapley_ranking("m", [one], method="m", n_boot=200, seed=0)
    both = model_shapley_ranking("m", [one, other], method="m", n_boot=200, seed=0)
    assert both.notes["seeds"] == 2 and both.notes["sd_over_seeds"]["T"] > 0
    assert alone.notes["sd_over_seeds"]["T"] is None and alone.notes["half_interval_over_seeds"]["T"] is None
    student = 12.706 * both.notes["sd_over_seeds"]["T"] / 2**0.5  # one degree of freedom
    assert both.notes["half_interval_over_seeds"]["T"] == pytest.approx(student, rel=1e-4)
    assert both.high["T"] - both.low["T"] > 3 * (alone.high["T"] - alone.low["T"])


def test_permuted_states_destroy_the_ranking_of_a_model() -> None:
    curves = function_curves(planted("S"))
    order = np.random.default_rng(0).permutation(500)
    mixed = {p: type(c)(c.levels, c.x, c.flat()[order].reshape(c.values.shape)) for p, c in curves.items()}
    before = model_shapley_ranking("m", [curves], method="m", n_boot=50, seed=0)
    after = model_shapley_ranking("m", [mixed], method="m", n_boot=50, seed=0)
    share = before.values["S"] / sum(before.values.values())
    share_after = after.values["S"] / sum(after.values.values())
    assert share > 0.9 and share_after < 0.35
