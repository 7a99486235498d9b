"""Skill: how much of the structure a curve has beyond the ideal gas is predicted.

For one curve, over the bins with r >= 0.8 sigma_ij,

    e = min(1, sum |p - y| / sum |y - 1|),        skill = 1 - mean of e over curves.

1 is perfect, 0 is the ideal gas (g = 1) or worse. Every curve counts the same, and the cap keeps one bad
curve from ruling. The core is left out because g = 0 there is no achievement. The error is that of
matbench-discovery's molecular-dynamics task (``calc_rdf_error``: min(1, integral |g_ref - g_pred| /
integral |g_ref - 1|), there over all r).
"""

from __future__ import annotations

import numpy as np

from binlj.eval.truth import Truth

CORE = 0.8  # in sigma_ij
MEAN_OVER_STD = float(np.sqrt(2 / np.pi))  # E|x| of a normal x of standard deviation 1


def outside_core(truth: Truth) -> np.ndarray:
    """Which points count, shape (curves, bins)."""
    mask: np.ndarray = truth.r >= CORE * truth.sigma[:, None]
    return mask


def curve_errors(truth: Truth, g: np.ndarray) -> np.ndarray:
    """The capped error e of each curve, from 0 to 1, shape (curves,).

    A published curve that is 1 everywhere has e = 0 if it is predicted exactly, else 1.
    """
    return _capped(truth, np.abs(g - truth.g))


def label_errors(truth: Truth) -> np.ndarray:
    """Expected e of the exact curves, given the errors of the published ones, shape (curves,).

    With a normal error of standard deviation s in every bin E sum |p - y| = sqrt(2/pi) sum s, whether or
    not the bins are correlated; s is :attr:`~binlj.eval.truth.Truth.g_error`. The error of the
    denominator is neglected, and so is the cap's effect on the mean.
    """
    return _capped(truth, MEAN_OVER_STD * truth.g_error)


def _capped(truth: Truth, error: np.ndarray) -> np.ndarray:
    return capped_errors(error, truth.g, outside_core(truth))


def capped_errors(error: np.ndarray, g: np.ndarray, use: np.ndarray) -> np.ndarray:
    """min(1, sum error / sum |g - 1|) over the bins in `use`; all (curves, bins), the result (curves,)."""
    top, bottom = (error * use).sum(axis=1), (np.abs(g - 1.0) * use).sum(axis=1)
    ratio = np.divide(top, bottom, out=np.where(top > 0, np.inf, 0.0), where=bottom > 0)
    return np.minimum(ratio, 1.0)
