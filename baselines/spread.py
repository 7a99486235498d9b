"""The standard deviation of a combined prediction, from how far its members disagree and how wrong it was before.

    g_std^2 = (a s)^2 + (b D g)^2 + (c D)^2

with s the members' weighted standard deviation around the prediction g, and D the mean of |g - 1| over the
bins where g is not 0, so that a curve of little structure gets little of the residual variance. The factors
are those of least CRPS (Gneiting & Raftery, J. Am. Stat. Assoc. 102, 359, 2007) on held-out curves.
"""

from __future__ import annotations

import numpy as np

_CORE = 1e-3  # a smaller predicted g is the core, where every model is right
_START = np.log([1.0, 0.1, 0.03])
_BOUNDS = [(-7.0, 2.0)] * 3


def fit_factors(truth: np.ndarray, g: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The factors a, b, c from held-out curves.

    Parameters
    ----------
    truth, g, members : ndarray, shape (n, bins)
        Held-out curves, their predictions, and the members' standard deviation.

    Returns
    -------
    ndarray, shape (3,)
    """
    from scipy.optimize import minimize

    use = g > _CORE
    terms, error = _terms(g, members)[:, use], np.abs(g - truth)[use]

    def objective(logs: np.ndarray) -> float:
        return float(_crps(error, np.sqrt(np.exp(2 * logs) @ terms)).mean())

    return np.exp(minimize(objective, _START, method="L-BFGS-B", bounds=_BOUNDS).x)


def standard_deviation(factors: np.ndarray, g: np.ndarray, members: np.ndarray) -> np.ndarray:
    """g_std of predictions `g` (n, bins) whose members differ by `members` (n, bins)."""
    return np.sqrt(np.tensordot(factors**2, _terms(g, members), 1))


def _terms(g: np.ndarray, members: np.ndarray) -> np.ndarray:
    """The three variances with factors of 1, shape (3, n, bins)."""
    use = g > _CORE
    structure = (np.abs(g - 1.0) * use).sum(1, keepdims=True) / np.maximum(use.sum(1, keepdims=True), 1)
    return np.stack([members, structure * g, structure * np.ones_like(g)]) ** 2


def _crps(error: np.ndarray, std: np.ndarray) -> np.ndarray:
    """CRPS of normal forecasts whose means are off by `error`."""
    from scipy.special import erf

    z = error / np.maximum(std, 1e-12)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    score: np.ndarray = error * erf(z / np.sqrt(2)) + std * (2 * density - 1 / np.sqrt(np.pi))
    return score
