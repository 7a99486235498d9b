"""Exchange of identities between particles of equal size: a Monte Carlo step between two stretches of dynamics.

An A and a B particle, both chosen at random, swap species with the Metropolis probability at fixed positions. That
keeps the composition and leaves the NPT distribution as it is, and nothing has to diffuse: a droplet and its
surroundings come to equilibrium at once, wherever the particles are. For S = 1 all pairs share one distance dependence
w(r), so that the energy is that of an Ising model on the neighbour list,

    E = const + (1 - eps_AB) / 2 * sum over pairs of w(r_ij) s_i s_j,   s = +1 for A and -1 for B,

and the fields h_i = sum_j w(r_ij) s_j give the change of energy of a swap in a few operations. A try costs less than
1e-4 of a step of dynamics; LAMMPS's ``fix atom/swap``, which computes the energy of all particles, needs about one step
(``benchmarks/bench_exchange.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from binlj.builders.records.configuration import pairs_within
from binlj.grid import CUTOFF
from binlj.potential import pair_energy


def exchange(
    coordinates: np.ndarray, types: np.ndarray, *, length: float, T: float, eps_AB: float, tries: int,
    seed: int | Sequence[int],
) -> tuple[np.ndarray, int]:  # fmt: skip
    """Try to swap the species of random pairs A, B at fixed positions.

    Parameters
    ----------
    coordinates : ndarray, shape (n, 3)
        Positions in sigma; need not lie inside the box.
    types : ndarray, shape (n,)
        0 for A, 1 for B; both are present.
    length : float
        Edge of the periodic cube, more than twice the cutoff of 2.5 sigma.
    T : float
        T*.
    eps_AB : float
        Well depth of unlike pairs; like pairs have 1, and all have size 1.
    tries : int
    seed : int or sequence of int

    Returns
    -------
    types : ndarray, shape (n,)
        After the exchanges; the numbers of A and B are as before.
    accepted : int
        Exchanges that were accepted.

    Raises
    ------
    ValueError
        If the box is too small for one image of each pair.
    """
    if length <= 2 * CUTOFF:
        raise ValueError(f"edge {length:.3g} is not more than twice the cutoff")
    first, neighbours, energies = _neighbours(coordinates, length)
    spins = np.where(np.asarray(types) == 0, 1.0, -1.0)
    species = [np.flatnonzero(spins == s) for s in (1.0, -1.0)]
    accepted = _kernel()(
        first, neighbours, energies, spins, *species, (1.0 - eps_AB) / T, tries, np.random.default_rng(seed)
    )
    return np.where(spins > 0, 0, 1).astype(np.asarray(types).dtype), int(accepted)


def _neighbours(coordinates: np.ndarray, length: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs within the cutoff as a sparse matrix: first entry of each row, columns, and energies at depth 1."""
    i, j = pairs_within(coordinates, length=length, reach=CUTOFF).T
    apart = coordinates[i] - coordinates[j]
    apart -= length * np.rint(apart / length)
    energy = pair_energy(np.sqrt((apart**2).sum(1)), 1.0, 1.0)
    rows, columns = np.concatenate([i, j]), np.concatenate([j, i])
    order = np.argsort(rows, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=len(coordinates)))])
    return first, columns[order], np.concatenate([energy, energy])[order]


@cache
def _kernel() -> Callable[..., int]:
    import numba

    # Campaign workers are threads: let go of the interpreter's lock.
    return numba.njit(_exchange, nogil=True, cache=True)


def _exchange(
    first: np.ndarray,
    neighbours: np.ndarray,
    energies: np.ndarray,
    spins: np.ndarray,
    a: np.ndarray,
    b: np.ndarray,
    coupling: float,
    tries: int,
    rng: np.random.Generator,
) -> int:
    """Compiled by numba. `spins`, `a` and `b` (the particles of either species) change in place."""
    n = len(spins)
    field = np.zeros(n)
    for i in range(n):
        for k in range(first[i], first[i + 1]):
            field[i] += energies[k] * spins[neighbours[k]]
    accepted = 0
    for _ in range(tries):
        at_a, at_b = int(rng.random() * len(a)), int(rng.random() * len(b))
        i, j = a[at_a], b[at_b]
        # Energy over (1 - eps_AB): h_j - h_i, less what the pair itself contributes to both fields.
        change = field[j] - field[i]
        for k in range(first[i], first[i + 1]):
            if neighbours[k] == j:
                change -= 2.0 * energies[k]
                break
        if change > 0.0 and rng.random() >= np.exp(-coupling * change):
            continue
        accepted += 1
        a[at_a], b[at_b] = j, i
        spins[i], spins[j] = -1.0, 1.0
        for k in range(first[i], first[i + 1]):
            field[neighbours[k]] -= 2.0 * energies[k]
        for k in range(first[j], first[j + 1]):
            field[neighbours[k]] += 2.0 * energies[k]
    return accepted
