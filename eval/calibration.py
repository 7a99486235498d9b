"""Calibration: terms of the metrics that need a model's own standard deviation ``g_std``.

z = (p - y) / sqrt(g_std^2 + s^2): the published value has an error s of its own (standard error and gap
between the starts), which must not count against the model. Only points with r >= 0.8 sigma_ij are used:
inside the core every model is right and sure, which would make any calibration look good. The choice
depends on the state alone, not on y.
"""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from binlj.eval.skill import outside_core
from binlj.eval.truth import Truth

LEVELS = np.arange(1, 20) / 20  # nominal coverages of the central intervals
_BOUNDS = np.array([NormalDist().inv_cdf(0.5 + level / 2) for level in LEVELS])
BOUND_95 = NormalDist().inv_cdf(0.975)
COVERAGE_1 = 2 * NormalDist().cdf(1.0) - 1.0


def z_scores(truth: Truth, g: np.ndarray, std: np.ndarray) -> np.ndarray:
    """|z| at every point, shape (curves, bins); 0 or inf where both standard deviations are 0."""
    error, total = np.abs(g - truth.g), np.hypot(std, truth.g_error)
    return np.divide(error, total, out=np.where(error > 0, np.inf, 0.0), where=total > 0)


def coverage_terms(truth: Truth, g: np.ndarray, std: np.ndarray, bound: float) -> np.ndarray:
    """Points within `bound` standard deviations, and points; shape (curves, 2)."""
    use = outside_core(truth)
    within = (z_scores(truth, g, std) <= bound) & use
    return np.column_stack([within.sum(axis=1), use.sum(axis=1)]).astype(float)


def level_terms(truth: Truth, g: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Points within each nominal central interval, and points; shape (curves, levels + 1)."""
    use = outside_core(truth)
    # How many of the intervals, which are nested, contain the point.
    first = np.searchsorted(_BOUNDS, np.where(use, z_scores(truth, g, std), np.inf))
    within = np.stack([(first <= i).sum(axis=1) for i in range(len(LEVELS))], axis=1)
    return np.column_stack([within, use.sum(axis=1)]).astype(float)


def level_error(sums: np.ndarray) -> np.ndarray:
    """Mean over nominal levels of |observed - nominal coverage|, from sums of :func:`level_terms`."""
    n = sums[..., -1:]
    observed = np.divide(sums[..., :-1], n, out=np.full(sums[..., :-1].shape, np.nan), where=n > 0)
    error: np.ndarray = np.abs(observed - LEVELS).mean(axis=-1)
    return error


def z_terms(truth: Truth, g: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Sum of z^2, and points; shape (curves, 2)."""
    use = outside_core(truth)
    z = np.where(use, z_scores(truth, g, std), 0.0)
    return np.column_stack([(z**2).sum(axis=1), use.sum(axis=1)]).astype(float)


def sharpness_terms(truth: Truth, std: np.ndarray) -> np.ndarray:
    """Sum of g_std^2, and points; shape (curves, 2)."""
    use = outside_core(truth)
    return np.column_stack([(np.where(use, std, 0.0) ** 2).sum(axis=1), use.sum(axis=1)]).astype(float)


def crps(truth: Truth, g: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Continuous ranked probability score at every point, shape (curves, bins).

    The forecast of the published value is normal with mean p and variance g_std^2 + s^2; its score is
    S (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)) with S its standard deviation and z = (y - p) / S (Gneiting
    & Raftery, J. Am. Stat. Assoc. 102, 359, 2007, section 4.2), which tends to |p - y| as S goes to 0. In
    closed form: `scoringrules`, which has it too, takes seconds to import where numba is installed.
    """
    from scipy.special import erf

    error, total = np.abs(g - truth.g), np.hypot(std, truth.g_error)
    z = np.divide(error, total, out=np.zeros_like(error), where=total > 0)
    density = np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi)
    score: np.ndarray = error * erf(z / np.sqrt(2)) + total * (2 * density - 1 / np.sqrt(np.pi))
    return np.where(total > 0, score, error)


def crps_terms(truth: Truth, g: np.ndarray, std: np.ndarray) -> np.ndarray:
    """Sum of the CRPS outside the core, and points; shape (curves, 2)."""
    use = outside_core(truth)
    return np.column_stack([(crps(truth, g, std) * use).sum(axis=1), use.sum(axis=1)]).astype(float)
