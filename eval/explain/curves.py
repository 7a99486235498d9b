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

# The paper's map uses g(r) up to 5 sigma. It is also as far as r / sigma_BB reaches at S = 2 (10 / 2).
REACH = 5.0
MAP_FROM, MAP_TO, MAP_POINTS = 0.9, 5.0, 80


def contact(pair: str, size_ratio: np.ndarray) -> np.ndarray:
    """Contact distance sigma_ij of a pair at each size ratio: 1, (1 + S) / 2 or S."""
    return {"AA": np.ones_like(size_ratio), "AB": (1.0 + size_ratio) / 2.0, "BB": size_ratio}[pair]


def rebinning(
    scale: float, *, width: float = R_MAX / N_BINS, reach: float = REACH, n: int = N_FINE
) -> np.ndarray:
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


def load_frames(dataset: Path | None = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """All 1500 curves, sorted by (pair, state): the 500-bin ones and the 100-bin ones.

    Raises
    ------
    DataError
        If the two do not hold the same curves.
    """
    fine = data.read_table("fine", "all", path=dataset)
    coarse = pd.concat([data.read_table("extrapolation", s, path=dataset) for s in ("train", "test")])
    fine, coarse = (f.sort_values(["pair", "state_id"]).reset_index(drop=True) for f in (fine, coarse))
    if not fine[["pair", "state_id"]].equals(coarse[["pair", "state_id"]]):
        where = dataset or "the installed dataset"
        raise DataError(
            where, ["configs `fine` and `extrapolation` hold different curves"], fix="run `binlj verify`"
        )
    return fine, coarse


def load_curves(dataset: Path | None = None, *, reach: float = REACH) -> dict[str, Factorial]:
    """The benchmark's 100-bin g(r) of each pair as a factorial, up to r = `reach`."""
    _, coarse = load_frames(dataset)
    return raw_curves(coarse, reach=reach)


def raw_curves(coarse: pd.DataFrame, *, reach: float = REACH) -> dict[str, Factorial]:
    """The 100-bin g(r) of each pair, up to r = `reach`, with standard errors."""
    keep = bin_centres() < reach
    out = {}
    for pair in PAIRS:
        rows = coarse[coarse["pair"] == pair]
        out[pair] = factorial(
            rows[list(FEATURES)],
            data.curves(rows)[:, keep],
            bin_centres()[keep],
            stderr=data.curves(rows, "g_stderr")[:, keep],
            subject=f"pair {pair} of the dataset",
        )
    return out


def scaled_curves(fine: pd.DataFrame, coarse: pd.DataFrame, *, reach: float = REACH) -> dict[str, Factorial]:
    """g of each pair on common bins of x = r / sigma_ij, 0.1 wide, from the 500-bin curves.

    The standard errors follow from those of the fine bins taken as independent, times one factor a curve:
    the ratio of the published 100-bin errors to what independent fine bins would give.
    """
    out = {}
    merge = rebinning(1.0, reach=R_MAX)
    x = (np.arange(round(reach * N_BINS / R_MAX)) + 0.5) * R_MAX / N_BINS
    for pair in PAIRS:
        mask = (fine["pair"] == pair).to_numpy()
        rows = fine[mask]
        g, error = data.curves(rows), data.curves(rows, "g_stderr")
        published = data.curves(coarse[mask], "g_stderr")
        merged = (error**2) @ (merge**2).T
        factor = np.sqrt((published**2).sum(1) / np.maximum(merged.sum(1), 1e-300))
        value, variance = np.empty((len(rows), len(x))), np.empty((len(rows), len(x)))
        scales = contact(pair, rows["S"].to_numpy(dtype=np.float64))
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


def map_features(fine: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """The paper's vector of a state: g_AA, g_AB, g_BB at 80 points each from 0.9 to 5 sigma.

    Parameters
    ----------
    fine : DataFrame
        From :func:`load_frames`.

    Returns
    -------
    states : DataFrame
        state_id and the four features, one row a state.
    vectors : ndarray, shape (states, 240)
    """
    at = np.linspace(MAP_FROM, MAP_TO, MAP_POINTS)
    blocks = []
    for pair in PAIRS:
        g = data.curves(fine[fine["pair"] == pair])
        blocks.append(np.stack([np.interp(at, bin_centres(N_FINE), row) for row in g]))
    rows = fine[fine["pair"] == PAIRS[0]]
    return rows[["state_id", *FEATURES]].reset_index(drop=True), np.concatenate(blocks, axis=1)
