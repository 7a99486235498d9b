"""Shapley effects on any set of states, complete grid or not.

A game gives each subset u of the features a variance c(u); the Shapley value of the game is the share of each feature
(Owen, SIAM/ASA J. Uncertainty Quantification 2, 245 (2014)). Two games are here.

`conditional_game` gives c(u) = E[Var(Y | X_not-u)], whose Shapley values are the Shapley effects for dependent
inputs (Owen and Prieur, ibid. 5, 986 (2017); Song, Nelson and Staum, ibid. 4, 1060 (2016)). The population is the
given states, each with its weight, so a conditional expectation is a mean over the states that agree exactly, as in
cohort refinement (Mase, Owen and Seiler, arXiv:1911.00467 (2019)). Nothing is fitted and no state outside the set is
needed. Assumptions: features take few values each, so that states do agree, and the states are the population. Where
features go together among the states they share what they explain; a feature without any effect then still gets part
of what its companions explain. Its total index, c({i}) / c(all), stays zero.

`cube_game` swaps features between two states instead, as pick-freeze estimators do (Jansen, Comput. Phys. Commun. 117,
35 (1999); Goda, Reliab. Eng. Syst. Saf. 213, 107702 (2021)): c(u) is half the mean squared change of the curve when
u is swapped, over all corners of the cube that the two states span. Every corner must be known; cubes with a missing
corner are left out, so the population is that of pairs of states with everything between them. An additive function
then gets exactly the variances of its terms, and a feature without effect exactly zero, however the states are
spread. On a complete grid the two games are the same, and so are their Sobol indices and those of `sobol`.
"""

from __future__ import annotations

from collections.abc import Callable
from math import factorial as fact

import numpy as np

from binlj.eval.explain.factorial import subsets


def cells(states: np.ndarray) -> np.ndarray:
    """For each subset u, which states agree in all features but u.

    Parameters
    ----------
    states : ndarray, shape (n, features)

    Returns
    -------
    ndarray of int, shape (2 ** features, n)
        Numbers of cells, subsets in the order of :func:`binlj.eval.explain.factorial.subsets`.
    """
    features = range(states.shape[1])
    return np.stack([_cells(states[:, [j for j in features if j not in u]]) for u in subsets(len(features))])


def conditional_game(
    cells: np.ndarray, values: np.ndarray, *, noise: np.ndarray | None = None, weights: np.ndarray | None = None
) -> np.ndarray:
    """The game E[Var(Y | X_not-u)] of curves, variances summed over their points.

    Parameters
    ----------
    cells : ndarray, shape (2 ** features, n)
        From :func:`cells`.
    values : ndarray, shape (n, points)
    noise : ndarray, shape (n,), optional
        Sum over the points of each curve's squared standard error. What independent noise of this size adds in the
        mean is taken out; the result is unbiased, hence may fall below zero.
    weights : ndarray, shape (n,), optional
        Of the states; equal unless given.

    Returns
    -------
    ndarray, shape (2 ** features,)
    """
    from scipy.sparse import csr_array

    n = len(values)
    own = np.full(n, 1.0 / n) if weights is None else weights / weights.sum()
    centred = values - own @ values
    added = np.zeros(n) if noise is None else noise
    whole = float(own @ ((centred**2).sum(axis=1) - added))
    game = []
    for cell in cells:
        mass = np.bincount(cell, own)
        sums = csr_array((own, (cell, np.arange(n))), shape=(len(mass), n)) @ centred
        between = (sums**2).sum(axis=1) - np.bincount(cell, own**2 * added)
        game.append(whole - float((between[mass > 0] / mass[mass > 0]).sum()))
    return np.array(game)


def half_distances(values: np.ndarray, noise: np.ndarray | None = None) -> np.ndarray:
    """Half the squared distance of any two curves: its mean over two draws of a population is the variance.

    Parameters
    ----------
    values : ndarray, shape (n, points)
    noise : ndarray, shape (n,), optional
        Sum over the points of each curve's squared standard error; its mean share is taken out.

    Returns
    -------
    ndarray, shape (n, n)
        Zero on the diagonal. Without noise's share the others are unbiased, and may fall below zero.
    """
    centred = values - values.mean(axis=0)
    size = (centred**2).sum(axis=1)
    if noise is not None:
        size = size - noise
    half = 0.5 * (size[:, None] + size[None]) - centred @ centred.T
    np.fill_diagonal(half, 0.0)
    return half


def closed_cubes(states: np.ndarray) -> np.ndarray:
    """All pairs of states between which every combination of their features is a state as well.

    Parameters
    ----------
    states : ndarray, shape (n, features)
        Without repetitions.

    Returns
    -------
    ndarray of int, shape (cubes, 2 ** features)
        Rows of `states`, one a corner; bit j of the corner's number says from which of the two feature j comes.
        A pair counts once, and those that agree in some features count too.
    """
    n, features = states.shape
    levels = np.stack([np.unique(c, return_inverse=True)[1].ravel() for c in states.T], axis=1)
    table = np.full(levels.max(axis=0) + 1, -1)
    table[tuple(levels.T)] = np.arange(n)
    one, other = np.triu_indices(n, 1)
    corners = []
    for corner in range(2**features):
        take = [levels[other if corner >> j & 1 else one, j] for j in range(features)]
        corners.append(table[tuple(take)])
    cubes = np.stack(corners, axis=1)
    found: np.ndarray = cubes[(cubes >= 0).all(axis=1)]
    return found


def cube_game(cubes: np.ndarray, half: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray:
    """What each cube adds to the game of swaps; its (weighted) mean over the cubes is the game.

    Parameters
    ----------
    cubes : ndarray of int, shape (cubes, 2 ** features)
        Corners, as from :func:`closed_cubes`.
    half : callable
        Two arrays of corners -> half the squared distances of their curves, same shape.

    Returns
    -------
    ndarray, shape (2 ** features, cubes)
    """
    size = cubes.shape[1]
    corner = np.arange(size)
    games = []
    for u in subsets(size.bit_length() - 1):
        swapped = corner ^ sum(1 << j for j in u)
        once = corner <= swapped  # each pair of corners from one side
        games.append(half(cubes[:, once], cubes[:, swapped[once]]).mean(axis=1))
    return np.stack(games)


def shapley_of(game: np.ndarray) -> np.ndarray:
    """Shapley values of a game.

    Parameters
    ----------
    game : ndarray, shape (2 ** features, ...)
        In the order of :func:`binlj.eval.explain.factorial.subsets`.

    Returns
    -------
    ndarray, shape (features, ...)
        They sum to ``game[-1] - game[0]``.
    """
    n = len(game).bit_length() - 1
    row = {u: k for k, u in enumerate(subsets(n))}
    phi = np.zeros((n, *game.shape[1:]))
    for i in range(n):
        for u in row:
            if i not in u:
                weight = fact(len(u)) * fact(n - len(u) - 1) / fact(n)
                phi[i] += weight * (game[row[tuple(sorted((*u, i)))]] - game[row[u]])
    return phi


def sobol_of(game: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """First-order and total variances of a game, each of shape (features, ...).

    First order is Var(E[Y | X_i]) and includes what goes together with X_i; total is E[Var(Y | X_not-i)], what only X_i
    tells once all others are known. With dependent features the first can be the larger.
    """
    n = len(game).bit_length() - 1
    row = {u: k for k, u in enumerate(subsets(n))}
    others = [row[tuple(j for j in range(n) if j != i)] for i in range(n)]
    return game[-1] - game[others], game[[row[(i,)] for i in range(n)]]


def cohort_shapley(states: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Shapley values of each state, v(u) being the mean over the states that agree with it in u.

    Cohort Shapley (Mase, Owen and Seiler 2019): :func:`binlj.eval.explain.shapley.grid_shapley` without the grid.

    Parameters
    ----------
    states : ndarray, shape (n, features)
    values : ndarray, shape (n, points)

    Returns
    -------
    ndarray, shape (features, n, points)
        They sum over the features to ``values - mean``.
    """
    means = []
    for u in subsets(states.shape[1]):
        cell = _cells(states[:, list(u)])
        total = np.zeros((cell.max() + 1, values.shape[1]))
        np.add.at(total, cell, values)
        means.append((total / np.bincount(cell)[:, None])[cell])
    return shapley_of(np.stack(means))


def _cells(columns: np.ndarray) -> np.ndarray:
    """Number of the cell of each row; rows that agree share one."""
    if columns.shape[1] == 0:
        return np.zeros(len(columns), dtype=np.int64)
    return np.asarray(np.unique(columns, axis=0, return_inverse=True)[1]).ravel()
