"""RDFs of homogeneous mixtures: the Ornstein-Zernike solver with its continuation and fallbacks.

Order of attempts: Duh-Henderson from a rough solution at twice the temperature; Duh-Henderson along a path of rising
1/T; other closures in the same way; last, the solution at the lowest temperature above the wanted one that converged.
The result says which.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import CubicSpline

from binlj.theory.mixtures import Mixtures
from binlj.theory.ornstein_zernike import COARSE, FINE, Solution, lennard_jones, solve

FALLBACKS = ("DH", "MS", "VM", "PY", "HNC")
FIRST_BETA, FIRST_STEP, LAST_STEP = 0.25, 0.25, 0.03
ROUGH_BETA, ROUGH_TOLERANCE, ROUGH_STEPS = 0.5, 1e-2, 60
DIRECT_STEPS, PATH_STEPS, FINE_STEPS = 100, 80, 150
_NOTHING = "low density"


@dataclass(frozen=True)
class Bulk:
    """RDFs of homogeneous mixtures on the fine grid (0.025 sigma).

    Attributes
    ----------
    g : ndarray, shape (n, 3, 1023)
    closure : list of str
        The closure of each; ``low density`` where none had a solution at any temperature: exp(-beta u).
    beta : ndarray, shape (n,)
        Share of 1/T reached: 1 where solved at its own temperature.
    path : ndarray of bool, shape (n,)
        Whether continuation was needed.
    residual : ndarray, shape (n,)
        Largest change of gamma in one more step.
    iterations : ndarray of int, shape (n,)
        Steps on the fine grid plus those on the coarse one.
    """

    g: np.ndarray
    closure: list[str]
    beta: np.ndarray
    path: np.ndarray
    residual: np.ndarray
    iterations: np.ndarray


def bulk_rdf(mixtures: Mixtures, *, closures: tuple[str, ...] = FALLBACKS) -> Bulk:
    """RDFs of homogeneous mixtures; never without an answer.

    Parameters
    ----------
    closures : tuple of str
        Tried in this order.
    """
    n = len(mixtures)
    g = np.exp(-lennard_jones(mixtures, closure_name="PY").beta_u)
    names, beta = [_NOTHING] * n, np.zeros(n)
    path, residual, iterations = np.zeros(n, dtype=bool), np.full(n, np.inf), np.zeros(n, dtype=int)
    left = np.arange(n)
    for name in closures:
        if not left.size:
            break
        part = mixtures.take(left)
        gamma, reached, steps, continued = _coarse(part, name)
        iterations[left] += steps
        # Refine what arrived, and what got further than any closure before.
        better = np.flatnonzero(reached > beta[left])
        if better.size:
            problem = lennard_jones(part.take(better), closure_name=name, beta=reached[better])
            fine = solve(problem, closure_name=name, start=refine(gamma[better]), max_steps=FINE_STEPS)
            iterations[left[better]] += fine.iterations
            done = np.flatnonzero(fine.converged)
            where = left[better[done]]
            g[where], residual[where] = fine.g[done], fine.residual[done]
            beta[where], path[where] = reached[better[done]], continued[better[done]]
            for i in where:
                names[i] = name
        left = left[beta[left] < 1.0]
    return Bulk(g, names, beta, path, residual, iterations)


def _coarse(mixtures: Mixtures, name: str) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """gamma on the coarse grid, the share of 1/T reached, steps, and whether a path was needed."""
    n = len(mixtures)

    def at(part: Mixtures, beta: np.ndarray | float, **options: Any) -> Solution:
        problem = lennard_jones(part, closure_name=name, grid=COARSE, beta=beta)
        return solve(problem, closure_name=name, **options)

    rough = at(mixtures, ROUGH_BETA, tolerance=ROUGH_TOLERANCE, max_steps=ROUGH_STEPS)
    start = np.where(rough.converged[:, None, None], rough.gamma, 0.0)
    direct = at(mixtures, 1.0, start=start, max_steps=DIRECT_STEPS)
    gamma, reached = direct.gamma, np.where(direct.converged, 1.0, 0.0)
    steps, failed = rough.iterations + direct.iterations, ~direct.converged
    gamma[failed] = 0.0
    before, gamma_before = np.zeros(n), np.zeros_like(gamma)
    length = np.where(failed, FIRST_BETA, 0.0)
    while (todo := np.flatnonzero((reached < 1.0) & (length >= LAST_STEP))).size:
        part = mixtures.take(todo)
        target = np.minimum(reached[todo] + length[todo], 1.0)
        # Linear in 1/T from the last two solutions.
        span = np.where(reached[todo] > before[todo], reached[todo] - before[todo], np.inf)
        ahead = ((target - reached[todo]) / span)[:, None, None]
        guess = gamma[todo] + ahead * (gamma[todo] - gamma_before[todo])
        found = at(part, target, start=guess, max_steps=PATH_STEPS)
        steps[todo] += found.iterations
        good = todo[found.converged]
        before[good], gamma_before[good] = reached[good], gamma[good]
        reached[good], gamma[good] = target[found.converged], found.gamma[found.converged]
        length[good] = np.minimum(1.5 * length[good], FIRST_STEP)
        length[todo[~found.converged]] *= 0.4
    return gamma, reached, steps, failed


def refine(gamma: np.ndarray) -> np.ndarray:
    """gamma of the coarse grid on the fine one, shape (n, 3, 1023); a cubic spline that ends at zero."""
    # r = 0 belongs to neither grid: extrapolate.
    first, last = 2.0 * gamma[..., :1] - gamma[..., 1:2], np.zeros_like(gamma[..., :1])
    knots = np.arange(COARSE.n + 2) * COARSE.dr
    return np.asarray(CubicSpline(knots, np.concatenate([first, gamma, last], axis=-1), axis=-1)(FINE.r))
