"""The candidates of ``gp_ensemble``: temperature extrapolations and Gaussian processes, all linear smoothers.

The RDFs jump where the mixture demixes, which no smooth function follows. So each process is two: one for
the states where the homogeneous fluid is stable, one for those where it is not, told apart by the PeTS
equation of state (:mod:`binlj.pets`), which knows no simulation of ours. A side with too few training
states is left to the other.

Two sets of coordinates. *plain* is (T*, ln C_B, S, eps_AB). *energies* is (1/T*, ln C_B, S, (1 - eps_AB)/T*):
with energies in units of the thermal energy, a cold mixture with a moderate cross-attraction resembles a
warmer one with a weaker attraction, so part of what lies outside the training temperatures lies inside
the range of the coordinates. What drives demixing is the last of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from binlj.baselines import gaussian_process, transforms
from binlj.data import curves
from binlj.grid import PAIRS, State
from binlj.pets import pets_stable
from binlj.schema import FEATURES

if TYPE_CHECKING:
    import pandas as pd

COORDINATES = ("plain", "energies")
MIN_SIDE = 15  # training states a side of the phase boundary needs for a process of its own
_HEADROOM = 1.3  # predictions may exceed the densest training environment by this factor


@dataclass(frozen=True)
class Member:
    """One candidate: a naive baseline of the evaluator, or a Gaussian process on a form of g(r)."""

    name: str
    form: str = ""
    coordinates: str = ""

    @property
    def is_naive(self) -> bool:
        """Whether it is one of the evaluator's naive baselines."""
        return not self.form


MEMBERS: tuple[Member, ...] = (
    Member("nearest_temperature"),
    Member("linear_T"),
    Member("linear_pmf"),
    *(
        Member(f"gp {form} {coordinates}", form, coordinates)
        for form in transforms.FORMS
        for coordinates in COORDINATES
    ),
)


@dataclass(frozen=True)
class PairTable:
    """The rows of one pair as arrays: state (n, 4), g and g_stderr (n, 100), exp(-u/T*) of each row.

    ``stable`` (n,) is False where the mixture demixes by PeTS, or PeTS cannot say.
    """

    pair: str
    state: np.ndarray
    g: np.ndarray
    stderr: np.ndarray
    base: np.ndarray
    stable: np.ndarray

    def take(self, rows: np.ndarray) -> PairTable:
        """Some of the rows."""
        parts = (a[rows] for a in (self.state, self.g, self.stderr, self.base, self.stable))
        return PairTable(self.pair, *parts)


Processes = dict[bool, gaussian_process.Fitted]  # by ``stable``


def pair_table(frame: pd.DataFrame, pair: str) -> PairTable:
    """The rows of `pair`, in the frame's order; ``g`` and ``g_stderr`` may be absent (rows to predict)."""
    rows = frame[frame["pair"] == pair]
    state = rows[list(FEATURES)].to_numpy(dtype=float)
    base = np.array([transforms.boltzmann(T, S, e, pair) for T, _, S, e in state]).reshape(len(state), -1)
    known = "g" in rows and len(rows)
    g = curves(rows) if known else np.empty_like(base)
    stderr = curves(rows, "g_stderr") if known else np.empty_like(base)
    stable = np.array([pets_stable(State(*row)) is True for row in state.tolist()], dtype=bool)
    return PairTable(pair, state, g, stderr, base, stable)


def share(pair: str, state: np.ndarray) -> np.ndarray:
    """Mole fraction of the neighbour that becomes dense when the mixture separates; shape (n,).

    g times this fraction is a local density over the total density, which packing bounds: a demixed g_BB
    grows as 1/C_B. For AB it is the larger of the two fractions (a neighbour seen from the rarer kind).
    """
    c = state[:, 1]
    return {"AA": 1 - c, "AB": np.maximum(c, 1 - c), "BB": c}[pair]


def coordinates(kind: str, state: np.ndarray) -> np.ndarray:
    """Coordinates of states (n, 4); shape (n, 4), the temperature-like one first."""
    T, c, s, e = state.T
    if kind == "plain":
        return np.column_stack([T, np.log(c), s, e])
    return np.column_stack([1 / T, np.log(c), s, (1 - e) / T])


def ceiling(query: PairTable, train: PairTable) -> np.ndarray:
    """Largest g allowed in the rows of `query`, shape (n, 100).

    At each r the densest training environment of the same size ratio (which fixes the peaks' places),
    g times :func:`share`, times 1.3, over the share of the row. Sizes not in training take the nearest.
    """
    sizes = np.unique(train.state[:, 2])
    dense = train.g * share(train.pair, train.state)[:, None]
    by_size = np.array([dense[train.state[:, 2] == s].max(0) for s in sizes])
    nearest = np.abs(query.state[:, 2][:, None] - sizes).argmin(1)
    return _HEADROOM * by_size[nearest] / share(query.pair, query.state)[:, None]


def sides(query: PairTable, train: PairTable) -> list[tuple[bool, np.ndarray, PairTable]]:
    """The rows of `query` on each side of the phase boundary, with the training rows that speak for them.

    Returns
    -------
    list of (stable, rows, train)
        Training rows of the same side; of both if that side has fewer than :data:`MIN_SIDE`.
    """
    out = []
    for stable in (True, False):
        rows, own = np.flatnonzero(query.stable == stable), train.stable == stable
        if rows.size:
            out.append((stable, rows, train.take(own) if own.sum() >= MIN_SIDE else train))
    return out


def fit_process(member: Member, train: PairTable, *, theta: np.ndarray | None = None) -> Processes:
    """Fit (or, with `theta` from :func:`thetas`, only condition) a member's processes on one pair."""
    out = {}
    for stable in (True, False):
        own = train.stable == stable
        part = train.take(own) if own.sum() >= MIN_SIDE else train
        out[stable] = _fit_side(member, part, None if theta is None else theta[int(stable)])
    return out


def thetas(fitted: Processes) -> np.ndarray:
    """Hyperparameters of both processes, shape (2, parameters): unstable, stable."""
    return np.stack([fitted[False].theta, fitted[True].theta])


def _fit_side(member: Member, train: PairTable, theta: np.ndarray | None) -> gaussian_process.Fitted:
    T = train.state[:, 0]
    top = ceiling(train, train)
    y = transforms.forward(member.form, train.g, T, train.base, top)
    noise = (transforms.spread(member.form, train.g, train.stderr, T, train.base, top) ** 2).mean(1)
    return gaussian_process.fit(coordinates(member.coordinates, train.state), y, noise, theta=theta)


def predict_process(member: Member, fitted: Processes, query: PairTable, train: PairTable) -> np.ndarray:
    """g(r) of the rows of `query` before bounds, shape (n, 100)."""
    out = np.empty_like(query.base)
    for stable, rows, own in sides(query, train):
        part = query.take(rows)
        v = gaussian_process.predict(fitted[stable], coordinates(member.coordinates, part.state))
        out[rows] = transforms.inverse(member.form, v, part.state[:, 0], part.base, ceiling(part, own))
    return out


def bounded(g: np.ndarray, query: PairTable, train: PairTable) -> np.ndarray:
    """Cut predictions at 0 and at the :func:`ceiling` of their side."""
    out = np.empty_like(g)
    for _, rows, own in sides(query, train):
        out[rows] = np.clip(g[rows], 0.0, ceiling(query.take(rows), own))
    return out


def predict_naive(member: Member, train: pd.DataFrame, query: pd.DataFrame, pair: str) -> np.ndarray:
    """A naive baseline's g(r) for the rows of `pair`, shape (n, 100)."""
    from binlj.eval.naive import NAIVE_BASELINES

    return NAIVE_BASELINES[member.name](train[train["pair"] == pair], query[query["pair"] == pair])


def pairs_of(frame: pd.DataFrame) -> list[str]:
    """The pairs that occur in a frame, in the usual order."""
    present = set(frame["pair"])
    return [p for p in PAIRS if p in present]
