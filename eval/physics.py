"""Structure and energy read off a g(r): first peak, neighbours, distances, potential energy.

All functions take curves on the benchmark's bins, shape (curves, bins), and the truth's facts about them;
they treat a prediction and the published curve alike. Lengths are in sigma_AA, energies in epsilon.
"""

from __future__ import annotations

import numpy as np

from binlj import potential
from binlj.eval.truth import Truth
from binlj.grid import CUTOFF
from binlj.schema import R_MAX, shell_volumes

PEAK_WINDOW = (0.8, 1.5)  # in sigma_ij: contact, and not yet the second shell


def first_peak(truth: Truth, g: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Position and height of the first peak, both shape (curves,).

    The largest g between 0.8 and 1.5 sigma_ij, refined by the parabola through that bin and its two
    neighbours. A maximum that is not one (a neighbour outside the window is higher) is not refined.
    """
    x = truth.r / truth.sigma[:, None]
    inside = (x >= PEAK_WINDOW[0]) & (x <= PEAK_WINDOW[1])
    k = np.where(inside, g, -np.inf).argmax(axis=1)
    rows, last = np.arange(len(g)), g.shape[1] - 1
    left, top, right = g[rows, np.maximum(k - 1, 0)], g[rows, k], g[rows, np.minimum(k + 1, last)]
    curvature = left - 2 * top + right
    peaked = (k > 0) & (k < last) & (top >= left) & (top >= right) & (curvature < 0)
    shift = np.where(peaked, 0.5 * (left - right) / np.where(peaked, curvature, 1.0), 0.0)
    return truth.r[k] + shift * (R_MAX / g.shape[1]), top - 0.25 * (left - right) * shift


def in_range(truth: Truth) -> np.ndarray:
    """Which bins lie within the range of the potential, r <= 2.5 sigma_ij; shape (curves, bins)."""
    mask: np.ndarray = truth.r <= CUTOFF * truth.sigma[:, None] + 1e-9
    return mask


def running_coordination(truth: Truth, g: np.ndarray) -> np.ndarray:
    """Neighbours of species j within r of a particle of species i, n_ij(r), shape (curves, bins).

    n_ij = rho x_j sum over bins up to r of (shell volume) g_ij, at the upper edge of each bin; for AB it
    counts B around A.
    """
    concentration = np.where(truth.pair == 0, 1 - truth.C_B[truth.state], truth.C_B[truth.state])
    scale = truth.density[truth.state] * concentration
    return scale[:, None] * np.cumsum(g * shell_volumes(g.shape[1]), axis=1)


def distance_distribution(truth: Truth, g: np.ndarray) -> np.ndarray:
    """Cumulative distribution of neighbour distances within 2.5 sigma_ij, shape (curves, bins).

    The density is r^2 g(r) (as shell volumes), negative values taken as 0, normalised to 1 within the
    range; all zeros if there is nothing to normalise.
    """
    mass = np.maximum(g, 0.0) * shell_volumes(g.shape[1]) * in_range(truth)
    total = mass.sum(axis=1, keepdims=True)
    return np.cumsum(np.divide(mass, total, out=np.zeros_like(mass), where=total > 0), axis=1)


def wasserstein(truth: Truth, g: np.ndarray) -> np.ndarray:
    """Wasserstein-1 distance between the neighbour distances of `g` and of the truth, shape (curves,).

    The mean distance by which neighbours within 2.5 sigma_ij have to be moved, sum |F_p - F_y| dr
    (Vallender 1974). It grows in proportion to a peak's shift, where pointwise errors saturate. A
    prediction without any neighbour in the range gets the largest possible value, 2.5 sigma_ij.
    """
    p, y = distance_distribution(truth, g), distance_distribution(truth, truth.g)
    moved = np.abs(p - y) @ np.full(g.shape[1], R_MAX / g.shape[1])
    # The last bin of the range holds 1 in both, so bins beyond it add nothing.
    empty = (p[:, -1] == 0) != (y[:, -1] == 0)
    return np.where(empty, CUTOFF * truth.sigma, moved)


def energy_weights(truth: Truth, bins: int) -> np.ndarray:
    """:func:`binlj.potential.energy_weights` of each curve, shape (curves, bins)."""
    kinds, which = np.unique(
        np.column_stack([truth.T[truth.state], truth.sigma, truth.epsilon]), axis=0, return_inverse=True
    )
    T, sigma, epsilon = kinds.T
    weights: np.ndarray = potential.energy_weights(T, sigma, epsilon, bins)[which.reshape(-1)]
    return weights


def energy(truth: Truth, g: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
    """Potential energy per particle recovered from the three g(r) of each state, shape (states,).

    U/N = (rho/2) sum over i, j of x_i x_j integral of u_ij(r) g_ij(r) 4 pi r^2 dr  (Hansen & McDonald,
    Theory of Simple Liquids, eq. 2.5.20, for a mixture), with :func:`energy_weights` as quadrature and
    the state's published density. `weights` are those, if they are at hand.
    """
    weights = energy_weights(truth, g.shape[1]) if weights is None else weights
    c = truth.C_B[truth.state]
    share = np.choose(truth.pair, [(1 - c) ** 2, 2 * c * (1 - c), c**2])
    per_curve = 0.5 * truth.density[truth.state] * share * (weights * g).sum(axis=1)
    return np.bincount(truth.state, weights=per_curve, minlength=len(truth.state_id))
