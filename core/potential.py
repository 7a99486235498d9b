"""The truncated and shifted Lennard-Jones potential that defines the mixture, and its virial."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from binlj.grid import CUTOFF


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
