"""From per-curve terms to values, intervals and breakdowns: one matrix product each.

Every metric is a function of *sums over curves* (see :mod:`binlj.eval.metrics`), so the sums are taken
once per composition and pair, and a bootstrap resample is a row of integer weights over compositions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from binlj.grid import PAIRS

if TYPE_CHECKING:
    from binlj.eval.metrics import Case, Metric

OVERALL = "overall"
SUBSETS: tuple[str, ...] = (*PAIRS, OVERALL)
CONFIDENCE = 0.95


def subsets(metric: Metric) -> tuple[str, ...]:
    """AA, AB, BB, overall; only overall for metrics of whole states."""
    return SUBSETS if metric.level == "curve" else (OVERALL,)


def composition_sums(metric: Metric, case: Case, terms: np.ndarray | None = None) -> np.ndarray:
    """Sums of the metric's terms per composition and subset.

    Returns
    -------
    ndarray, shape (compositions, subsets, k)
    """
    truth = case.truth
    terms = metric.terms(case) if terms is None else terms
    if metric.level == "state":
        sums = np.zeros((truth.n_compositions, 1, terms.shape[1]))
        np.add.at(sums, (truth.composition, 0), terms)
        return sums
    sums = np.zeros((truth.n_compositions, len(SUBSETS), terms.shape[1]))
    np.add.at(sums, (truth.composition[truth.state], truth.pair), terms)
    sums[:, -1] = sums[:, :-1].sum(axis=1)
    return sums


def bootstrap_weights(n_compositions: int, n_boot: int, seed: int) -> np.ndarray:
    """How often each composition is drawn in each resample, shape (n_boot, n_compositions).

    Compositions (C_B, S, eps_AB) are drawn with replacement, all their temperatures and pairs together:
    points of a curve, pairs of a state and temperatures of a composition are not independent.
    """
    rng = np.random.default_rng(seed)
    return rng.multinomial(n_compositions, np.full(n_compositions, 1 / n_compositions), size=n_boot).astype(float)


def resample(metric: Metric, sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The metric in every resample, shape (n_boot, subsets)."""
    c, s, k = sums.shape
    return metric.finish((weights @ sums.reshape(c, s * k)).reshape(-1, s, k))


def interval(draws: np.ndarray) -> list[list[float | None]]:
    """Percentile interval over the first axis: one [low, high] per column, [None, None] if undefined."""
    tail = 100 * (1 - CONFIDENCE) / 2
    out: list[list[float | None]] = []
    for column in draws.T:
        column = column[np.isfinite(column)]
        out.append([number(v) for v in np.percentile(column, [tail, 100 - tail])] if len(column) else [None, None])
    return out


def breakdown(metrics: Sequence[Metric], case: Case, flag: np.ndarray) -> dict[str, dict[str, object]]:
    """All metrics for each value of a per-state flag.

    Parameters
    ----------
    flag : ndarray, shape (states,)
        Text or numbers; one group per distinct value, sorted.
    """
    truth = case.truth
    groups: dict[str, dict[str, object]] = {}
    values = sorted(set(flag.tolist()))
    member = np.array([[f == v for f in flag.tolist()] for v in values], dtype=float)  # (groups, states)
    table = {}
    for metric in metrics:
        terms = metric.terms(case)
        if metric.level == "state":
            sums = (member @ terms)[:, None, :]
        else:
            sums = np.stack([member[:, truth.state] @ (terms * (truth.pair == p)[:, None]) for p in range(len(PAIRS))], 1)
            sums = np.concatenate([sums, sums.sum(axis=1, keepdims=True)], axis=1)
        table[metric.name] = metric.finish(sums)
    for i, value in enumerate(values):
        groups[str(value)] = {
            "n_states": int(member[i].sum()),
            "metrics": {
                m.name: dict(zip(subsets(m), map(number, table[m.name][i]), strict=True)) for m in metrics
            },
        }
    return groups


def number(value: float) -> float | None:
    """A plain float; None where the value is undefined (JSON has no NaN)."""
    value = float(value)
    return value if np.isfinite(value) else None
