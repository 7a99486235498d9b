"""SHAP of a model: exact Shapley values on the grid, TreeExplainer for trees, agreement with the data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from binlj.eval.explain.attributions import compare_importances
from binlj.eval.explain.curve_report import CurveReport
from binlj.eval.explain.models import grid_points
from binlj.eval.explain.ranking import Ranking, bootstrap_states, rank
from binlj.eval.explain.shapley import additivity_error, grid_shapley, tree_shapley
from binlj.eval.explain.shapley_report import ALL, Curves, model_shapley_ranking, over_seeds
from binlj.eval.explain.sobol import sobol_indices
from binlj.grid import PAIRS
from binlj.schema import FEATURES

ADDITIVITY_LIMIT = 1e-6  # of the spread of the predictions
TREE_ADDITIVITY_LIMIT = 1e-3  # TreeExplainer and the trees themselves sum in single precision
TREE_POINTS = 3000


@dataclass(frozen=True)
class ModelReport:
    """What a model says about the features.

    Attributes
    ----------
    name : str
    rankings : list of Ranking
        Exact Shapley on the grid; for trees TreeExplainer as well.
    cloud : dict
        For pictures: ``phi`` (points, 4) and ``states`` (points, 4) of the first seed, a sample.
    details : dict
        JSON-ready: additivity, sample sizes, the model's Sobol indices, agreement with the data.
    """

    name: str
    rankings: list[Ranking]
    cloud: dict[str, np.ndarray]
    details: dict[str, Any]


def explain_model(
    name: str,
    runs: Sequence[Curves],
    *,
    truth: CurveReport | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> ModelReport:
    """Explain a model by exact Shapley values of (T*, C_B, S, eps_AB) -> g at each pair and r.

    The background is every state of the grid that `runs` are on, and every one of those states is explained
    at every r: nothing is sampled.

    Parameters
    ----------
    name : str
    runs : sequence of dict
        Pair -> Factorial of predictions, one dict a training seed.
    truth : CurveReport, optional
        To score the agreement with the model-free rankings; must be on the same states.

    Raises
    ------
    ArithmeticError
        If the Shapley values do not add up to the predictions.
    """
    method = "SHAP, exact on the grid"
    ranking = model_shapley_ranking(name, runs, method=method, n_boot=n_boot, seed=seed)
    error, cloud = _check_and_sample(runs[0], seed=seed)
    if error > ADDITIVITY_LIMIT:
        raise ArithmeticError(f"Shapley values of {name} miss the predictions by {error:.2e} of their spread")
    details: dict[str, Any] = {
        "additivity_error": error,
        "seeds": len(runs),
        "points": sum(c.values.size for c in runs[0].values()),
        "states": runs[0][PAIRS[0]].n_states,
        "levels": {f: list(v) for f, v in zip(FEATURES, runs[0][PAIRS[0]].levels, strict=True)},
        "sobol_first": {
            key: dict(zip(FEATURES, sobol_indices(*c).first.tolist(), strict=True))
            for key, c in {ALL: list(runs[0].values()), **{p: [c] for p, c in runs[0].items()}}.items()
        },
    }
    if truth is not None:
        own = {p: r.values for p, r in ranking.by_pair.items()}
        details["agreement"] = compare_importances(own, truth.truth())
    return ModelReport(name, [ranking], cloud, details)


def explain_trees(
    name: str,
    boosters: Sequence[Any],
    *,
    points: int = TREE_POINTS,
    n_boot: int = 1000,
    seed: int = 0,
    step: Callable[[], object] | None = None,
) -> tuple[Ranking, dict[str, Any]]:
    """Rank the features of tree ensembles by ``shap.TreeExplainer`` (path-dependent, all seven columns).

    Parameters
    ----------
    boosters : sequence
        One XGBoost model a seed.
    points : int
        Points drawn from the 150,000 of the grid, a third from each pair.

    Returns
    -------
    ranking : Ranking
    details : dict
        Sample size, additivity error, and the mean |SHAP| of the labels and of r, which are not ranked.

    Raises
    ------
    ArithmeticError
        If the values do not add up to the predictions.
    """
    rng = np.random.default_rng(seed)
    each = points // len(PAIRS)
    x = np.concatenate([p[np.sort(rng.choice(len(p), each, replace=False))] for p in map(grid_points, PAIRS)])
    found = []
    error = 0.0
    for booster in boosters:
        phi, base = tree_shapley(booster, x)
        predict = getattr(booster, "inplace_predict", None) or booster.predict
        error = max(error, additivity_error(phi.T, np.asarray(predict(x), dtype=np.float64), base))
        if error > TREE_ADDITIVITY_LIMIT:
            raise ArithmeticError(f"TreeExplainer of {name} misses the predictions by {error:.2e} of their spread")
        found.append(np.abs(phi))
        if step:
            step()
    size = np.stack(found)
    seeds = {} if len(size) == 1 else over_seeds(size[..., :4].mean(axis=1))
    text = f"{n_boot} resamples of {len(x)} points" + (f" and of {len(boosters)} seeds" if len(boosters) > 1 else "")
    method = "SHAP, TreeExplainer"

    def ranked(v: np.ndarray) -> Ranking:
        return rank(method, name, v.mean(axis=(0, 1)), bootstrap_states(v, n=n_boot, seed=seed), uncertainty=text)

    by_pair = {pair: ranked(size[:, i * each : (i + 1) * each, :4]) for i, pair in enumerate(PAIRS)}
    details = {
        "points": len(x),
        "background": "path-dependent (the training counts in the trees)",
        "additivity_error": error,
        "not_ranked": dict(zip(("label_A", "label_B", "r"), size[..., 4:].mean(axis=(0, 1)).tolist(), strict=True)),
    }
    whole = ranked(size[..., :4])
    return Ranking(**{**vars(whole), "by_pair": by_pair, "notes": details | seeds}), details


def _check_and_sample(run: Curves, *, seed: int, sample: int = 6000) -> tuple[float, dict[str, np.ndarray]]:
    """Worst additivity error of a run, and a sample of its Shapley values for the beeswarm."""
    rng = np.random.default_rng(seed)
    n = len(FEATURES)
    worst, clouds, states = 0.0, [], []
    for curve in run.values():
        phi = grid_shapley(curve.values, n)
        worst = max(worst, additivity_error(phi, curve.values, curve.values.mean(axis=tuple(range(n)))))
        points = phi.reshape(n, -1).T
        own = np.repeat(curve.states(), len(curve.x), axis=0)
        pick = rng.choice(len(points), min(sample // len(run), len(points)), replace=False)
        clouds.append(points[pick])
        states.append(own[pick])
    return worst, {"phi": np.concatenate(clouds), "states": np.concatenate(states)}
