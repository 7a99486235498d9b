"""Choosing between candidates by cross-validation inside the training set; the test set is not an argument.

Each regime of :mod:`binlj.baselines.regimes` has its own choice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from binlj.baselines.members import (
    MEMBERS,
    Member,
    bounded,
    fit_process,
    pair_table,
    pairs_of,
    predict_naive,
    predict_process,
)
from binlj.baselines.protocol import Progress, silent
from binlj.baselines.regimes import folds
from binlj.data import curves

if TYPE_CHECKING:
    import pandas as pd

MEDIAN = "median of processes"
_BAGS = 100


@dataclass(frozen=True)
class Held:
    """Held-out truth and predictions of one regime and pair.

    Attributes
    ----------
    group : ndarray of int, shape (n,)
        Composition of each row, the unit of resampling.
    g : ndarray, shape (n, 100)
    predicted : ndarray, shape (members, n, 100)
    """

    regime: str
    pair: str
    group: np.ndarray
    g: np.ndarray
    predicted: np.ndarray


Thetas = dict[tuple[str, str], np.ndarray]  # (member, pair) -> hyperparameters


def held_out(
    train: pd.DataFrame,
    regime: str,
    *,
    members: tuple[Member, ...] = MEMBERS,
    thetas: Thetas | None = None,
    seed: int = 0,
    progress: Progress = silent,
) -> list[Held]:
    """Predict every held-out row of a regime with every member.

    Parameters
    ----------
    thetas : dict, optional
        Hyperparameters to reuse; without them each fold fits its own.
    """
    collected: dict[str, list[tuple[np.ndarray, np.ndarray, np.ndarray]]] = {}
    composition = {k: i for i, k in enumerate(sorted(set(zip(train["C_B"], train["S"], train["eps_AB"], strict=True))))}
    parts = list(folds(train, regime, seed))
    pairs = pairs_of(train)
    total, done = len(parts) * len(pairs) * len(members), 0
    for fitted_on, held in parts:
        for pair in pairs:
            table, query = pair_table(fitted_on, pair), pair_table(held, pair)
            rows = held[held["pair"] == pair]
            out = []
            for member in members:
                if member.is_naive:
                    g = predict_naive(member, fitted_on, held, pair)
                else:
                    theta = thetas[member.name, pair] if thetas else None
                    g = predict_process(member, fit_process(member, table, theta=theta), query, table)
                out.append(bounded(g, query, table))
                done += 1
                progress(done, total, f"cross-validation, {regime}: {pair} {member.name}")
            group = np.array([composition[k] for k in zip(rows["C_B"], rows["S"], rows["eps_AB"], strict=True)])
            collected.setdefault(pair, []).append((group, curves(rows), np.stack(out)))
    return [
        Held(
            regime,
            pair,
            np.concatenate([c[0] for c in got]),
            np.concatenate([c[1] for c in got]),
            np.concatenate([c[2] for c in got], axis=1),
        )
        for pair, got in collected.items()
    ]


@dataclass(frozen=True)
class Weights:
    """How members are combined.

    Attributes
    ----------
    member : ndarray, shape (members,)
        Non-negative, sum 1.
    hedge : float
        Share of the processes' median in the prediction, 0 to 1/2.
    """

    member: np.ndarray
    hedge: float

    def combine(self, predicted: np.ndarray, members: tuple[Member, ...] = MEMBERS) -> np.ndarray:
        """Predictions (members, n, 100) to one, (n, 100)."""
        mean = np.tensordot(self.member, predicted, 1)
        return mean + self.hedge * (_median(predicted, members) - mean) if self.hedge > 0 else mean

    def spread(self, predicted: np.ndarray, combined: np.ndarray, members: tuple[Member, ...] = MEMBERS) -> np.ndarray:
        """Standard deviation of the members around `combined`, shape (n, 100).

        Processes count alike in the hedge's share.
        """
        process = np.array([not m.is_naive for m in members], dtype=float)
        share = (1 - self.hedge) * self.member + self.hedge * process / max(process.sum(), 1.0)
        return np.sqrt(np.tensordot(share, (predicted - combined) ** 2, 1))


def stack(
    held: Held, *, rows: np.ndarray | None = None, seed: int = 0, members: tuple[Member, ...] = MEMBERS
) -> Weights:
    """Find the weights of least squared error on held-out rows.

    The squared error is what the benchmark scores. A few demixed compositions carry most of it, so the
    weights are averaged over bootstrap samples of compositions. They may still favour a member that runs
    away further out, at temperatures nobody has seen. The median of the processes does not; it gets half
    of the prediction where it did as well as the weighted mean on the held-out rows, and less in
    proportion to the errors where it did worse.
    """
    select = np.ones(len(held.group), dtype=bool) if rows is None else rows
    predicted, g, group = held.predicted[:, select], held.g[select], held.group[select]
    error = predicted - g
    grams = np.array([np.tensordot(e := error[:, group == k], e, ([1, 2], [1, 2])) for k in np.unique(group)])
    rng = np.random.default_rng(seed)
    bags = rng.multinomial(len(grams), np.full(len(grams), 1 / len(grams)), size=_BAGS)
    member = np.mean([_simplex(np.tensordot(bag, grams, 1)) for bag in bags], axis=0)
    member[member < 1e-3] = 0.0
    member /= member.sum()
    of_mean = float(member @ grams.sum(0) @ member)
    of_median = float(((_median(predicted, members) - g) ** 2).sum())
    hedge = 0.5 * min(1.0, of_mean / of_median) if of_median > 0 else 0.0
    return Weights(member, hedge if hedge > 1e-3 else 0.0)


def cross_fitted(
    held: Held, *, parts: int = 5, seed: int = 0, members: tuple[Member, ...] = MEMBERS
) -> tuple[np.ndarray, np.ndarray]:
    """Ensemble predictions whose weights never saw the composition predicted, and the members' spread.

    Both have shape (n, 100).
    """
    groups = np.unique(held.group)
    fold = dict(
        zip(
            groups.tolist(),
            (np.random.default_rng(seed).permutation(len(groups)) % parts).tolist(),
            strict=True,
        )
    )
    number = np.array([fold[k] for k in held.group.tolist()])
    out, spread = np.empty_like(held.g), np.empty_like(held.g)
    for k in np.unique(number):
        rows = number == k
        w = stack(held, rows=~rows, seed=seed, members=members)
        out[rows] = w.combine(held.predicted[:, rows], members)
        spread[rows] = w.spread(held.predicted[:, rows], out[rows], members)
    return out, spread


def _median(predicted: np.ndarray, members: tuple[Member, ...]) -> np.ndarray:
    chosen = [i for i, m in enumerate(members) if not m.is_naive]
    return np.median(predicted[chosen], axis=0)


def _simplex(gram: np.ndarray) -> np.ndarray:
    """Minimise w G w over w >= 0, sum w = 1."""
    from scipy.optimize import nnls

    values, vectors = np.linalg.eigh(gram)
    root = np.sqrt(np.maximum(values, 0.0))[:, None] * vectors.T
    heavy = 1e3 * max(float(np.sqrt(np.trace(gram))), 1e-12)
    a = np.vstack([root, np.full((1, len(gram)), heavy)])
    b = np.zeros(len(a))
    b[-1] = heavy
    w = nnls(a, b)[0]
    return w / w.sum()


@dataclass(frozen=True)
class TableRow:
    """One line of the selection table: R2 by pair and overall, and the ensemble's weights by pair."""

    regime: str
    candidate: str
    r2: dict[str, float]
    weight: dict[str, float]


def r2(g: np.ndarray, predicted: np.ndarray) -> float:
    """1 - SS_res / SS_tot over all points."""
    return float(1 - ((predicted - g) ** 2).sum() / ((g - g.mean()) ** 2).sum())


def selection_table(
    held: list[Held], weights: dict[tuple[str, str], Weights], members: tuple[Member, ...]
) -> list[TableRow]:
    """Cross-validated R2 of every member and of the ensemble (cross-fitted), by regime."""
    table = []
    for regime in dict.fromkeys(h.regime for h in held):
        here = [h for h in held if h.regime == regime]
        truth = np.concatenate([h.g for h in here])
        used = {h.pair: weights[regime, h.pair] for h in here}
        named = [
            (
                m.name,
                [h.predicted[i] for h in here],
                {p: float((1 - w.hedge) * w.member[i]) for p, w in used.items()},
            )
            for i, m in enumerate(members)
        ]
        medians = [_median(h.predicted, members) for h in here]
        named.append((MEDIAN, medians, {p: w.hedge for p, w in used.items()}))
        named.append(("ensemble", [cross_fitted(h, members=members)[0] for h in here], {}))
        for name, predicted, weight in named:
            scores = {h.pair: r2(h.g, p) for h, p in zip(here, predicted, strict=True)}
            scores["overall"] = r2(truth, np.concatenate(predicted))
            table.append(TableRow(regime, name, scores, weight))
    return table
