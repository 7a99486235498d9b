"""The metrics, one entry each: adding a metric is adding one entry to ``METRICS``.

A metric turns every curve (or state) into a few *terms* and is a function of the *sums* of these terms.
Everything else follows from the sums: the value for a pair, for all pairs, for one temperature or phase,
its bootstrap interval, and its paired difference between two submissions.

Notation: y is the published g(r), p the prediction, s the error of y (its standard error and the gap
between the starts in quadrature, :mod:`binlj.eval.label_error`); sums run over all points (state, r) of a
subset, as in the paper, unless they are said to run over curves or states.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from binlj.eval import calibration, demixing, physics, skill
from binlj.eval.truth import Truth, restrict, rows_of


@dataclass(frozen=True)
class Case:
    """A submission beside the truth, both of shape (curves, bins) and in the same order."""

    truth: Truth
    g: np.ndarray
    g_std: np.ndarray | None = None

    @cached_property
    def squared_error(self) -> np.ndarray:
        """Sum over bins of (p - y)^2, shape (curves,)."""
        return ((self.g - self.truth.g) ** 2).sum(axis=1)

    @cached_property
    def moments(self) -> np.ndarray:
        """Sum, sum of squares and number of y per curve, shape (curves, 3).

        y is measured from the mean of the whole test set, which changes no variance and keeps digits.
        """
        y = self.truth.g - self.truth.g.mean()
        return np.column_stack([y.sum(axis=1), (y**2).sum(axis=1), np.full(len(y), float(y.shape[1]))])


    @cached_property
    def peaks(self) -> tuple[np.ndarray, np.ndarray]:
        """Errors of the first peak's position and height, p's minus y's, each shape (curves,)."""
        p, y = physics.first_peak(self.truth, self.g), physics.first_peak(self.truth, self.truth.g)
        return p[0] - y[0], p[1] - y[1]

    @cached_property
    def energies(self) -> tuple[np.ndarray, np.ndarray]:
        """Energy per particle from the predicted and from the published curves, each shape (states,)."""
        weights = physics.energy_weights(self.truth, self.g.shape[1])
        return physics.energy(self.truth, self.g, weights), physics.energy(self.truth, self.truth.g, weights)

    @property
    def std(self) -> np.ndarray:
        """The submission's ``g_std``; only for metrics with ``needs_std``."""
        assert self.g_std is not None
        return self.g_std

    def restricted(self, states: Collection[str]) -> Case:
        """The same submission on some of its states only."""
        rows = rows_of(self.truth, states)
        std = None if self.g_std is None else self.g_std[rows]
        return Case(restrict(self.truth, states), self.g[rows], std)


@dataclass(frozen=True)
class Metric:
    """One entry of the registry.

    Attributes
    ----------
    name, title, unit, formula : str
        Key in the JSON file, heading, unit and definition as printed.
    better : str
        Which direction is better: "higher", "lower", or "nominal" (closest to `target`).
    level : str
        Whether terms belong to curves or to states.
    terms : callable
        Case -> ndarray, shape (curves or states, k).
    finish : callable
        Sums of terms, shape (..., k) -> values, shape (...); NaN where undefined.
    needs_std : bool
        Only computed when the submission gives ``g_std``.
    """

    name: str
    title: str
    unit: str
    formula: str
    terms: Callable[[Case], np.ndarray]
    finish: Callable[[np.ndarray], np.ndarray]
    better: Literal["higher", "lower", "nominal"] = "lower"
    level: Literal["curve", "state"] = "curve"
    target: float | None = None
    needs_std: bool = False


def _ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, NaN where b is 0."""
    return np.divide(a, b, out=np.full(np.broadcast(a, b).shape, np.nan), where=b > 0)


def _r2(sums: np.ndarray) -> np.ndarray:
    """1 - SSR / SST from (SSR, sum y, sum y^2, n); NaN where y does not vary."""
    total = sums[..., 2] - _ratio(sums[..., 1] ** 2, sums[..., 3])
    return 1.0 - _ratio(sums[..., 0], total)


def _mean(sums: np.ndarray) -> np.ndarray:
    return _ratio(sums[..., 0], sums[..., 1])


def _one_minus_mean(sums: np.ndarray) -> np.ndarray:
    return 1.0 - _mean(sums)


def _root_mean(sums: np.ndarray) -> np.ndarray:
    return np.sqrt(_mean(sums))


def _noise(case: Case) -> np.ndarray:
    return (case.truth.g_error**2).sum(axis=1)


def _per_point(values: np.ndarray) -> np.ndarray:
    """Terms of a mean over points: sum over bins and number of bins."""
    return np.column_stack([values.sum(axis=1), np.full(len(values), float(values.shape[1]))])


def _per_curve(values: np.ndarray) -> np.ndarray:
    """Terms of a mean over curves (or states)."""
    return np.column_stack([values, np.ones(len(values))])


def _coordination_terms(case: Case) -> np.ndarray:
    t = case.truth
    use = physics.in_range(t)
    error = np.abs(physics.running_coordination(t, case.g) - physics.running_coordination(t, t.g))
    return _per_curve((error * use).sum(axis=1) / use.sum(axis=1))


def _r2_terms(case: Case) -> np.ndarray:
    return np.column_stack([case.squared_error, case.moments])


def _ceiling_terms(case: Case) -> np.ndarray:
    return np.column_stack([_noise(case), case.moments])


def _share_terms(case: Case) -> np.ndarray:
    return np.column_stack([case.squared_error, case.moments, _noise(case)])


def _share(sums: np.ndarray) -> np.ndarray:
    r2, ceiling = _r2(sums[..., :4]), _r2(sums[..., [4, 1, 2, 3]])
    return _ratio(r2, ceiling)


METRICS: tuple[Metric, ...] = (
    Metric(
        "skill", "skill", "",
        "1 - mean over curves of min(1, sum |p - y| / sum |y - 1|), r >= 0.8 sigma_ij: 1 is perfect, 0 no "
        "better than g = 1",
        lambda c: _per_curve(skill.curve_errors(c.truth, c.g)), _one_minus_mean, better="higher",
    ),
    Metric(
        "r2", "R²", "", "1 - sum (p - y)^2 / sum (y - mean y)^2, pooled over all points",
        _r2_terms, _r2, better="higher",
    ),
    Metric(
        "skill_ceiling", "ceiling of skill", "",
        "1 - mean over curves of min(1, sqrt(2/pi) sum s / sum |y - 1|), r >= 0.8 sigma_ij: the skill that "
        "the exact curves would be expected to reach",
        lambda c: _per_curve(skill.label_errors(c.truth)), _one_minus_mean, better="higher",
    ),
    Metric(
        "noise_ceiling", "ceiling of R²", "",
        "1 - sum s^2 / sum (y - mean y)^2: the R² that the exact curves would be expected to reach",
        _ceiling_terms, _r2, better="higher",
    ),
    Metric(
        "ceiling_share", "R² / its ceiling", "", "R² / noise_ceiling", _share_terms, _share, better="higher",
    ),
    Metric(
        "rmse", "RMSE", "", "sqrt(mean (p - y)^2)", lambda c: _per_point((c.g - c.truth.g) ** 2), _root_mean,
    ),
    Metric("mae", "MAE", "", "mean |p - y|", lambda c: _per_point(np.abs(c.g - c.truth.g)), _mean),
    Metric(
        "ideal_gas_ratio", "error / ideal gas's", "",
        "sqrt(sum (p - y)^2 / sum (1 - y)^2): 0 is perfect, 1 no better than g = 1",
        lambda c: np.column_stack([c.squared_error, ((1 - c.truth.g) ** 2).sum(axis=1)]), _root_mean,
    ),
    Metric(
        "peak_height", "first-peak height", "",
        "mean over curves of |height of p's first peak - y's|; the peak is the largest value between 0.8 and "
        "1.5 sigma_ij, refined by a parabola through three bins",
        lambda c: _per_curve(np.abs(c.peaks[1])), _mean,
    ),
    Metric(
        "peak_position", "first-peak position", "σ",
        "mean over curves of |position of p's first peak - y's|",
        lambda c: _per_curve(np.abs(c.peaks[0])), _mean,
    ),
    Metric(
        "coordination", "coordination number", "neighbours",
        "mean over curves of the mean over r <= 2.5 sigma_ij of |n_p(r) - n_y(r)|, "
        "n(r) = 4 pi rho x_j integral of g r^2 dr from 0 to r",
        _coordination_terms, _mean,
    ),
    Metric(
        "wasserstein", "Wasserstein-1, r² g", "σ",
        "mean over curves of the integral of |F_p - F_y| dr, F the cumulative distribution of r^2 g within "
        "2.5 sigma_ij, normalised to 1",
        lambda c: _per_curve(physics.wasserstein(c.truth, c.g)), _mean,
    ),
    Metric(
        "energy", "energy per particle", "ε",
        "mean over states of |U_p - U_y|, U = (rho/2) sum x_i x_j integral of u_ij g_ij 4 pi r^2 dr from the "
        "predicted and from the published 100-bin curves, with the same quadrature",
        lambda c: _per_curve(np.abs(c.energies[0] - c.energies[1])), _mean, level="state",
    ),
    Metric(
        "energy_resolution", "energy lost to bins", "ε",
        "mean over states of |U_y - U_simulation|: what 100 bins cannot resolve, whatever the model",
        lambda c: _per_curve(np.abs(c.energies[1] - c.truth.energy)), _mean, level="state",
    ),
    Metric(
        "phase_call", "phase called right", "",
        "balanced accuracy over states: a state is called demixed if the mean of x_A x_B (g_AA + g_BB - 2 g_AB) "
        "over 3 <= r <= 5 exceeds 0.02; the truth is the state's phase flag",
        lambda c: demixing.call_terms(c.truth, c.g), demixing.balanced_accuracy, better="higher", level="state",
    ),
    Metric(
        "crps", "CRPS", "",
        "mean over points of the continuous ranked probability score of a normal forecast, mean p, variance "
        "g_std^2 + s^2, r >= 0.8 sigma_ij",
        lambda c: calibration.crps_terms(c.truth, c.g, c.std), _mean, needs_std=True,
    ),
    Metric(
        "coverage_68", "within 1 g_std", "",
        "share of points with |z| <= 1, z = (p - y) / sqrt(g_std^2 + s^2), r >= 0.8 sigma_ij",
        lambda c: calibration.coverage_terms(c.truth, c.g, c.std, 1.0), _mean,
        better="nominal", target=calibration.COVERAGE_1, needs_std=True,
    ),
    Metric(
        "coverage_95", "within 1.96 g_std", "", "share of points with |z| <= 1.96, r >= 0.8 sigma_ij",
        lambda c: calibration.coverage_terms(c.truth, c.g, c.std, calibration.BOUND_95), _mean,
        better="nominal", target=0.95, needs_std=True,
    ),
    Metric(
        "z_rms", "rms of z", "", "sqrt(mean z^2), r >= 0.8 sigma_ij: above 1 the model is too sure",
        lambda c: calibration.z_terms(c.truth, c.g, c.std), _root_mean,
        better="nominal", target=1.0, needs_std=True,
    ),
    Metric(
        "calibration_error", "calibration error", "",
        "mean over nominal coverages 5, 10 ... 95 % of |observed - nominal|, r >= 0.8 sigma_ij",
        lambda c: calibration.level_terms(c.truth, c.g, c.std), calibration.level_error, needs_std=True,
    ),
    Metric(
        "sharpness", "rms of g_std", "", "sqrt(mean g_std^2), r >= 0.8 sigma_ij: small is good if calibrated",
        lambda c: calibration.sharpness_terms(c.truth, c.std), _root_mean, needs_std=True,
    ),
)


BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}


def available(case: Case) -> tuple[Metric, ...]:
    """The metrics that can be computed for this submission."""
    return tuple(m for m in METRICS if case.g_std is not None or not m.needs_std)
