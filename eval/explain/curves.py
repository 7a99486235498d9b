"""The dataset's curves as factorials: against r, and against r scaled by the contact distance sigma_ij."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from binlj import data
from binlj.errors import DataError
from binlj.eval.explain.factorial import Factorial, factorial
from binlj.grid import PAIRS
from binlj.schema import FEATURES, N_BINS, N_FINE, R_MAX, bin_centres, bin_edges

# Bins of r / sigma_ij that hold whole 0.02 bins of r at every sigma_ij of the grid (0.5, 0.75, 1, 1.25, 1.5
# and 2), so nothing is interpolated; as far as r / sigma_BB reaches at S = 2 (10 / 2), about the 5 sigma of
# the paper's map.
WIDTH = 0.08
REACH = 62 * WIDTH
MAP_FROM, MAP_TO, MAP_POINTS = 0.9, 5.0, 80


def contact(pair: str, size_ratio: np.ndarray) -> np.ndarray:
    """Contact distance sigma_ij of a pair at each size ratio: 1, (1 + S) / 2 or S."""
    return {"AA": np.ones_like(size_ratio), "AB": (1.0 + size_ratio) / 2.0, "BB": size_ratio}[pair]


def rebinning(scale: float, *, width: float = WIDTH, reach: float = REACH, n: int = N_FINE) -> np.ndarray:
    """Linear map from `n` bins of r to bins of x = r / `scale`, conserving the number of particles.

    Each new value is the mean of g over the shell, weighted by the volume it shares with each old bin.

    Parameters
    ----------
    scale : float
        Contact distance in sigma_AA. ``scale * reach`` may not exceed 10 sigma.
    width, reach : float
        Width of the new bins and their end, in units of `scale`.

    Returns
    -------
    ndarray, shape (round(reach / width), n)
        Rows sum to 1.
    """
    edges = np.arange(round(reach / width) + 1) * width * scale
    if edges[-1] > R_MAX * (1 + 1e-9):
        raise ValueError(f"r / {scale:g} is known up to {R_MAX / scale:g}, not {reach:g}")
    old = bin_edges(n)
    low = np.maximum(edges[:-1, None], old[None, :-1])
    high = np.maximum(np.minimum(edges[1:, None], old[None, 1:]), low)
    weight: np.ndarray = (high**3 - low**3) / (edges[1:] ** 3 - edges[:-1] ** 3)[:, None]
    return weight / weight.sum(axis=1, keepdims=True)


def load_frames(dataset: Path | None = None, *, regime: str = "equilibrium") -> tuple[pd.DataFrame, pd.DataFrame]:
    """All 1500 curves of a regime, sorted by (pair, state): the 500-bin ones and the 100-bin ones.

    Raises
    ------
    DataError
        If the two do not hold the same curves.
    """
    parts = [data.read_table("extrapolation", s, regime=regime, path=dataset) for s in ("train", "test")]
    fine = data.read_table("fine", "all", regime=regime, path=dataset)
    return aligned(fine, *parts, where=dataset or "the installed dataset")


def aligned(fine: pd.DataFrame, *parts: pd.DataFrame, where: str | Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The fine table and the joined 100-bin `parts`, both sorted by (pair, state); DataError if they differ."""
    coarse = pd.concat(parts)
    fine, coarse = (f.sort_values(["pair", "state_id"]).reset_index(drop=True) for f in (fine, coarse))
    if not fine[["pair", "state_id"]].equals(coarse[["pair", "state_id"]]):
        raise DataError(where, ["the 500-bin and the 100-bin tables hold different curves"], fix="run `binlj verify`")
    return fine, coarse


def load_curves(dataset: Path | None = None, *, scaled: bool = False) -> dict[str, Factorial]:
    """g of each pair as a factorial, on bins of r or of r / sigma_ij (see :func:`merged_curves`)."""
    return merged_curves(*load_frames(dataset), scaled=scaled)


def benchmark_curves(coarse: pd.DataFrame) -> dict[str, Factorial]:
    """The benchmark's own 100-bin g(r) of each pair, with standard errors."""
    out = {}
    for pair in PAIRS:
        rows = coarse[coarse["pair"] == pair]
        out[pair] = factorial(
            rows[list(FEATURES)],
            data.curves(rows),
            bin_centres(),
            stderr=data.curves(rows, "g_stderr"),
            subject=f"pair {pair} of the dataset",
        )
    return out


def merged_curves(
    fine: pd.DataFrame, coarse: pd.DataFrame, *, scaled: bool, reach: float = REACH
) -> dict[str, Factorial]:
    """g of each pair on common bins, 0.08 wide, of r or of r / sigma_ij: exact merges of the 500-bin curves.

    The standard errors follow from those of the fine bins taken as independent, times one factor a curve:
    the ratio of the published 100-bin errors to what independent fine bins would give.

    Parameters
    ----------
    fine, coarse : DataFrame
        From :func:`load_frames`.
    scaled : bool
        Whether r is divided by the contact distance sigma_ij of the state and pair.
    reach : float
        End of the last bin.
    """
    out = {}
    benchmark = rebinning(1.0, width=R_MAX / N_BINS, reach=R_MAX)
    x = (np.arange(round(reach / WIDTH)) + 0.5) * WIDTH
    for pair in PAIRS:
        mask = (fine["pair"] == pair).to_numpy()
        rows = fine[mask]
        g, error = data.curves(rows), data.curves(rows, "g_stderr")
        published = data.curves(coarse[mask], "g_stderr")
        merged = (error**2) @ (benchmark**2).T
        factor = np.sqrt((published**2).sum(1) / np.maximum(merged.sum(1), 1e-300))
        value, variance = np.empty((len(rows), len(x))), np.empty((len(rows), len(x)))
        sizes = rows["S"].to_numpy(dtype=np.float64)
        scales = contact(pair, sizes) if scaled else np.ones_like(sizes)
        for scale in np.unique(scales):
            w, at = rebinning(float(scale), reach=reach), scales == scale
            value[at], variance[at] = g[at] @ w.T, (error[at] ** 2) @ (w**2).T
        out[pair] = factorial(
            rows[list(FEATURES)],
            value,
            x,
            stderr=np.sqrt(variance) * factor[:, None],
            subject=f"pair {pair} of the dataset",
        )
    return out


def map_features(fine: pd.DataFrame, *, scaled: bool = False) -> tuple[pd.DataFrame, np.ndarray]:
    """The paper's vector of a state: g_AA, g_AB, g_BB at 80 points each from 0.9 to 5 sigma.

    Parameters
    ----------
    fine : DataFrame
        From :func:`load_frames`.
    scaled : bool
        At r / sigma_ij from 0.9 to 4.96 instead, where peaks that only moved with S coincide.

    Returns
    -------
    states : DataFrame
        state_id and the four features, one row a state.
    vectors : ndarray, shape (states, 240)
    """
    at = np.linspace(MAP_FROM, REACH if scaled else MAP_TO, MAP_POINTS)
    blocks = []
    for pair in PAIRS:
        rows = fine[fine["pair"] == pair]
        sizes = rows["S"].to_numpy(dtype=np.float64)
        scales = contact(pair, sizes) if scaled else np.ones_like(sizes)
        r = bin_centres(N_FINE)
        blocks.append(np.stack([np.interp(at * s, r, row) for s, row in zip(scales, data.curves(rows), strict=True)]))
    rows = fine[fine["pair"] == PAIRS[0]]
    return rows[["state_id", *FEATURES]].reset_index(drop=True), np.concatenate(blocks, axis=1)
