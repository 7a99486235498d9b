"""Fitting the theory of the mixed regime: the size and composition of domains, and what is left."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import least_squares

from binlj.baselines.fitted_theory.labels import outside_core
from binlj.baselines.fitted_theory.states import TrainingStates, relative_noise
from binlj.baselines.protocol import FitContext
from binlj.errors import DataError
from binlj.theory.domains import N_FEATURES, START, Domains, sizes, standardised
from binlj.theory.fitted_mixed import FittedMixed
from binlj.theory.mixed import Parts, combine, features_of, solve_parts
from binlj.theory.residual import Residuals

_MOST_STEPS = 60
_AT_ONCE = 32  # states solved between two reports of the progress


def fit_mixed(data: TrainingStates, *, ridge: float, context: FitContext) -> FittedMixed:
    """Fit domains and residuals to training states of the mixed regime.

    Parameters
    ----------
    ridge : float
        Penalty of the domains' coefficients; see :func:`fit_domains`.

    Raises
    ------
    DataError
        If fewer states lie inside the spinodal than a coefficient has terms.
    """
    parts: list[Parts] = []
    for i in range(0, len(data.states), _AT_ONCE):
        parts += solve_parts(data.states[i : i + _AT_ONCE])
        context.progress(len(parts), len(data.states), "theory of the training states")
    domains = fit_domains(parts, data, ridge=ridge)
    whole = np.flatnonzero(data.converged)
    g = combine([parts[i] for i in whole], domains).g
    kept = data.take(whole)
    points = np.array([(s.T, s.C_B, s.S, s.eps_AB) for s in kept.states])
    unstable = np.array([parts[i].unstable for i in whole])
    return FittedMixed(domains, Residuals(points, unstable, relative_noise(kept), kept.g - g))


def fit_domains(parts: Sequence[Parts], data: TrainingStates, *, ridge: float) -> Domains:
    """The coefficients of log xi, log q and logit eta, fitted to the curves of the states inside the spinodal.

    Least squares of the difference in g outside the core, each curve divided by the root of its sum of (g - 1)^2, plus
    `ridge` times the squares of all coefficients but the constants.
    """
    chosen, found = features_of(parts)
    if len(chosen) <= N_FEATURES + 1:
        problem = f"{len(chosen)} states inside the spinodal, more than {N_FEATURES + 1} needed"
        raise DataError("training table of the mixed regime", [problem], fix="train on a track of the whole grid")
    mean, scale = found.mean(0), np.maximum(found.std(0), 1e-9)
    z = standardised(found, mean, scale)
    g = data.g[chosen]
    use = np.stack([outside_core(data.states[i]) for i in chosen])
    weight = use / np.sqrt((((g - 1.0) * use) ** 2).sum(-1, keepdims=True))

    def residual(flat: np.ndarray) -> np.ndarray:
        b = flat.reshape(3, -1)
        predicted = np.stack([parts[i].curves(s) for i, s in zip(chosen, sizes(z @ b.T), strict=True)])
        return np.concatenate([((predicted - g) * weight).ravel() / np.sqrt(3.0), np.sqrt(ridge) * b[:, 1:].ravel()])

    start = np.zeros((3, N_FEATURES + 1))
    start[:, 0] = START
    best = least_squares(residual, start.ravel(), max_nfev=_MOST_STEPS)
    return Domains(mean, scale, best.x.reshape(3, -1))
