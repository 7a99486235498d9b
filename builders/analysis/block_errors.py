"""Standard error of a mean g(r) from block sums of pair counts.

The mean is g_k = sum_b C_bk / sum_b I_bk, with C the pairs found in bin k in block b and I the number an
ideal gas would have given. Its error is the shot noise of the counts, which is known, times how much more
than shot noise the blocks scatter, which has to be estimated:

    stderr_k^2 = [1 + t^2 (f_k - 1)] g_k / I_k,          I_k = sum_b I_bk
    f_k = max[F_k tau_k, 1 + (F_k - 1) n_blocks / n_eff, F'_k]

* **Shot noise** g_k / I_k. Where few pairs were found, g_k is replaced by its mean over neighbouring bins
  that hold at least 25 pairs together (at most 0.2 sigma to either side), so that a bin which happens to
  be empty is not called exact; where none was found at all, by the dilute-gas limit exp(-u/T), at most one
  pair's worth.
* **Dispersion** F_k >= 1: the block variance over shot noise,

      F = sum_window sum_b (C_b - g I_b)^2 / (g I_b)  /  sum_window (n_blocks - 1),

  pooled over a window of neighbouring bins. For Poisson counts every term has expectation n - 1 exactly,
  whatever the number of counts (given its total, a bin's counts are multinomial), so sparse bins do no
  harm. The window is as narrow as +-0.2 sigma and widens to +-0.5 sigma when there are few blocks: two
  blocks leave one degree of freedom a bin, eleven in the window. F below 1 is not believed: pair counts in
  narrow shells of a fluid are not sub-Poisson beyond the noise of F itself.
* **Statistical inefficiency** tau_k >= 1, for blocks that are themselves correlated (Flyvbjerg and
  Petersen, J. Chem. Phys. 91, 461 (1989)): blocks are joined two by two while at least four remain; tau is
  the largest ratio of the joined blocks' F to that of the single ones, pooled over +-1 sigma. Being the
  largest of noisy ratios it comes out at 1.3 to 1.5 for uncorrelated blocks that one mode dominates.
* **Scatter between starts** F'_k, where two starts are averaged: the dispersion of the two starts' sums, each taken as
  one block, pooled over +-1 sigma because two starts leave one degree of freedom a bin. With equal lengths F' g / I is
  half the between-start variance, the squared standard error of the mean of two. The larger of the two estimates is
  taken, since the difference between the starts contains the noise of the blocks already: F' / (F tau) is the square
  of the Birge ratio, by which averages of discrepant measurements are widened (Birge, Phys. Rev. 40, 207 (1932)).
  Where one mode moves all bins, the larger of the two comes out at 1.5 times the true variance on average.
* **Memory of the scalars** n_blocks / n_eff: how many blocks make one independent sample of the slowest of energy,
  density and AB coordination, whose series have every frame. These are integrals of the three g, so what is beyond
  shot noise in the blocks, F - 1, has at least their memory; the shot noise has none.
* **Few independent samples** t >= 1: the quantile of Student's distribution at the level of one standard error (84.1 %)
  with n_eff - 1 degrees of freedom: 1.08 for 8 samples, 1.02 for 27. It multiplies what is estimated from the scatter
  of the blocks; the shot noise is known.

One slow collective mode (the coarsening of a demixed state) moves all bins together. Pooling over bins then
adds no degrees of freedom, and with two blocks the error of such a state is itself uncertain by a factor of
about two; drift and the gap between the starts are published for that reason.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from binlj.schema import R_MAX

ENOUGH_PAIRS = 25  # relative error of the shot noise 10 %
SPARSE_REACH = 0.2  # sigma, to either side
WINDOW, WINDOW_FEW = 0.2, 0.5  # half-widths in sigma
WANTED_DOF = 12
JOIN_WINDOW = 1.0
JOIN_MIN_BLOCKS = 4


@dataclass(frozen=True)
class Blocks:
    """Block sums of one or more chains, in time order within each chain.

    Attributes
    ----------
    counts, ideal : ndarray, shape (n_blocks, 3, n_bins)
    frames : ndarray of int, shape (n_blocks,)
    chain : ndarray of int, shape (n_blocks,)
        Which chain a block belongs to; blocks of different chains are never joined.
    start : ndarray of int, shape (n_blocks,), optional
        Which start it belongs to, ascending; by default all are of one.
    """

    counts: np.ndarray
    ideal: np.ndarray
    frames: np.ndarray
    chain: np.ndarray
    start: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.frames)

    def rebin(self, merge: int) -> Blocks:
        """Add up `merge` neighbouring bins (exact: counts and ideal counts are both sums)."""
        shape = (*self.counts.shape[:-1], -1, merge)
        return replace(self, counts=self.counts.reshape(shape).sum(-1), ideal=self.ideal.reshape(shape).sum(-1))

    def grouped(self, group: np.ndarray) -> Blocks:
        """Add up blocks with the same group number (ascending, never across chains)."""
        starts = np.flatnonzero(np.diff(group, prepend=group[0] - 1))
        return Blocks(
            np.add.reduceat(self.counts, starts), np.add.reduceat(self.ideal, starts),
            np.add.reduceat(self.frames, starts), self.chain[starts],
            None if self.start is None else self.start[starts],
        )


def even_out(blocks: Blocks) -> Blocks:
    """Join consecutive short blocks until none has less than half the frames of the longest.

    Blocks of very different length have different dispersion where frames are correlated. Left alone if
    fewer than four blocks would remain.
    """
    if len(blocks) == 0:
        return blocks
    wanted = blocks.frames.max() / 2
    group = np.zeros(len(blocks), dtype=int)
    number, held = 0, 0
    for i in range(len(blocks)):
        if i and (blocks.chain[i] != blocks.chain[i - 1] or held >= wanted):
            number, held = number + 1, 0
        group[i] = number
        held += int(blocks.frames[i])
    joined = blocks.grouped(group)
    return joined if len(joined) >= JOIN_MIN_BLOCKS else blocks


def mean_and_error(
    blocks: Blocks, *, dilute: np.ndarray, n_eff: float = math.inf
) -> tuple[np.ndarray, np.ndarray]:
    """Mean g(r) and its standard error (formula above).

    Parameters
    ----------
    blocks : Blocks
        At least one block. With one block only, the error is the shot noise.
    dilute : ndarray, shape (3, n_bins)
        exp(-u/T) of each pair: g in the limit of no density, for bins without a single pair.
    n_eff : float
        Independent samples of the slowest scalar; by default so many that they widen nothing.

    Returns
    -------
    g, stderr : ndarrays, shape (3, n_bins)
    """
    counts, ideal = blocks.counts.sum(0), blocks.ideal.sum(0)
    g = counts / ideal
    variance = expected_counts(counts, ideal, dilute) / ideal**2
    n = len(blocks)
    if n > 1:
        width = R_MAX / counts.shape[-1]
        excess = _excess(blocks)
        dispersion = np.maximum(1.0, pooled(excess, counts > 0, n - 1, _half_window(n, width)))
        remembered = 1.0 + (dispersion - 1.0) * n / n_eff
        factor = np.maximum.reduce([dispersion * inefficiency(blocks), remembered, scatter_of_starts(blocks)])
        variance = variance * (1.0 + student_factor(n_eff) ** 2 * (factor - 1.0))
    return g, np.sqrt(variance)


def student_factor(n_eff: float) -> float:
    """Quantile of Student's t at one standard error, with ``n_eff - 1`` degrees of freedom (at least 1)."""
    from scipy import stats

    return float(stats.t.ppf(stats.norm.cdf(1.0), max(n_eff - 1.0, 1.0)))


def scatter_of_starts(blocks: Blocks) -> np.ndarray:
    """Dispersion F' of the sums of each start (0 with one start), shape (3, n_bins)."""
    found = blocks.counts.sum(0) > 0
    if blocks.start is None or np.ptp(blocks.start) == 0:
        return np.zeros(found.shape)
    whole = blocks.grouped(blocks.start)
    half = max(1, round(JOIN_WINDOW / (R_MAX / found.shape[-1])))
    return pooled(_excess(whole), found, len(whole) - 1, half)


def expected_counts(counts: np.ndarray, ideal: np.ndarray, dilute: np.ndarray) -> np.ndarray:
    """Counts expected in each bin, for the shot noise: those found, or the neighbours' where they are few."""
    reach = max(1, round(SPARSE_REACH / (R_MAX / counts.shape[-1])))
    best = counts.astype(float)
    open_ = counts < ENOUGH_PAIRS
    for half in range(1, reach + 1):
        if not open_.any():
            break
        near_c, near_i = _box(counts, half), _box(ideal, half)
        take = open_ & ((near_c >= ENOUGH_PAIRS) | (half == reach))
        best[take] = (ideal * near_c / near_i)[take]
        open_ &= ~take
    floor = np.minimum(1.0, ideal * dilute)
    sparse = counts < ENOUGH_PAIRS
    # In the core (dilute limit below a pair in a million) neighbours across the contact say nothing.
    empty = counts == 0
    best[empty & (floor < 1e-6)] = floor[empty & (floor < 1e-6)] = 0.0
    return np.where(sparse, np.maximum(best, np.where(empty, floor, 1.0)), best)


def pooled(excess: np.ndarray, used: np.ndarray, dof: int, half: int) -> np.ndarray:
    """Dispersion F pooled over +-`half` bins; 1 where the window holds no pair at all."""
    total, bins = _box(np.where(used, excess, 0.0), half), _box(used.astype(float), half)
    return np.divide(total, bins * dof, out=np.ones_like(total), where=bins > 0)


def inefficiency(blocks: Blocks) -> np.ndarray:
    """Statistical inefficiency of the blocks, shape (3, n_bins), at least 1."""
    width = R_MAX / blocks.counts.shape[-1]
    half = max(1, round(JOIN_WINDOW / width))
    tau = np.ones(blocks.counts.shape[1:])
    used = blocks.counts.sum(0) > 0
    single = None
    joined = blocks
    while True:
        joined = _join_pairs(joined)
        if len(joined) < JOIN_MIN_BLOCKS:
            return tau
        if single is None:
            single = np.maximum(1.0, pooled(_excess(blocks), used, len(blocks) - 1, half))
        tau = np.maximum(tau, pooled(_excess(joined), used, len(joined) - 1, half) / single)


def _join_pairs(blocks: Blocks) -> Blocks:
    """Join blocks two by two within each chain; an odd one at a chain's end joins the pair before it."""
    group = np.zeros(len(blocks), dtype=int)
    number = 0
    for chain in dict.fromkeys(blocks.chain.tolist()):
        mine = np.flatnonzero(blocks.chain == chain)
        pair = np.minimum(np.arange(len(mine)) // 2, max(len(mine) // 2 - 1, 0))
        group[mine] = number + pair
        number += int(pair[-1]) + 1
    joined = blocks.grouped(group)
    return joined if len(joined) < len(blocks) else blocks.grouped(np.zeros(len(blocks), dtype=int))


def _excess(blocks: Blocks) -> np.ndarray:
    """sum_b (C_b - g I_b)^2 / (g I_b) per bin, zero where nothing was found."""
    g = blocks.counts.sum(0) / blocks.ideal.sum(0)
    expected = g * blocks.ideal
    residual = (blocks.counts - expected) ** 2
    return np.divide(residual, expected, out=np.zeros_like(expected), where=expected > 0).sum(0)


def _half_window(n: int, width: float) -> int:
    """Half-width in bins: wide enough for `WANTED_DOF` degrees of freedom in 0.1 sigma bins."""
    bins = WANTED_DOF / (n - 1)
    sigma = min(max(WINDOW, 0.1 * (bins - 1) / 2), WINDOW_FEW)
    return max(1, round(sigma / width))


def _box(x: np.ndarray, half: int) -> np.ndarray:
    """Sums over windows of +-half bins along the last axis, cut off at the ends."""
    total = np.cumsum(np.concatenate([np.zeros((*x.shape[:-1], 1)), x], axis=-1), axis=-1)
    n = x.shape[-1]
    lo, hi = np.maximum(np.arange(n) - half, 0), np.minimum(np.arange(n) + half + 1, n)
    return total[..., hi] - total[..., lo]
