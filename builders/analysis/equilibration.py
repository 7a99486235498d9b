"""Which part of a time series is equilibrated, whether the rest drifts, and how many samples it is worth.

The statistics are pymbar's: automated equilibration detection (Chodera, J. Chem. Theory Comput. 12, 1799
(2016)) and the statistical inefficiency (Chodera et al., JCTC 3, 26 (2007)).
"""

from __future__ import annotations

import logging
from functools import cache
from types import ModuleType

import numpy as np

from binlj.builders.analysis import criteria
from binlj.errors import MissingExtraError

DETECTION_POINTS = 20  # cuts tried by the detection, whatever the length


@cache
def _timeseries() -> ModuleType:
    """pymbar.timeseries, without the advice pymbar logs while it is imported."""
    logging.getLogger("pymbar").setLevel(logging.ERROR)
    try:
        import pymbar.timeseries as timeseries
    except ImportError as error:
        raise MissingExtraError("pymbar", "build") from error
    logging.getLogger("pymbar").setLevel(logging.ERROR)
    return timeseries


def equilibrated_from(series: np.ndarray) -> int:
    """Index of the first equilibrated frame: the latest that any of the series asks for.

    The criterion is that of ``pymbar.timeseries.detect_equilibration``: cut where the number of effectively
    independent samples in the rest, (n - t) / inefficiency, is largest. But cuts are tried in the first half
    only: a short tail's inefficiency is underestimated, so that without this bound a correlated but
    stationary series of some tens of frames loses most of itself. A transient longer than half of the
    series is left for the drift test to find.

    Parameters
    ----------
    series : ndarray, shape (n_series, n_frames)

    Returns
    -------
    int
        0 if there are too few frames to judge, or nothing varies.
    """
    n = series.shape[1]
    if n < criteria.MIN_FRAMES_TO_DETECT:
        return 0
    cuts = np.arange(0, n // 2 + 1, max(1, n // 2 // DETECTION_POINTS))
    first = 0
    for x in series:
        samples = [(n - t) / inefficiency(x[t:]) for t in cuts]
        if np.ptp(x) > 0:
            first = max(first, int(cuts[int(np.argmax(samples))]))
    return first


def inefficiency(x: np.ndarray) -> float:
    """Statistical inefficiency (frames per independent sample) of a stationary series, at least 1."""
    if len(x) < criteria.MIN_FRAMES_TO_MEASURE or np.ptp(x) == 0:
        return 1.0
    return float(_timeseries().statistical_inefficiency(x, fast=len(x) > 500))


def mean_and_error(parts: list[np.ndarray]) -> tuple[float, float | None, float]:
    """Mean of a scalar over the frames of several chains, its standard error, and N_eff.

    Returns
    -------
    mean, stderr, n_eff
        stderr is None below four frames in all. Each chain has its own mean and statistical inefficiency;
        the difference between chains is not part of this error.
    """
    lengths = np.array([len(x) for x in parts])
    mean = float(np.concatenate(parts).mean())
    n_eff = float(sum(len(x) / inefficiency(x) for x in parts))
    if lengths.sum() < criteria.MIN_FRAMES_TO_MEASURE:
        return mean, None, n_eff
    variances = [x.var(ddof=1) * inefficiency(x) / len(x) if len(x) > 1 else 0.0 for x in parts]
    weights = lengths / lengths.sum()
    return mean, float(np.sqrt(np.sum(weights**2 * np.array(variances)))), n_eff


def drift(x: np.ndarray, time: np.ndarray | None = None) -> float:
    """Difference between the two halves' means, as a normal deviate (positive: rising).

    `time` is when each value was taken (default: equal intervals); it matters for the straight line only.

    Student's t. The noise is what is left after taking off a straight line (so that a steady creep does not
    count as slow noise and hide itself): its variance and its statistical inefficiency g, with n/g - 2
    degrees of freedom (at least 1). Taking off a line also takes some slow noise, so g is divided by
    1 - 4g/n and the variance by 1 - 2g/n (each at least 0.2); g is taken to be at least 2 below 12 frames
    and 1.5 below 32, where it cannot be measured. The t is turned into the normal deviate with the same
    p-value, so that one limit holds for every length. For stationary first-order autoregressive series of 4
    to 200 frames the nominal 0.003 becomes about 0.01 with a correlation of 0.5 from frame to frame and up to
    0.09 with 0.9 (the tests hold it to that).

    0 below four frames: nothing can be said.
    """
    from scipy import stats

    n = len(x)
    if n < criteria.MIN_FRAMES_TO_MEASURE:
        return 0.0
    half = n // 2
    difference = float(x[half:].mean() - x[:half].mean())
    if np.ptp(x) == 0:
        return 0.0
    time = np.arange(n) if time is None else np.asarray(time, dtype=float)
    time = time - time.mean()
    noise = x - x.mean() - (time @ x) / (time @ time) * time
    g = inefficiency(noise)
    g /= max(1 - 4 * g / n, 0.2)
    g = max(g, 2.0 if n < 12 else 1.5 if n < 32 else 1.0)
    variance = float(noise @ noise) / (n - 2) / max(1 - 2 * g / n, 0.2)
    error = np.sqrt(variance * g * (1 / half + 1 / (n - half)))
    if error <= 1e-12 * abs(difference):
        return float(np.copysign(10.0, difference))
    p_log = stats.t.logsf(abs(difference) / error, max(n / g - 2, 1.0))
    # Beyond ten standard deviations the value says nothing more, and isf would overflow.
    z = float(stats.norm.isf(np.exp(max(p_log, -54.0))))
    return float(np.copysign(z, difference))
