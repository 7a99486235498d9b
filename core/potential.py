"""The truncated and shifted Lennard-Jones potential that defines the mixture, and its virial."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binlj.grid import CUTOFF
from binlj.schema import R_MAX, shell_volumes

MIN_BOLTZMANN = 1e-6  # below this mean of exp(-u/T*) a bin lies inside the core
SUBPOINTS = 20


def pair_energy(r: ArrayLike, sigma: ArrayLike, epsilon: ArrayLike) -> NDArray[np.float64]:
    """Pair energy u(r) = 4 epsilon [(sigma/r)^12 - (sigma/r)^6], shifted to 0 at 2.5 sigma and 0 beyond.

    Parameters
    ----------
    r, sigma, epsilon : array_like
        Distance and contact distance in sigma_AA, well depth in epsilon_AA. They broadcast.

    Notes
    -----
    Allen and Tildesley, Computer Simulation of Liquids, 2nd ed., eq. 5.8.
    """
    r, sigma, epsilon = np.asarray(r), np.asarray(sigma), np.asarray(epsilon)
    x6 = (sigma / r) ** 6
    xc6 = CUTOFF**-6
    return np.where(r < CUTOFF * sigma, 4 * epsilon * (x6 * x6 - x6) - 4 * epsilon * (xc6 * xc6 - xc6), 0.0)


def pair_virial(r: ArrayLike, sigma: ArrayLike, epsilon: ArrayLike) -> NDArray[np.float64]:
    """Pair virial -r du/dr of :func:`pair_energy`, 0 beyond 2.5 sigma; the same arguments."""
    r, sigma, epsilon = np.asarray(r), np.asarray(sigma), np.asarray(epsilon)
    x6 = (sigma / r) ** 6
    return np.where(r < CUTOFF * sigma, 24 * epsilon * (2 * x6 * x6 - x6), 0.0)


def energy_weights(
    T: NDArray[np.float64], sigma: NDArray[np.float64], epsilon: NDArray[np.float64], bins: int
) -> NDArray[np.float64]:
    """Weights w with (integral of u g over space) = sum of w g over bins, shape (curves, bins).

    A bin's mean of u is taken with weight r^2 exp(-u/T*), since within a bin g varies as exp(-u/T*) times
    something smooth; with bins of 0.1 sigma that matters. Bins inside the core (mean of exp(-u/T*) below
    1e-6) get weight 0.

    Parameters
    ----------
    T, sigma, epsilon : ndarray, shape (curves,)
    bins : int
        Number of bins up to 10 sigma_AA.
    """
    n = bins * SUBPOINTS
    r = (np.arange(n) + 0.5) * (R_MAX / n)
    u = pair_energy(r, sigma[:, None], epsilon[:, None])
    boltzmann = np.exp(-np.minimum(u / T[:, None], 700.0)) * r**2

    def per_bin(values: NDArray[np.float64]) -> NDArray[np.float64]:
        binned: NDArray[np.float64] = values.reshape(-1, bins, SUBPOINTS).sum(axis=2)
        return binned

    weight, plain = per_bin(boltzmann), per_bin(np.broadcast_to(r**2, u.shape))
    reachable = weight > MIN_BOLTZMANN * plain
    mean = np.divide(per_bin(u * boltzmann), weight, out=np.zeros_like(weight), where=reachable)
    return np.asarray(mean * shell_volumes(bins))
