"""Errors of the published curves: the standard error and, where two starts were run, their gap.

The tables publish the standard error bin by bin, the gap as one number per state: ``start_gap`` is the rms
difference between the curves of two starts over 0.9 to 5 sigma_AA, its noise taken off in quadrature, as a
share of the curve's maximum, and the largest of the three pairs' (``start_gap`` in
``builders/analysis/reconcile.py``). :func:`gap_profile` spreads that number over the bins.

The shape is that of a difference in the degree of demixing, which is what the starts of a demixed mixture
disagree about. In a two-phase mixture g_ij - 1 beyond the interface-free distances is proportional to the
variance of the composition over the phases, so two degrees of demixing give g - 1 times two factors, and a
difference proportional to |g - 1|, with the same factor for the three pairs. Inside the core (r <
sigma_ij) both starts have g = 0, and so no gap.
"""

from __future__ import annotations

import numpy as np

GAP_RANGE = (0.9, 5.0)  # sigma_AA; the range over which ``start_gap`` is an rms


def gap_profile(
    r: np.ndarray, g: np.ndarray, sigma: np.ndarray, state: np.ndarray, start_gap: np.ndarray
) -> np.ndarray:
    """The gap between the starts in every bin, from the published number per state.

    It is c |g - 1| at r >= sigma_ij and 0 below, with one c per state, chosen so that the largest of its
    pairs' rms over :data:`GAP_RANGE`, as a share of the curve's maximum, is ``start_gap``.

    Parameters
    ----------
    r : ndarray, shape (b,)
        Bin centres, sigma_AA.
    g : ndarray, shape (n, b)
        Published curves.
    sigma : ndarray, shape (n,)
        sigma_ij of each curve.
    state : ndarray of int, shape (n,)
        Row of each curve in `start_gap`.
    start_gap : ndarray, shape (m,)
        0 where there is no second start.

    Returns
    -------
    ndarray, shape (n, b)
    """
    shape = np.where(r >= sigma[:, None], np.abs(g - 1.0), 0.0)
    inside = (r >= GAP_RANGE[0]) & (r <= GAP_RANGE[1])
    top = g.max(axis=1)
    share = np.sqrt((shape[:, inside] ** 2).mean(axis=1)) / np.where(top > 0, top, np.inf)
    largest = np.zeros(len(start_gap))
    np.maximum.at(largest, state, share)
    factor = np.divide(start_gap, largest, out=np.zeros(len(start_gap)), where=largest > 0)
    return factor[state][:, None] * shape
