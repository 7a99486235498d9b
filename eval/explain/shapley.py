"""Exact Shapley values of the four features: on a grid, for any callable, and for trees by TreeExplainer.

What is explained is the function (T*, C_B, S, eps_AB) -> g at a fixed pair and r, with the interventional
value function v(u) = mean over the background z of f(x_u, z_not u) (Lundberg and Lee 2017). With four
features there are only 16 coalitions, so nothing is sampled.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial as fact
from typing import Any

import numpy as np

from binlj.eval.explain.factorial import Factorial, conditional_means, subsets

Function = Callable[[np.ndarray], np.ndarray]


def grid_shapley(values: np.ndarray, n: int) -> np.ndarray:
    """Shapley values of every state of a full factorial, the whole grid being the background.

    On a grid x_u joined with z_not u is again a state of the grid, so v(u) = E[Y | X_u]: exact, and no more
    evaluations than states.

    Parameters
    ----------
    values : ndarray, shape (n_1 ... n_n, ...)

    Returns
    -------
    ndarray, shape (n, n_1 ... n_n, ...)
        They sum over the first axis to ``values - mean``.
    """
    means = conditional_means(values, n)
    phi = np.zeros((n, *values.shape))
    for i in range(n):
        for u in subsets(n):
            if i not in u:
                weight = fact(len(u)) * fact(n - len(u) - 1) / fact(n)
                phi[i] += weight * (means[tuple(sorted((*u, i)))] - means[u])
    return phi


def exact_shapley(function: Function, points: np.ndarray, background: np.ndarray, *, free: int = 4) -> np.ndarray:
    """Shapley values of the first `free` columns for any callable and background.

    Parameters
    ----------
    function : callable
        X[n, columns] -> g[n].
    points : ndarray, shape (points, columns)
        The columns after `free` (pair labels and r) are held fixed at each point's own values.
    background : ndarray, shape (background, free)

    Returns
    -------
    ndarray, shape (points, free)
    """
    n, m = len(points), len(background)
    value = {}
    for u in subsets(free):
        x = np.repeat(points[:, None, :], m, axis=1)
        for j in range(free):
            if j not in u:
                x[:, :, j] = background[None, :, j]
        value[u] = np.asarray(function(x.reshape(n * m, -1)), dtype=np.float64).reshape(n, m).mean(1)
    phi = np.zeros((n, free))
    for i in range(free):
        for u in subsets(free):
            if i not in u:
                weight = fact(len(u)) * fact(free - len(u) - 1) / fact(free)
                phi[:, i] += weight * (value[tuple(sorted((*u, i)))] - value[u])
    return phi


def tree_shapley(booster: Any, points: np.ndarray, background: np.ndarray | None = None) -> tuple[np.ndarray, float]:
    """SHAP values of a tree ensemble by ``shap.TreeExplainer``, over all its columns.

    Parameters
    ----------
    booster : xgboost.Booster or a scikit-learn style XGBoost model
        Trained on the seven columns of :func:`binlj.data.to_points`.
    points : ndarray, shape (points, 7)
    background : ndarray, shape (background, 7), optional
        For the interventional value function; without it the trees' own path-dependent one is used.

    Returns
    -------
    phi : ndarray, shape (points, 7)
    base : float
        Expected value; ``phi.sum(1) + base`` is the prediction.
    """
    import shap

    if background is None:
        explainer = shap.TreeExplainer(booster, feature_perturbation="tree_path_dependent")
    else:
        # a bare array would silently be cut to 100 rows
        masker = shap.maskers.Independent(background, max_samples=len(background))
        explainer = shap.TreeExplainer(booster, data=masker, feature_perturbation="interventional")
    phi = np.asarray(explainer.shap_values(points, check_additivity=False), dtype=np.float64)
    return phi, float(np.ravel(explainer.expected_value)[0])


def additivity_error(phi: np.ndarray, values: np.ndarray, base: np.ndarray | float) -> float:
    """Largest |sum of the Shapley values + base - value|, relative to the spread of the values.

    `phi` has the features on its first axis.
    """
    gap = np.abs(phi.sum(0) + base - values).max()
    spread = float(np.std(values))
    return float(gap / spread) if spread > 0 else float(gap)


def importance(curve: Factorial) -> np.ndarray:
    """Mean |Shapley value| of each state over the points of a curve, shape (states, features)."""
    n = len(curve.levels)
    phi = np.abs(grid_shapley(curve.values, n)).mean(axis=-1)
    return phi.reshape(n, -1).T
