"""From per-curve terms to values, intervals and breakdowns: one matrix product each.

Every metric is a function of *sums over curves* (see :mod:`binlj.eval.metrics`), so the sums are taken
once per mixture and pair, and a bootstrap resample is a row of integer weights over mixtures.

Headline values and their intervals are over the scored states (:attr:`binlj.eval.truth.Truth.scored`, the
converged ones): an unsettled label says nothing about a model. Breakdowns may be over all.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.grid import PAIRS

if TYPE_CHECKING:
    from binlj.eval.metrics import Metric
    from binlj.eval.truth import Truth

OVERALL = "overall"
SUBSETS: tuple[str, ...] = (*PAIRS, OVERALL)
CONFIDENCE = 0.95


def subsets(metric: Metric) -> tuple[str, ...]:
    """AA, AB, BB, overall; only overall for metrics of whole states."""
    return SUBSETS if metric.level == "curve" else (OVERALL,)


def composition_sums(metric: Metric, truth: Truth, terms: np.ndarray) -> np.ndarray:
    """Sums of a metric's terms over the scored states, per mixture and subset.

    Parameters
    ----------
    terms : ndarray, shape (curves or states, k)

    Returns
    -------
    ndarray, shape (mixtures with a scored state, subsets, k)
    """
    group, n_groups = scored_mixtures(truth)
    return _sums(metric, truth, terms, group, n_groups)


def scored_mixtures(truth: Truth) -> tuple[np.ndarray, int]:
    """Mixture of each state, -1 where it is not scored, shape (states,), and how many mixtures these are."""
    found, index = np.unique(truth.composition[truth.scored], return_inverse=True)
    group = np.full(len(truth.state_id), -1)
    group[truth.scored] = index
    return group, len(found)


def _sums(metric: Metric, truth: Truth, terms: np.ndarray, group: np.ndarray, n_groups: int) -> np.ndarray:
    """Sums per group of states and subset, shape (groups, subsets, k); states of group -1 are left out."""
    if metric.level == "state":
        sums = np.zeros((n_groups, 1, terms.shape[1]))
        np.add.at(sums[:, 0], group[group >= 0], terms[group >= 0])
        return sums
    of_curve = group[truth.state]
    use = of_curve >= 0
    sums = np.zeros((n_groups, len(SUBSETS), terms.shape[1]))
    np.add.at(sums, (of_curve[use], truth.pair[use]), terms[use])
    sums[:, -1] = sums[:, :-1].sum(axis=1)
    return sums


@lru_cache(maxsize=4)  # every entry of a track is scored with the same ones
def bootstrap_weights(n_compositions: int, n_boot: int, seed: int) -> np.ndarray:
    """How often each mixture is drawn in each resample, shape (n_boot, n_compositions); read-only.

    Mixtures (C_B, S, eps_AB) are drawn with replacement, all their temperatures and pairs together:
    points of a curve, pairs of a state and temperatures of a mixture are not independent.
    """
    equal = np.full(n_compositions, 1 / n_compositions)
    weights = np.random.default_rng(seed).multinomial(n_compositions, equal, size=n_boot).astype(float)
    weights.setflags(write=False)
    return weights


def resample(metric: Metric, sums: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The metric in every resample, shape (n_boot, subsets)."""
    c, s, k = sums.shape
    return metric.finish((weights @ sums.reshape(c, s * k)).reshape(-1, s, k))


def interval(draws: np.ndarray) -> list[list[float | None]]:
    """Percentile interval over the first axis: one [low, high] per column.

    [None, None] where any resample is undefined: dropping those would bias the interval unseen.
    """
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(draws, [tail, 100 - tail], axis=0)  # NaN in a column makes both NaN
    return [[number(a), number(b)] for a, b in zip(low, high, strict=True)]


def breakdown(
    metrics: Sequence[Metric], truth: Truth, terms: dict[str, np.ndarray], flag: np.ndarray,
    *, over: np.ndarray | None = None,
) -> dict[str, dict[str, Any]]:
    """All metrics for each value of a per-state flag, over all states or those of a mask.

    Parameters
    ----------
    terms : dict
        Terms of each metric by name.
    flag : ndarray, shape (states,)
        One group per distinct value, sorted.
    over : ndarray of bool, shape (states,), optional
    """
    use = np.ones(len(flag), dtype=bool) if over is None else over
    names, index = np.unique(flag[use].astype(str), return_inverse=True)
    group = np.full(len(flag), -1)
    group[use] = index
    values = {m.name: m.finish(_sums(m, truth, terms[m.name], group, len(names))) for m in metrics}
    return {
        str(name): {
            "n_states": int((group == i).sum()),
            "metrics": {
                m.name: dict(zip(subsets(m), map(number, values[m.name][i]), strict=True)) for m in metrics
            },
        }
        for i, name in enumerate(names)
    }


def number(value: float) -> float | None:
    """A plain float; None where the value is undefined (JSON has no NaN)."""
    value = float(value)
    return value if np.isfinite(value) else None
