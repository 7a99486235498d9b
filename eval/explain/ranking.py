"""A ranking of the four features with its uncertainty, and what it says about S."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from binlj.schema import FEATURES

SURE = 0.95  # share of the replicates that must agree before we say yes or no
CANDIDATE = "S"


@dataclass(frozen=True)
class Ranking:
    """Scores of the features by one method.

    Attributes
    ----------
    method, source : str
        What was computed, and from what (the data, or a model's name).
    values, low, high : dict
        Score of each feature and its 95 % interval.
    strongest : str
        ``"highest"`` or ``"lowest"``: which end of the scores is the most important feature.
    first_share : dict
        Share of the replicates in which a feature is strictly the strongest.
    replicates : int
    uncertainty : str
        What the replicates are.
    by_pair : dict
        The same for AA, AB and BB alone, where the method has it.
    notes : dict
        JSON-ready facts worth keeping beside the scores.
    """

    method: str
    source: str
    values: dict[str, float]
    low: dict[str, float]
    high: dict[str, float]
    strongest: str
    first_share: dict[str, float]
    replicates: int
    uncertainty: str
    by_pair: dict[str, Ranking] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def order(self) -> list[str]:
        """Features from the most to the least important."""
        return sorted(self.values, key=lambda f: self.values[f], reverse=self.strongest == "highest")

    def dominant(self, feature: str = CANDIDATE) -> str:
        """Whether `feature` is the most important: ``yes``, ``no`` or ``undecided``.

        Yes needs the estimate and at least 95 % of the replicates, no at most 5 % of the replicates and an
        estimate that says no as well. Where noise makes up half of the signal or more it stays undecided.
        """
        if self.notes.get("noise_dominated"):
            return "undecided"
        share, leads = self.first_share[feature], self.order[0] == feature
        if leads and share >= SURE:
            return "yes"
        if not leads and share <= 1 - SURE:
            return "no"
        return "undecided"

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready form."""
        return {
            "method": self.method,
            "source": self.source,
            "strongest": self.strongest,
            "order": self.order,
            "values": self.values,
            "low": self.low,
            "high": self.high,
            "first_share": self.first_share,
            "replicates": self.replicates,
            "uncertainty": self.uncertainty,
            "S_dominant": self.dominant(),
            "by_pair": {pair: r.to_dict() for pair, r in self.by_pair.items()},
            "notes": self.notes,
        }


def rank(
    method: str,
    source: str,
    values: np.ndarray,
    replicates: np.ndarray,
    *,
    uncertainty: str,
    strongest: str = "highest",
    by_pair: dict[str, Ranking] | None = None,
    notes: dict[str, Any] | None = None,
) -> Ranking:
    """Make a ranking of an estimate and its replicates.

    Parameters
    ----------
    values : ndarray, shape (features,)
    replicates : ndarray, shape (replicates, features)
    """
    if replicates.ndim != 2 or replicates.shape[1] != len(FEATURES) or len(values) != len(FEATURES):
        raise ValueError(f"expected {len(FEATURES)} features, got {values.shape} and {replicates.shape}")
    signed = replicates if strongest == "highest" else -replicates
    top = signed.max(axis=1, keepdims=True)
    first = (signed == top) & ((signed == top).sum(axis=1, keepdims=True) == 1)
    low, high = np.quantile(replicates, [0.025, 0.975], axis=0)

    def named(v: np.ndarray) -> dict[str, float]:
        return {name: float(x) for name, x in zip(FEATURES, v, strict=True)}

    return Ranking(
        method,
        source,
        named(values),
        named(low),
        named(high),
        strongest,
        named(first.mean(axis=0)),
        len(replicates),
        uncertainty,
        by_pair or {},
        notes or {},
    )


def bootstrap_states(per_state: np.ndarray, *, n: int, seed: int) -> np.ndarray:
    """Means over states drawn with replacement; with several seeds, a seed is drawn for each replicate too.

    Parameters
    ----------
    per_state : ndarray, shape (seeds, states, features)

    Returns
    -------
    ndarray, shape (n, features)
    """
    rng = np.random.default_rng(seed)
    seeds, states, _ = per_state.shape
    which = rng.integers(seeds, size=n)
    return np.stack([per_state[k][rng.integers(states, size=states)].mean(axis=0) for k in which])


def agreement(scores: dict[str, float], truth: dict[str, float]) -> dict[str, float | bool | None]:
    """How well importances agree with the model-free ones.

    Returns
    -------
    dict
        ``kendall`` (tau-b) and ``spearman`` of the ranks, ``overlap`` (shared part of the two shares of
        importance, 0 to 1) and ``same_first``. Correlations of constant scores are None.
    """
    from scipy import stats

    a = np.array([scores[f] for f in FEATURES])
    b = np.array([max(truth[f], 0.0) for f in FEATURES])
    varied = np.ptp(a) > 0 and np.ptp(b) > 0
    tau = float(stats.kendalltau(a, b).statistic) if varied else None
    rho = float(stats.spearmanr(a, b).statistic) if varied else None
    overlap = float(np.minimum(a / a.sum(), b / b.sum()).sum()) if a.sum() > 0 and b.sum() > 0 else None
    same = bool(varied and (a == a.max()).sum() == 1 and a.argmax() == b.argmax())
    return {"kendall": tau, "spearman": rho, "overlap": overlap, "same_first": same}
