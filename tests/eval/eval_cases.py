"""Ready-made truths and submissions for the evaluator's tests."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from binlj.eval.aggregate import composition_sums
from binlj.eval.metrics import BY_NAME, Case
from binlj.eval.truth import Truth


def value(name: str, case: Case, subset: int = -1) -> float:
    """A metric of a case; `subset` 0, 1, 2 for AA, AB, BB, -1 for overall."""
    metric = BY_NAME[name]
    sums = composition_sums(metric, case.truth, metric.terms(case)).sum(axis=0)
    return float(metric.finish(sums)[subset])


def settled(truth: Truth) -> Truth:
    """The same states, all converged, so that all of them are scored."""
    return replace(truth, converged=np.ones_like(truth.converged))


def scored_curves(truth: Truth) -> np.ndarray:
    """Which curves belong to scored states, shape (curves,)."""
    mask: np.ndarray = truth.scored[truth.state]
    return mask


def with_g(truth: Truth, g: np.ndarray) -> Truth:
    """The same states with other published curves (broadcast)."""
    return replace(truth, g=np.broadcast_to(g, truth.g.shape).copy())


def shifted(truth: Truth, by: float) -> np.ndarray:
    """The published curves moved outwards by `by` sigma, linearly interpolated."""
    return np.stack([np.interp(truth.r - by, truth.r, y) for y in truth.g])


def scaled_peak(truth: Truth, by: float) -> np.ndarray:
    """The published curves with the neighbourhood of contact multiplied by `by`."""
    x = truth.r / truth.sigma[:, None]
    return np.where((x > 0.8) & (x < 1.5), by, 1.0) * truth.g
