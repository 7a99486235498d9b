"""Exchange of identities between A and B particles: a Monte Carlo step between two stretches of dynamics.

An A and a B particle, both chosen at random, swap species with the Metropolis probability at fixed positions. That
keeps the composition and leaves the NPT distribution as it is, and nothing has to diffuse: a droplet and its
surroundings come to equilibrium wherever the particles are. With

    D_i = sum over j of [u(B, t_j; r_ij) - u(A, t_j; r_ij)],    w(r) = u_AA(r) + u_BB(r) - 2 u_AB(r),

where t_j is the species of particle j, making an A particle i a B and a B particle j an A changes the energy by
D_i - D_j - w(r_ij), and adds w(r_ik) - w(r_jk) to D_k of every other particle k. Most tries therefore cost a few
operations: less than 1e-4 of a step of dynamics, where LAMMPS's ``fix atom/swap``, which computes the energy of all
particles, needs about one step (``benchmarks/bench_exchange.py``).

In a random mixture of particles of equal size about half the tries are accepted, fewer the purer two phases are.
Particles of different size find room for each other more rarely in a dense liquid: at S = 1.5 one try in 100 is
accepted at T* = 1.4 and one in 10^5 at T* = 0.6, at S = 2 one in 10^4 at T* = 1.4 and hardly any below
(:func:`acceptance`; the benchmark prints a table).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from binlj.builders.md.compiled import compiled
from binlj.builders.records.configuration import pairs_within
from binlj.grid import CUTOFF, State
from binlj.potential import pair_energy


def exchange(
    coordinates: np.ndarray, types: np.ndarray, *, length: float, state: State, tries: int, seed: int | Sequence[int]
) -> tuple[np.ndarray, int]:
    """Try to swap the species of random pairs A, B at fixed positions.

    Parameters
    ----------
    coordinates : ndarray, shape (n, 3)
        Positions in sigma_AA; need not lie inside the box.
    types : ndarray, shape (n,)
        0 for A, 1 for B; both are present.
    length : float
        Edge of the periodic cube, more than twice the largest cutoff, 2.5 sigma_ij.
    state : State
        T* and the potentials; C_B is not used.
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
    inside, first, neighbours, weights, changes = _changes(coordinates, np.asarray(types), length, state)
    is_b = np.asarray(types) != 0
    species = [np.flatnonzero(is_b == b) for b in (False, True)]
    accepted = compiled(_exchange)(
        first, neighbours, weights, changes, inside, length, _reach(state), *species, state.T, tries,
        np.random.default_rng(seed),
    )  # fmt: skip
    after = np.zeros(len(is_b), dtype=np.asarray(types).dtype)
    after[species[1]] = 1
    return after, int(accepted)


def acceptance(coordinates: np.ndarray, types: np.ndarray, *, length: float, state: State) -> float:
    """The share of tries that :func:`exchange` would accept first, the mean over all pairs A, B; the same arguments.

    The few pairs within the cutoff of each other are counted as if they were apart.
    """
    *_, changes = _changes(coordinates, np.asarray(types), length, state)
    a, b = changes[np.asarray(types) == 0], changes[np.asarray(types) != 0]
    return float(np.mean([np.exp(-np.maximum(a - one, 0.0) / state.T).mean() for one in b]))


def _reach(state: State) -> float:
    """The largest cutoff."""
    return CUTOFF * max(1.0, state.S)


def _changes(
    coordinates: np.ndarray, types: np.ndarray, length: float, state: State
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Positions in the box; the pairs within the cutoff as a sparse matrix (first entry of each row, columns, w); D."""
    reach = _reach(state)
    if length <= 2 * reach:
        raise ValueError(f"edge {length:.3g} is not more than twice the cutoff, {reach:.3g}")
    inside = np.mod(coordinates, length)
    i, j = pairs_within(inside, length=length, reach=reach).T
    apart = inside[i] - inside[j]
    apart -= length * np.rint(apart / length)
    r = np.sqrt((apart**2).sum(1))
    like_a, unlike, like_b = (pair_energy(r, state.sigma(pair), state.epsilon(pair)) for pair in ("AA", "AB", "BB"))
    n = len(inside)
    rows, columns = np.concatenate([i, j]), np.concatenate([j, i])
    change = np.where(types[columns] == 0, np.tile(unlike - like_a, 2), np.tile(like_b - unlike, 2))
    order = np.argsort(rows, kind="stable")
    first = np.concatenate([[0], np.cumsum(np.bincount(rows, minlength=n))])
    weights = np.tile(like_a + like_b - 2.0 * unlike, 2)[order]
    return inside, first, columns[order], weights, np.bincount(rows, change, minlength=n)


def _exchange(
    first: np.ndarray,
    neighbours: np.ndarray,
    weights: np.ndarray,
    changes: np.ndarray,
    positions: np.ndarray,
    length: float,
    reach: float,
    a: np.ndarray,
    b: np.ndarray,
    T: float,
    tries: int,
    rng: np.random.Generator,
) -> int:
    """Compiled by numba. `changes`, `a` and `b` (the particles of either species) change in place."""
    accepted = 0
    for _ in range(tries):
        at_a, at_b = int(rng.random() * len(a)), int(rng.random() * len(b))
        i, j = a[at_a], b[at_b]
        change = changes[i] - changes[j]
        apart = 0.0
        for axis in range(3):
            d = abs(positions[i, axis] - positions[j, axis])
            d = min(d, length - d)
            apart += d * d
        if apart <= reach * reach:
            for k in range(first[i], first[i + 1]):
                if neighbours[k] == j:
                    change -= weights[k]
                    break
        if change > 0.0 and rng.random() >= np.exp(-change / T):
            continue
        accepted += 1
        a[at_a], b[at_b] = j, i
        for k in range(first[i], first[i + 1]):
            changes[neighbours[k]] += weights[k]
        for k in range(first[j], first[j + 1]):
            changes[neighbours[k]] -= weights[k]
    return accepted
