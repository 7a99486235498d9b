"""Forms of g(r) that are smoother in the state than g itself, and their way back.

*cavity* uses what is known exactly: to lowest order in the density g(r) = exp(-u(r)/T*), so the temperature
enters the core and the first peak through the pair potential, which we know. What is left, ln of the
cavity function y(r) = g(r) exp(u(r)/T*), varies slowly with temperature (Hansen & McDonald, Theory of Simple
Liquids, section 2.6).

*saturating* is the cavity form with a ceiling c: ln[y / (1 - g/c)]. A demixed g_BB grows as 1/C_B but no
further, because the dense environment around B is then always the same B-rich liquid; any extrapolation
of this form comes back as the soft minimum of cavity's and the ceiling. *odds*, ln[g / (c - g)], measures g
against the ceiling alone: where it knows nothing it expects g to grow as 1/C_B, right in demixed mixtures
and wrong in homogeneous ones.

All logarithms start at a small ``OFFSET``, since g is 0 in the core.
"""

from __future__ import annotations

from functools import cache

import numpy as np

from binlj.grid import State
from binlj.potential import pair_energy
from binlj.schema import MERGE, N_BINS, R_MAX, merge_bins

OFFSET = 0.05
FORMS = ("g", "log", "pmf", "cavity", "saturating", "odds")
_LARGEST_LOG = 12.0


def boltzmann(T: float, S: float, eps_AB: float, pair: str) -> np.ndarray:
    """exp(-u/T*) of the truncated, shifted Lennard-Jones pair, averaged over each bin; shape (100,)."""
    return _boltzmann(round(T, 9), round(S, 9), round(eps_AB, 9), pair)


@cache
def _boltzmann(T: float, S: float, eps_AB: float, pair: str) -> np.ndarray:
    state = State(T=round(T, 2), C_B=0.5, S=round(S, 2), eps_AB=round(eps_AB, 2))
    sigma, epsilon = state.sigma(pair), state.epsilon(pair)
    n = N_BINS * MERGE
    r = (np.arange(n) + 0.5) * (R_MAX / n)
    u = pair_energy(r, sigma, epsilon)
    return merge_bins(np.exp(-np.minimum(u / T, 200.0)))


def forward(form: str, g: np.ndarray, T: np.ndarray, base: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Transform curves.

    Parameters
    ----------
    form : {"g", "log", "pmf", "cavity", "saturating", "odds"}
        With h = g + 0.05, b = exp(-u/T*) + 0.05 and c = ceiling + 0.1: g; ln h; T* ln h; ln(h / b);
        ln(h / b) - ln(1 - h / c); ln(h / c) - ln(1 - h / c).
    g : ndarray, shape (n, 100)
    T : ndarray, shape (n,)
    base : ndarray, shape (n, 100)
        exp(-u/T*) of each row, see :func:`boltzmann`.
    ceiling : ndarray, shape (n, 100)
        What g cannot exceed, for the last two.
    """
    if form == "g":
        return g
    h = g + OFFSET
    v: np.ndarray = np.log(h)
    if form == "pmf":
        return v * T[:, None]
    if form == "log":
        return v
    if form == "cavity":
        return v - np.log(base + OFFSET)
    c = ceiling + 2 * OFFSET
    scale = c if form == "odds" else base + OFFSET
    return v - np.log(scale) - np.log1p(-np.minimum(h, c - OFFSET) / c)


def inverse(form: str, v: np.ndarray, T: np.ndarray, base: np.ndarray, ceiling: np.ndarray) -> np.ndarray:
    """Curves from their transform; the inverse of :func:`forward`."""
    if form == "g":
        return v
    c = ceiling + 2 * OFFSET
    if form == "pmf":
        v = v / T[:, None]
    elif form in ("cavity", "saturating"):
        v = v + np.log(base + OFFSET)
    elif form == "odds":
        v = v + np.log(c)
    h = np.exp(np.minimum(v, _LARGEST_LOG))
    if form in ("saturating", "odds"):
        h = h / (1.0 + h / c)
    return h - OFFSET


def spread(
    form: str, g: np.ndarray, stderr: np.ndarray, T: np.ndarray, base: np.ndarray, ceiling: np.ndarray
) -> np.ndarray:
    """Standard error of the transform: half its change from g - stderr to g + stderr; shape of `g`.

    A finite difference, because a derivative would make too much of a noisy g near 0.
    """
    high = forward(form, g + stderr, T, base, ceiling)
    low = forward(form, np.maximum(g - stderr, 0.0), T, base, ceiling)
    return 0.5 * (high - low)
