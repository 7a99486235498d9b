"""Time series: detection of equilibration, statistical inefficiency, standard error of the mean, and drift.

The statistics are those of pymbar: automated equilibration detection (Chodera, J. Chem. Theory Comput. 12, 1799
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


def equilibrated_from(series: np.ndarray, *, latest: int = 0) -> int:
    """Index of the first equilibrated frame: the latest over the series.

    The criterion is that of ``pymbar.timeseries.detect_equilibration``: the cut maximises the number of effectively
    independent samples in the rest, (n - t) / inefficiency. Cuts are tried in the first half, and up to `latest`. The
    inefficiency of a short tail is underestimated, so that without this bound a correlated but stationary series of
    some tens of frames would lose most of its frames. A longer transient is left to the drift test.

    Parameters
    ----------
    series : ndarray, shape (n_series, n_frames)
    latest : int
        Where enough frames remain in any case.

    Returns
    -------
    int
        0 if there are too few frames to judge, or nothing varies.
    """
    n = series.shape[1]
    if n < criteria.MIN_FRAMES_TO_DETECT:
        return 0
    last = max(n // 2, latest)
    cuts = np.arange(0, last + 1, max(1, last // DETECTION_POINTS))
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


def mean_and_error(parts: list[np.ndarray]) -> tuple[float, float | None]:
    """Mean of a scalar over the frames of several chains, and its standard error.

    Returns
    -------
    mean, stderr
        stderr is None below four frames in all. Each chain has its own mean and statistical inefficiency;
        the difference between chains is not part of this error.
    """
    lengths = np.array([len(x) for x in parts])
    mean = float(np.concatenate(parts).mean())
    if lengths.sum() < criteria.MIN_FRAMES_TO_MEASURE:
        return mean, None
    variances = [x.var(ddof=1) * inefficiency(x) / len(x) if len(x) > 1 else 0.0 for x in parts]
    weights = lengths / lengths.sum()
    return mean, float(np.sqrt(np.sum(weights**2 * np.array(variances))))


def drift(x: np.ndarray, time: np.ndarray | None = None) -> float:
    """Difference between the means of the two halves, as a z-score (positive: rising).

    The test is Student's t. Its noise is estimated from the residuals of a straight line, so that a steady trend does
    not count as noise: their variance and statistical inefficiency g, with n/g - 2 degrees of freedom (at least 1).
    The fit also removes some slow noise, so g is divided by 1 - 4g/n and the variance by 1 - 2g/n (each at least 0.2).
    Below 12 frames g is at least 2, and below 32 at least 1.5, because it cannot be measured there. t is converted to
    the z-score of the same p-value, so that one limit serves every length. For stationary first-order autoregressive
    series of 4 to 200 frames the nominal level 0.003 becomes about 0.01 at a correlation of 0.5 between frames, and up
    to 0.09 at 0.9 (tested).

    Parameters
    ----------
    x : ndarray, shape (n,)
    time : ndarray, shape (n,), optional
        When each value was taken, for the straight line. Default: equal intervals.

    Returns
    -------
    float
        0 below four frames.
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
