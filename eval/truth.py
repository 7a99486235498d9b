"""The held-out side of a track, in the arrays that scoring needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj import paths
from binlj.data import check_unchanged, curves, dataset_info, read_table, track_hash
from binlj.errors import DataError
from binlj.eval.label_error import gap_profile
from binlj.grid import GRID_T, PAIRS, parse_state_id
from binlj.schema import bin_centres, states_split
from binlj.tracks import check_track

if TYPE_CHECKING:
    import pandas as pd

Key = tuple[str, str]  # (state_id, pair)


@dataclass(frozen=True)
class Truth:
    """Test set of a track. `n` curves of `b` bins, `m` states, `c` mixtures (C_B, S, eps_AB).

    Attributes
    ----------
    track_sha256 : str
        Hash of the tables that the track's scores follow from (:func:`binlj.data.track_hash`).
    keys : tuple of (state_id, pair)
        One per curve, in the order of the published table.
    r : ndarray, shape (b,)
        Bin centres, sigma_AA.
    g, g_stderr : ndarray, shape (n, b)
    g_gap : ndarray, shape (n, b)
        Difference between the starts (see :mod:`binlj.eval.label_error`); 0 where one start only was run.
    pair : ndarray of int, shape (n,)
        0, 1, 2 for AA, AB, BB.
    sigma, epsilon : ndarray, shape (n,)
        sigma_ij and epsilon_ij of each curve.
    state : ndarray of int, shape (n,)
        Which row of the per-state arrays a curve belongs to.
    T, C_B, density, energy, phase, converged : ndarray, shape (m,)
    composition : ndarray of int, shape (m,)
        Index of the state's mixture (C_B, S, eps_AB) among the `n_compositions` present.
    of_states : int
        States in the track's whole test set; more than `m` after :func:`restrict`.
    """

    track: str
    dataset_version: str
    dataset_sha256: str
    track_sha256: str
    keys: tuple[Key, ...]
    r: np.ndarray
    g: np.ndarray
    g_stderr: np.ndarray
    g_gap: np.ndarray
    pair: np.ndarray
    sigma: np.ndarray
    epsilon: np.ndarray
    state: np.ndarray
    state_id: tuple[str, ...]
    T: np.ndarray
    C_B: np.ndarray
    density: np.ndarray
    energy: np.ndarray
    phase: np.ndarray
    converged: np.ndarray
    composition: np.ndarray
    n_compositions: int
    of_states: int

    @property
    def g_error(self) -> np.ndarray:
        """Error of the published g: standard error and gap between the starts in quadrature, shape (n, b)."""
        return np.hypot(self.g_stderr, self.g_gap)

    @property
    def near_T(self) -> np.ndarray:
        """Temperature of the grid nearest to each state's, the lower of two; shape (m,)."""
        distance = np.abs(np.subtract.outer(self.T, GRID_T)).round(6)
        nearest: np.ndarray = np.array(GRID_T)[distance.argmin(axis=1)]
        return nearest

    @property
    def scored(self) -> np.ndarray:
        """Which states the headline values are over: the converged ones, shape (m,)."""
        return self.converged


def read_split(track: str, split: str, *, dataset: Path | None = None) -> pd.DataFrame:
    """One side of a track as a frame, after checking the track's name (InputError) and the table's hash (DataError)."""
    return _read(check_track(track), split, dataset)


def _read(config: str, split: str, dataset: Path | None) -> pd.DataFrame:
    """A table that is what the manifest says: scores name a version, so they must not come from other data."""
    check_unchanged(config, split, path=dataset)
    return read_table(config, split, path=dataset)


def required_keys(track: str, *, dataset: Path | None = None) -> tuple[Key, ...]:
    """The (state_id, pair) of every curve a submission must predict."""
    frame = read_split(track, "test", dataset=dataset)
    return tuple(zip(frame["state_id"], frame["pair"], strict=True))


def load_truth(track: str, *, dataset: Path | None = None) -> Truth:
    """Read the test set of `track` and the facts about its states.

    Raises
    ------
    InputError
        If the track does not exist.
    DataError
        If the dataset is absent or too old for the track, a table is not the one its manifest lists, or the tables
        do not fit together (all problems listed).
    """
    frame = read_split(track, "test", dataset=dataset)
    info = dataset_info(path=dataset)
    states = _read(*states_split(track), dataset).set_index("state_id")
    g, err = curves(frame), curves(frame, "g_stderr")
    ids = tuple(dict.fromkeys(frame["state_id"]))
    _check(frame, g, err, states, ids, dataset)

    row_of = {name: i for i, name in enumerate(ids)}
    points = [parse_state_id(name) for name in ids]
    state = np.array([row_of[name] for name in frame["state_id"]])
    sigma = np.array([points[s].sigma(p) for s, p in zip(state, frame["pair"], strict=True)])
    epsilon = np.array([points[s].epsilon(p) for s, p in zip(state, frame["pair"], strict=True)])
    compositions: dict[tuple[float, ...], int] = {}
    composition = np.array(
        [compositions.setdefault((p.C_B, p.S, p.eps_AB), len(compositions)) for p in points]
    )
    chosen = states.loc[list(ids)]
    pair = np.array([PAIRS.index(p) for p in frame["pair"]])
    gap = chosen["start_gap"].to_numpy(np.float64)
    if "g_gap" in frame:  # a table that keeps the curves of both starts
        g_gap = curves(frame, "g_gap")
    else:
        g_gap = gap_profile(bin_centres(g.shape[1]), g, sigma, state, np.nan_to_num(gap))
    return Truth(
        track=track,
        dataset_version=str(info.get("version", "")),
        dataset_sha256=str(info.get("data_sha256", "")),
        track_sha256=track_hash(info, track),
        keys=tuple(zip(frame["state_id"], frame["pair"], strict=True)),
        r=bin_centres(g.shape[1]),
        g=g,
        g_stderr=err,
        g_gap=g_gap,
        pair=pair,
        sigma=sigma,
        epsilon=epsilon,
        state=state,
        state_id=ids,
        T=np.array([p.T for p in points]),
        C_B=np.array([p.C_B for p in points]),
        density=chosen["density"].to_numpy(np.float64),
        energy=chosen["energy"].to_numpy(np.float64),
        phase=chosen["phase"].to_numpy(object),
        converged=chosen["converged"].to_numpy(bool),
        composition=composition,
        n_compositions=len(compositions),
        of_states=len(ids),
    )


def rows_of(truth: Truth, states: Collection[str]) -> np.ndarray:
    """Which curves belong to one of `states`, shape (n,)."""
    wanted = set(states)
    mask: np.ndarray = np.array([name in wanted for name in truth.state_id])[truth.state]
    return mask


def restrict(truth: Truth, states: Collection[str]) -> Truth:
    """The test set as if it held only `states` (in the published order); ``of_states`` keeps its size."""
    rows = rows_of(truth, states)
    kept = np.unique(truth.state[rows])
    found, composition = np.unique(truth.composition[kept], return_inverse=True)
    by_curve = {name: getattr(truth, name)[rows] for name in ("g", "g_stderr", "g_gap", "pair", "sigma", "epsilon")}
    by_state = {name: getattr(truth, name)[kept] for name in ("T", "C_B", "density", "energy", "phase", "converged")}
    return replace(
        truth,
        keys=tuple(key for key, use in zip(truth.keys, rows, strict=True) if use),
        state=np.searchsorted(kept, truth.state[rows]),
        state_id=tuple(truth.state_id[i] for i in kept),
        composition=composition,
        n_compositions=len(found),
        **by_curve,
        **by_state,
    )


def _check(
    frame: pd.DataFrame,
    g: np.ndarray,
    err: np.ndarray,
    states: Any,
    ids: tuple[str, ...],
    dataset: Path | None,
) -> None:
    problems = []
    bad_g = ~np.isfinite(g).all(axis=1)
    bad_err = ~(np.isfinite(err) & (err >= 0)).all(axis=1)
    if bad_g.any():
        problems.append(f"{int(bad_g.sum())} test curves hold NaN or inf in g")
    if bad_err.any():
        problems.append(f"{int(bad_err.sum())} test curves hold NaN, inf or negative g_stderr")
    if missing := [name for name in ids if name not in states.index]:
        problems.append(f"{len(missing)} test states are not in the states table, first {missing[0]}")
    else:
        facts = states.loc[list(ids), ["density", "energy"]].to_numpy(np.float64)
        if n := int((~np.isfinite(facts)).any(axis=1).sum()):
            problems.append(f"{n} test states have no density or energy")
    incomplete = int((frame.groupby("state_id")["pair"].nunique() != len(PAIRS)).sum())
    if incomplete or len(frame) != len(PAIRS) * len(ids):
        problems.append(f"{incomplete} test states do not have one curve for each of {', '.join(PAIRS)}")
    if problems:
        where = dataset or paths.dataset_dir()
        raise DataError(where, problems, fix="run `binlj verify`, then fetch the dataset again")
