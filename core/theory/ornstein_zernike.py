"""The Ornstein-Zernike equation of a binary mixture, solved for many mixtures at once.

In Fourier space the equation reads H = C + C rho H with symmetric 2 x 2 matrices; a closure turns the indirect
correlation gamma = h - c into g. The unknown is gamma; Anderson's method (J. ACM 12, 547 (1965)) finds the
fixed point. gamma is smooth, so it is found on a grid of 0.05 sigma first and refined on one of 0.025 sigma, which is
fine enough for the dataset's bins of 0.1 sigma.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.fft import dst

from binlj.errors import InputError
from binlj.theory.closures import closure
from binlj.theory.mixtures import Mixtures, attraction, pair_potential

TOLERANCE = 1e-5  # largest change of gamma in one step of plain iteration
STEPS = 400
HISTORY = 8
BATCH = 32  # mixtures whose history fits the cache


@dataclass(frozen=True)
class Grid:
    """Points r = dr, 2 dr ... n dr and their conjugate k; sine transforms want n + 1 a power of two."""

    n: int
    dr: float

    @cached_property
    def r(self) -> np.ndarray:
        """Distances, shape (n,)."""
        return self.dr * np.arange(1, self.n + 1)

    @cached_property
    def k(self) -> np.ndarray:
        """Wave numbers, shape (n,)."""
        return np.pi / (self.dr * (self.n + 1)) * np.arange(1, self.n + 1)

    def forward(self, f: np.ndarray) -> np.ndarray:
        """Three-dimensional Fourier transform of a radial function, along the last axis."""
        return 2.0 * np.pi * self.dr / self.k * dst(f * self.r, type=1, axis=-1)

    def backward(self, f: np.ndarray) -> np.ndarray:
        """The inverse of :meth:`forward`."""
        scale = 1.0 / (4.0 * np.pi * self.dr * (self.n + 1))
        return scale / self.r * dst(f * self.k, type=1, axis=-1)


COARSE = Grid(511, 0.05)
FINE = Grid(1023, 0.025)


@dataclass(frozen=True)
class Problem:
    """What the equation needs beside a closure: a grid, beta u, beta u_att (n, 3, points), densities (n, 2)."""

    grid: Grid
    beta_u: np.ndarray
    beta_u_att: np.ndarray
    rho: np.ndarray

    def __post_init__(self) -> None:
        problems = []
        if self.beta_u.shape != (len(self.rho), 3, self.grid.n) or self.beta_u_att.shape != self.beta_u.shape:
            problems.append(f"potentials of shape {self.beta_u.shape} do not fit densities and grid")
        if not (np.isfinite(self.rho).all() and (self.rho >= 0).all()):
            problems.append("densities must be finite and at least 0")
        if problems:
            raise InputError("Ornstein-Zernike problem", problems)

    def take(self, index: np.ndarray) -> Problem:
        """The mixtures at these positions."""
        return Problem(self.grid, self.beta_u[index], self.beta_u_att[index], self.rho[index])


@dataclass(frozen=True)
class Solution:
    """Where the iteration stopped.

    Attributes
    ----------
    gamma, g : ndarray, shape (n, 3, points)
        Indirect correlation and RDF; pairs AA, AB, BB.
    residual : ndarray, shape (n,)
        Largest |gamma_out - gamma_in| of one application of closure and equation.
    iterations : ndarray of int, shape (n,)
    converged : ndarray of bool, shape (n,)
        Residual below the tolerance, and a positive structure factor at every k.
    """

    gamma: np.ndarray
    g: np.ndarray
    residual: np.ndarray
    iterations: np.ndarray
    converged: np.ndarray


def lennard_jones(
    mixtures: Mixtures, *, closure_name: str, grid: Grid = FINE, beta: np.ndarray | float = 1.0
) -> Problem:
    """The problem of truncated and shifted Lennard-Jones mixtures; `beta` scales 1/T (for continuation)."""
    factor = (np.broadcast_to(beta, len(mixtures)) / mixtures.T)[:, None, None]
    u_att = attraction(mixtures, grid.r, closure(closure_name).split)
    return Problem(grid, factor * pair_potential(mixtures, grid.r), factor * u_att, mixtures.partial_densities)


def oz_gamma(c_k: np.ndarray, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Transform of gamma from that of c, and det(1 - rho C), which is positive in a stable fluid.

    Parameters
    ----------
    c_k : ndarray, shape (n, 3, points)
    rho : ndarray, shape (n, 2)

    Returns
    -------
    gamma_k : ndarray, shape (n, 3, points)
    det : ndarray, shape (n, points)
    """
    a, b = rho[:, 0, None], rho[:, 1, None]
    aa, ab, bb = c_k[:, 0], c_k[:, 1], c_k[:, 2]
    ab2 = ab * ab
    det = (1.0 - a * aa) * (1.0 - b * bb) - a * b * ab2
    h = np.stack([aa * (1.0 - b * bb) + b * ab2, ab, bb * (1.0 - a * aa) + a * ab2], axis=1)
    return h / det[:, None] - c_k, det


def step(problem: Problem, gamma: np.ndarray, closure_name: str) -> tuple[np.ndarray, np.ndarray]:
    """One application of closure and equation: the new gamma, and whether the structure is physical."""
    g = closure(closure_name).g(gamma, problem.beta_u, problem.beta_u_att)
    gamma_k, det = oz_gamma(problem.grid.forward(g - 1.0 - gamma), problem.rho)
    return problem.grid.backward(gamma_k), np.all(det > 0, axis=1)


def solve(
    problem: Problem,
    *,
    closure_name: str = "DH",
    start: np.ndarray | None = None,
    tolerance: float = TOLERANCE,
    max_steps: int = STEPS,
    history: int = HISTORY,
    mixing: float = 0.5,
) -> Solution:
    """Find the fixed point for every mixture, each with an Anderson history of its own.

    Parameters
    ----------
    start : ndarray, shape (n, 3, points), optional
        First guess of gamma; zero if left out.
    history : int
        Earlier steps combined; 0 is plain (Picard) iteration with the given mixing.
    mixing : float
        Share of the new gamma in a plain step.
    """
    n = len(problem.rho)
    shape = problem.beta_u.shape
    first = np.zeros(shape) if start is None else np.array(start, dtype=float)
    parts = [
        _solve_batch(problem.take(i), closure_name, first[i], tolerance, max_steps, history, mixing)
        for i in np.array_split(np.arange(n), max(1, -(-n // BATCH)))
    ]
    gamma, residual, iterations, physical = (np.concatenate(x) for x in zip(*parts, strict=True))
    with np.errstate(over="ignore", invalid="ignore"):
        g = closure(closure_name).g(gamma, problem.beta_u, problem.beta_u_att)
    return Solution(gamma, g, residual, iterations, (residual < tolerance) & physical)


def _solve_batch(
    problem: Problem,
    closure_name: str,
    gamma: np.ndarray,
    tolerance: float,
    max_steps: int,
    history: int,
    mixing: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    n, shape = len(gamma), problem.beta_u.shape[1:]
    out, residual = gamma.copy(), np.full(n, np.inf)
    iterations, physical = np.zeros(n, dtype=int), np.zeros(n, dtype=bool)
    active = np.arange(n)
    x = gamma.reshape(n, -1)
    last_x = last_f = x
    past = _History.empty(n, history, x.shape[1])
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for iteration in range(1, max_steps + 1):
            new, ok = step(problem, x.reshape(-1, *shape), closure_name)
            f = new.reshape(x.shape) - x
            error = np.abs(f).max(axis=1)
            error[~np.isfinite(error)] = np.inf
            out[active] = x.reshape(-1, *shape)
            residual[active], iterations[active], physical[active] = error, iteration, ok
            go_on = (error >= tolerance) & np.isfinite(error)
            if not go_on.any():
                break
            if iteration > 1 and history:
                past.add(iteration, f - last_f, x - last_x + mixing * (f - last_f))
            if not go_on.all():
                active, x, f = active[go_on], x[go_on], f[go_on]
                past, problem = past.take(go_on), problem.take(np.flatnonzero(go_on))
            last_x, last_f = x, f
            x = x + mixing * f
            if iteration > 1 and history:
                x -= past.correction(f)
    return out, residual, iterations, physical


@dataclass(frozen=True)
class _History:
    """Anderson's history of each mixture, in a ring: differences of f, the steps they replace, and f's Gram matrix."""

    df: np.ndarray
    steps: np.ndarray
    gram: np.ndarray

    @classmethod
    def empty(cls, n: int, history: int, size: int) -> _History:
        # What is not filled yet has no weight: its row of the Gram matrix is that of the identity.
        gram = np.broadcast_to(np.eye(history), (n, history, history)).copy()
        return cls(np.zeros((n, history, size)), np.zeros((n, history, size)), gram)

    def take(self, which: np.ndarray) -> _History:
        return _History(self.df[which], self.steps[which], self.gram[which])

    def add(self, iteration: int, df: np.ndarray, step: np.ndarray) -> None:
        slot = iteration % self.df.shape[1]
        self.df[:, slot], self.steps[:, slot] = df, step
        row = (self.df @ df[..., None])[..., 0]
        self.gram[:, slot] = self.gram[:, :, slot] = row

    def correction(self, f: np.ndarray) -> np.ndarray:
        """What to subtract from a plain step: the combination of past steps that cancels f best."""
        right = (self.df @ f[..., None])[..., 0]
        scale = 1.0 / np.sqrt(np.maximum(np.einsum("nii->ni", self.gram), 1e-300))
        scaled = self.gram * scale[:, :, None] * scale[:, None] + 1e-10 * np.eye(self.gram.shape[1])
        weights = np.linalg.solve(scaled, (right * scale)[..., None])[..., 0] * scale
        return np.asarray((weights[:, None] @ self.steps)[:, 0])
