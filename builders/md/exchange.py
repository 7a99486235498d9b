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

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from binlj.builders.md.compiled import compiled
from binlj.grid import CUTOFF, PAIRS, State


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
    fluid = _fluid(coordinates, np.asarray(types) != 0, length, state)
    of_either = [np.flatnonzero(fluid.is_b == b) for b in (False, True)]
    accepted = compiled(_exchange)(
        *_functions(), *fluid[1:], *of_either, state.T, tries, np.random.default_rng(seed)
    )  # fmt: skip
    after = np.zeros(len(fluid.is_b), dtype=np.asarray(types).dtype)
    after[fluid.order] = fluid.is_b
    return after, int(accepted)


def acceptance(coordinates: np.ndarray, types: np.ndarray, *, length: float, state: State) -> float:
    """The share of tries that :func:`exchange` would accept first, the mean over all pairs A, B; the same arguments.

    The few pairs within the cutoff of each other are counted as if they were apart.
    """
    fluid = _fluid(coordinates, np.asarray(types) != 0, length, state)
    a, b = fluid.changes[~fluid.is_b], fluid.changes[fluid.is_b]
    return float(np.mean([np.exp(-np.maximum(a - one, 0.0) / state.T).mean() for one in b]))


class _Fluid(NamedTuple):
    """Particles sorted by cells that are at least as wide as the largest cutoff.

    Attributes
    ----------
    order : ndarray of int, shape (n,)
        Their numbers before they were sorted.
    x : ndarray, shape (n, 3)
        Positions in the box.
    is_b : ndarray of bool, shape (n,)
    changes : ndarray, shape (n,)
        D.
    first : ndarray of int, shape (n + 1,)
        Sums of the numbers of neighbours within the largest cutoff.
    cell : ndarray of int, shape (n,)
    begin : ndarray of int, shape (cells + 1,)
        The first particle of each cell.
    around : ndarray of int, shape (cells, 27 or 8)
        Each cell and those that touch it.
    sigma, epsilon : ndarray, shape (3,)
        Of AA, AB, BB.
    length, reach : float
        Edge of the cube, and the largest cutoff.
    """

    order: np.ndarray
    x: np.ndarray
    is_b: np.ndarray
    changes: np.ndarray
    first: np.ndarray
    cell: np.ndarray
    begin: np.ndarray
    around: np.ndarray
    sigma: np.ndarray
    epsilon: np.ndarray
    length: float
    reach: float


def _fluid(coordinates: np.ndarray, is_b: np.ndarray, length: float, state: State) -> _Fluid:
    reach = CUTOFF * max(1.0, state.S)
    if length <= 2 * reach:
        raise ValueError(f"edge {length:.3g} is not more than twice the cutoff, {reach:.3g}")
    x = np.mod(coordinates, length)
    x[x >= length] = 0.0  # the remainder of a tiny negative number is rounded to the edge itself
    m = int(length / reach)
    cell = np.ravel_multi_index(tuple((x * (m / length)).astype(int).T), (m, m, m))
    order = np.argsort(cell, kind="stable")
    x, is_b, cell = x[order], is_b[order], cell[order]
    begin = np.searchsorted(cell, np.arange(m**3 + 1))
    steps = np.array(list(itertools.product(sorted({-1 % m, 0, 1}), repeat=3)))
    at = np.stack(np.unravel_index(np.arange(m**3), (m, m, m)), axis=1)
    around = np.ravel_multi_index(tuple(np.moveaxis((at[:, None] + steps) % m, -1, 0)), (m, m, m))
    sigma, epsilon = np.array([(state.sigma(pair), state.epsilon(pair)) for pair in PAIRS]).T.copy()
    changes, number = np.zeros(len(x)), np.zeros(len(x), dtype=np.int64)
    compiled(_changes)(*_functions(), x, is_b, changes, number, begin, around, sigma, epsilon, length, reach)
    first = np.concatenate([[0], np.cumsum(number)])
    return _Fluid(order, x, is_b, changes, first, cell, begin, around, sigma, epsilon, length, reach)


def _energy(squared: float, sigma: float, epsilon: float) -> float:
    """:func:`binlj.potential.pair_energy` of a squared distance, for compiled loops."""
    x2 = sigma * sigma / squared
    if x2 <= CUTOFF**-2:
        return 0.0
    x6 = x2 * x2 * x2
    return 4.0 * epsilon * (x6 * x6 - x6 - (CUTOFF**-12 - CUTOFF**-6))


def _functions() -> tuple[Callable[..., float], Callable[..., float]]:
    """What the compiled loops call."""
    return compiled(_energy), compiled(_squared_distance)


def _squared_distance(x: np.ndarray, i: int, j: int, length: float) -> float:
    """Of the nearest images of two particles in the box, for compiled loops."""
    squared = 0.0
    for axis in range(3):
        d = abs(x[i, axis] - x[j, axis])
        d = min(d, length - d)
        squared += d * d
    return squared


def _changes(
    energy: Callable[[float, float, float], float],
    squared_distance: Callable[[np.ndarray, int, int, float], float],
    x: np.ndarray,
    is_b: np.ndarray,
    changes: np.ndarray,
    number: np.ndarray,
    begin: np.ndarray,
    around: np.ndarray,
    sigma: np.ndarray,
    epsilon: np.ndarray,
    length: float,
    reach: float,
) -> None:
    """Compiled by numba. D and the number of neighbours of every particle are added to `changes` and `number`."""
    for here in range(len(around)):
        for there in around[here]:
            if there < here:
                continue
            for i in range(begin[here], begin[here + 1]):
                for j in range(max(begin[there], i + 1), begin[there + 1]):
                    squared = squared_distance(x, i, j, length)
                    if squared > reach * reach:
                        continue
                    number[i] += 1
                    number[j] += 1
                    unlike = energy(squared, sigma[1], epsilon[1])
                    to_a = unlike - energy(squared, sigma[0], epsilon[0])
                    to_b = energy(squared, sigma[2], epsilon[2]) - unlike
                    changes[i] += to_b if is_b[j] else to_a
                    changes[j] += to_b if is_b[i] else to_a


def _exchange(
    energy: Callable[[float, float, float], float],
    squared_distance: Callable[[np.ndarray, int, int, float], float],
    x: np.ndarray,
    is_b: np.ndarray,
    changes: np.ndarray,
    first: np.ndarray,
    cell: np.ndarray,
    begin: np.ndarray,
    around: np.ndarray,
    sigma: np.ndarray,
    epsilon: np.ndarray,
    length: float,
    reach: float,
    a: np.ndarray,
    b: np.ndarray,
    T: float,
    tries: int,
    rng: np.random.Generator,
) -> int:
    """Compiled by numba. `is_b`, `changes`, `a` and `b` (the particles of either species) change in place.

    A particle's neighbours are listed when it is exchanged for the first time: few are where few tries are accepted.
    """
    accepted = 0
    listed = np.zeros(len(x), dtype=np.bool_)
    neighbours = np.empty(first[-1], dtype=np.int32)
    weights = np.empty(first[-1])
    for _ in range(tries):
        at_a, at_b = int(rng.random() * len(a)), int(rng.random() * len(b))
        i, j = a[at_a], b[at_b]
        change = changes[i] - changes[j]
        squared = squared_distance(x, i, j, length)
        if squared <= reach * reach:
            change += 2.0 * energy(squared, sigma[1], epsilon[1])
            change -= energy(squared, sigma[0], epsilon[0]) + energy(squared, sigma[2], epsilon[2])
        if change > 0.0 and rng.random() >= np.exp(-change / T):
            continue
        accepted += 1
        a[at_a], b[at_b] = j, i
        is_b[i], is_b[j] = True, False
        for p, sign in ((i, 1.0), (j, -1.0)):
            if not listed[p]:
                listed[p] = True
                k = first[p]
                for there in around[cell[p]]:
                    for q in range(begin[there], begin[there + 1]):
                        squared = squared_distance(x, p, q, length)
                        if squared <= reach * reach and p != q:
                            neighbours[k] = q
                            weights[k] = energy(squared, sigma[0], epsilon[0]) + energy(squared, sigma[2], epsilon[2])
                            weights[k] -= 2.0 * energy(squared, sigma[1], epsilon[1])
                            k += 1
            for k in range(first[p], first[p + 1]):
                changes[neighbours[k]] += sign * weights[k]
    return accepted
