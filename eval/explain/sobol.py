"""Exact Sobol indices of curves on a full factorial, with the noise of the curves taken out.

On a complete grid with equal weights the ANOVA decomposition needs no sampling: with
D_u = Var(E[Y | X_u]), the first-order index of feature i is D_i / D and its total index is
1 - D_{not i} / D (Sobol 1993; Homma and Saltelli 1996). For a whole curve the numerators and the
denominator are summed over r (Gamboa et al. 2014), so that every r counts by its variance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
        The same at each point; NaN where the curves do not vary, or vary less than their noise.
    variance_x : ndarray, shape (points,)
        Variance at each point, noise taken out.
    components : dict
        Subset -> share of the whole-curve variance.
    noise_share : float
        The noise that was taken out, as a share of the variance before.
    scale : float
        What the whole-curve variances are divided by: the variance without noise; with it where noise
        makes up half or more, since the difference of the two then says little.
    """

    first: np.ndarray
    total: np.ndarray
    first_x: np.ndarray
    total_x: np.ndarray
    variance_x: np.ndarray
    components: dict[Subset, float]
    noise_share: float
    scale: float

    @property
    def noise_dominated(self) -> bool:
        """Whether noise makes up half or more of the variance: no ranking can be trusted then."""
        return self.noise_share >= 0.5


def sobol_indices(*curves: Factorial) -> Indices:
    """Sobol indices of one curve, or of several pooled (say the three pairs).

    Parameters
    ----------
    *curves : Factorial
        On the same levels. Several are joined along r, so each point counts by its variance.

    Raises
    ------
    ValueError
        If nothing varies.
    """
    values = np.concatenate([c.values for c in curves], axis=-1)
    parts = decompose(values, len(curves[0].levels), noise=np.concatenate([noise_of(c) for c in curves]))
    variance, noise = parts.variance, parts.noise
    clean, taken = float(variance.sum()), float(noise.sum())
    if not clean + taken > 0:
        raise ValueError("the curves do not vary over the grid")
    share = taken / (clean + taken)
    scale = clean if share < 0.5 else clean + taken
    first, total = parts.first(), parts.total()
    unknown = (variance <= noise) | (variance <= 1e-12 * variance.max())
    with np.errstate(divide="ignore", invalid="ignore"):
        first_x, total_x = (np.where(unknown, np.nan, v / variance) for v in (first, total))
    return Indices(
        first.sum(-1) / scale,
        total.sum(-1) / scale,
        first_x,
        total_x,
        variance,
        {u: float(v.sum() / scale) for u, v in parts.components().items()},
        share,
        scale,
    )


def noise_of(curve: Factorial) -> np.ndarray:
    """Mean squared standard error at each point, shape (points,); zeros for a model."""
    if curve.stderr is None:
        return np.zeros(len(curve.x))
    return (curve.stderr**2).mean(axis=tuple(range(len(curve.levels))))


@dataclass(frozen=True)
class Replicates:
    """Whole-curve variances of noisy copies, one array of shape (replicates, curves, features) a noise model."""

    first: dict[str, np.ndarray]
    total: dict[str, np.ndarray]

    def widest(self, which: str, members: Sequence[int], scale: float) -> np.ndarray:
        """Indices of some of the curves pooled, by the noise model that scatters most: the careful choice.

        Parameters
        ----------
        which : str
            ``first`` or ``total``.
        members : sequence of int
            Which curves to pool.
        scale : float
            Of the estimate, see :class:`Indices`. Dividing each copy by its own variance would let it
            run away when noise is large.

        Returns
        -------
        ndarray, shape (replicates, features)
        """
        pooled = [v[:, list(members)].sum(axis=1) / scale for v in getattr(self, which).values()]
        return max(pooled, key=lambda v: float(v.std(axis=0).max()))


def noisy_copy(curve: Factorial, rng: np.random.Generator, *, common: bool) -> np.ndarray:
    """Values with another draw of their noise added: one common factor a curve, or independent in each bin."""
    if curve.stderr is None:
        raise ValueError("a factorial without standard errors has no replicates")
    shape = (*curve.values.shape[:-1], 1) if common else curve.values.shape
    copy: np.ndarray = curve.values + curve.stderr * rng.standard_normal(shape)
    return copy


def replicates(*curves: Factorial, n: int = 200, seed: int = 0, step: Callable[[], object] | None = None) -> Replicates:
    """Parametric bootstrap: what the published standard errors do to the indices.

    Every copy adds normal noise of the size of the standard error and takes twice the noise out again, so
    the copies scatter about the estimate. The errors of a curve are correlated along r in a way the dataset
    does not give, so both ends are tried: independent from bin to bin, and one common factor for the whole
    curve.

    Parameters
    ----------
    step : callable, optional
        Called ``2 * n`` times.
    """
    rng = np.random.default_rng(seed)
    first: dict[str, np.ndarray] = {}
    total: dict[str, np.ndarray] = {}
    for name, common in (("independent bins", False), ("whole curve", True)):
        copies = []
        for _ in range(n):
            parts = [decompose(noisy_copy(c, rng, common=common), len(c.levels), noise=2 * noise_of(c)) for c in curves]
            copies.append([[p.first().sum(-1), p.total().sum(-1)] for p in parts])
            if step:
                step()
        both = np.array(copies)  # copies, curves, first or total, features
        first[name], total[name] = both[:, :, 0], both[:, :, 1]
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
