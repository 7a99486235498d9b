"""Exact Sobol indices of curves on a full factorial, with the noise of the curves taken out.

On a complete grid with equal weights the ANOVA decomposition needs no sampling: with
D_u = Var(E[Y | X_u]), the first-order index of feature i is D_i / D and its total index is
1 - D_{not i} / D (Sobol 1993; Homma and Saltelli 1996). For a whole curve the numerators and the
denominator are summed over r (Gamboa et al. 2014), so that every r counts by its variance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from binlj.eval.explain.factorial import Factorial, Subset, conditional_means, subsets


@dataclass(frozen=True)
class Decomposition:
    """Variances of a factorial, point by point.

    Attributes
    ----------
    closed : dict
        Subset u -> Var(E[Y | X_u]) at each point, shape (points,), noise taken out where known.
    noise : ndarray, shape (points,)
        Mean squared standard error that was taken out; zeros where there was none.
    n : int
        Number of features.
    """

    closed: dict[Subset, np.ndarray]
    noise: np.ndarray
    n: int

    @property
    def variance(self) -> np.ndarray:
        """Total variance at each point, shape (points,)."""
        return self.closed[tuple(range(self.n))]

    def first(self) -> np.ndarray:
        """Variances of the features alone, shape (features, points)."""
        return np.stack([self.closed[(i,)] for i in range(self.n)])

    def total(self) -> np.ndarray:
        """Variances in which each feature takes part, shape (features, points)."""
        others = [tuple(j for j in range(self.n) if j != i) for i in range(self.n)]
        return np.stack([self.variance - self.closed[u] for u in others])

    def components(self) -> dict[Subset, np.ndarray]:
        """Variance of each effect and interaction alone (Moebius inversion of `closed`)."""
        alone: dict[Subset, np.ndarray] = {}
        for u in subsets(self.n):
            if u:
                alone[u] = self.closed[u] - sum(alone[v] for v in alone if set(v) < set(u))
        return alone


def decompose(values: np.ndarray, n: int, *, noise: np.ndarray | None = None) -> Decomposition:
    """Decompose the variance over the first `n` axes of `values`.

    Parameters
    ----------
    values : ndarray, shape (n_1 ... n_n, points)
    noise : ndarray, shape (points,), optional
        Mean over the cells of the variance of their independent noise. Noise adds
        ``noise * (cells of u - 1) / cells`` to Var(E[Y | X_u]) in the mean, which is subtracted:
        without that it would pass for an interaction of all features. The corrected variances are
        unbiased, hence may fall slightly below zero.
    """
    taken = np.zeros(values.shape[-1]) if noise is None else noise
    cells = int(np.prod(values.shape[:n]))
    means = conditional_means(values, n)
    grand = means[()]
    closed = {}
    for u, m in means.items():
        size = int(np.prod([values.shape[i] for i in u]))
        closed[u] = ((m - grand) ** 2).mean(axis=tuple(range(n))) - taken * (size - 1) / cells
    return Decomposition(closed, taken, n)


@dataclass(frozen=True)
class Indices:
    """Sobol indices of a curve.

    Attributes
    ----------
    first, total : ndarray, shape (features,)
        Whole-curve indices.
    first_x, total_x : ndarray, shape (features, points)
        The same at each point; NaN where the curves do not vary.
    variance_x : ndarray, shape (points,)
        Variance at each point, noise taken out.
    components : dict
        Subset -> share of the whole-curve variance.
    noise_share : float
        Noise that was taken out, as a share of the variance that is left.
    """

    first: np.ndarray
    total: np.ndarray
    first_x: np.ndarray
    total_x: np.ndarray
    variance_x: np.ndarray
    components: dict[Subset, float]
    noise_share: float


def sobol_indices(*curves: Factorial, draw: Callable[[Factorial], np.ndarray] | None = None) -> Indices:
    """Sobol indices of one curve, or of several pooled (say the three pairs).

    Parameters
    ----------
    *curves : Factorial
        On the same levels. Several are joined along r, so each point counts by its variance.
    draw : callable, optional
        Gives a noisy copy of a factorial's values; the noise then counts twice (see :func:`replicates`).

    Raises
    ------
    ValueError
        If nothing varies.
    """
    n = len(curves[0].levels)
    values = np.concatenate([c.values if draw is None else draw(c) for c in curves], axis=-1)
    noise = np.concatenate([_noise(c) for c in curves]) * (1 if draw is None else 2)
    return _indices(decompose(values, n, noise=noise))


def _indices(parts: Decomposition) -> Indices:
    variance = parts.variance
    whole = float(variance.sum())
    if not whole > 0:
        raise ValueError("the curves do not vary over the grid")
    first, total = parts.first(), parts.total()
    flat = variance <= 1e-12 * variance.max()
    with np.errstate(divide="ignore", invalid="ignore"):
        first_x, total_x = (np.where(flat, np.nan, v / variance) for v in (first, total))
    return Indices(
        first.sum(-1) / whole,
        total.sum(-1) / whole,
        first_x,
        total_x,
        variance,
        {u: float(v.sum() / whole) for u, v in parts.components().items()},
        float(parts.noise.sum() / whole),
    )


def _noise(curve: Factorial) -> np.ndarray:
    if curve.stderr is None:
        return np.zeros(len(curve.x))
    return (curve.stderr**2).mean(axis=tuple(range(len(curve.levels))))


@dataclass(frozen=True)
class Replicates:
    """Indices of noisy copies, shape (replicates, features), one array a noise model."""

    first: dict[str, np.ndarray]
    total: dict[str, np.ndarray]

    def widest(self, which: str) -> np.ndarray:
        """The replicates of the noise model that scatters most: the careful choice."""
        arrays: dict[str, np.ndarray] = getattr(self, which)
        return max(arrays.values(), key=lambda a: float(a.std(axis=0).max()))


def replicates(*curves: Factorial, n: int = 200, seed: int = 0, step: Callable[[], object] | None = None) -> Replicates:
    """Parametric bootstrap: what the published standard errors do to the indices.

    Every copy adds normal noise of the size of the standard error and takes twice the noise out again, so
    the copies scatter about the estimate. The errors of a curve are correlated along r in a way the
    dataset does not give, so both ends are tried: independent from bin to bin, and one common factor for
    the whole curve.
    """
    rng = np.random.default_rng(seed)
    first: dict[str, np.ndarray] = {}
    total: dict[str, np.ndarray] = {}
    for name, common in (("independent bins", False), ("whole curve", True)):

        def draw(curve: Factorial, common: bool = common) -> np.ndarray:
            if curve.stderr is None:
                raise ValueError("a factorial without standard errors has no replicates")
            shape = (*curve.values.shape[:-1], 1) if common else curve.values.shape
            return curve.values + curve.stderr * rng.standard_normal(shape)

        found = []
        for _ in range(n):
            found.append(sobol_indices(*curves, draw=draw))
            if step:
                step()
        first[name] = np.stack([f.first for f in found])
        total[name] = np.stack([f.total for f in found])
    return Replicates(first, total)


def leave_one_level_out(*curves: Factorial) -> np.ndarray:
    """First-order whole-curve indices on every sub-grid that lacks one level of one feature.

    Indices depend on the ranges of the features; this shows by how much.

    Returns
    -------
    ndarray, shape (sub-grids, features)
    """
    found = []
    for feature, levels in enumerate(curves[0].levels):
        if len(levels) > 2:
            for level in range(len(levels)):
                found.append(sobol_indices(*(c.without(feature, level) for c in curves)).first)
    return np.stack(found)
