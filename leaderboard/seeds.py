"""Scores of a model that enters several seeds: the mean of the seeds' own scores, and their spread.

Not the score of the mean prediction: an ensemble is another model, and is entered as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    from binlj.eval import Scores
    from binlj.eval.metrics import Case

_VALUES = ("skill", "r2", "skill_ceiling", "noise_ceiling", "ceiling_share")


def skill_draws(cases: Sequence[Case], *, n_boot: int, seed: int) -> np.ndarray:
    """Overall skill in each resample over mixtures, the mean over the seeds; shape (n_boot,)."""
    import numpy as np

    draws: np.ndarray = np.mean([_draws(case, "skill", n_boot, seed)[:, -1] for case in cases], axis=0)
    return draws


def mean_scores(cases: Sequence[Case], scores: Sequence[Scores]) -> Scores:
    """Every score as its mean over the seeds; intervals are of these means, by the same resamples.

    A mean is None where the score of any seed is.
    """
    import numpy as np

    from binlj.eval.aggregate import interval, subsets
    from binlj.eval.metrics import BY_NAME

    first = scores[0]
    if len(scores) == 1:
        return first
    n_boot, seed = first.bootstrap["resamples"], first.bootstrap["seed"]
    metrics: dict[str, dict[str, Any]] = {}
    for name, about in first.metrics.items():
        if any(name not in s.metrics for s in scores):  # g_std is not given with every seed
            continue
        bounds = interval(np.mean([_draws(case, name, n_boot, seed) for case in cases], axis=0))
        metrics[name] = {
            **about,
            "values": _mean([s.metrics[name]["values"] for s in scores]),
            "ci95": dict(zip(subsets(BY_NAME[name]), bounds, strict=True)),
        }
    by = {
        kind: {
            group: {
                "n_states": value["n_states"],
                "metrics": {m: _mean([s.by[kind][group]["metrics"][m] for s in scores]) for m in metrics},
            }
            for group, value in groups.items()
        }
        for kind, groups in first.by.items()
    }
    return replace(
        first, metrics=metrics, by=by, has_g_std=all(s.has_g_std for s in scores),
        skill_ci95=metrics["skill"]["ci95"], r2_ci95=metrics["r2"]["ci95"],
        warnings=list(dict.fromkeys(w for s in scores for w in s.warnings)),
        **{name: metrics[name]["values"] for name in _VALUES},
    )


def spread(scores: Sequence[Scores]) -> dict[str, Any]:
    """Sample standard deviation over the seeds of skill and R², per pair and overall; nothing for one seed."""
    import statistics

    def deviation(values: list[float | None]) -> float | None:
        known = [v for v in values if v is not None]
        return statistics.stdev(known) if len(known) == len(values) else None

    if len(scores) == 1:
        return {}
    return {
        "n": len(scores),
        "skill_sd": {p: deviation([s.skill[p] for s in scores]) for p in scores[0].skill},
        "r2_sd": {p: deviation([s.r2[p] for s in scores]) for p in scores[0].r2},
    }


def _draws(case: Case, name: str, n_boot: int, seed: int) -> np.ndarray:
    from binlj.eval.aggregate import bootstrap_weights, composition_sums, resample, scored_mixtures
    from binlj.eval.metrics import BY_NAME

    metric = BY_NAME[name]
    weights = bootstrap_weights(scored_mixtures(case.truth)[1], n_boot, seed)
    return resample(metric, composition_sums(metric, case.truth, metric.terms(case)), weights)


def _mean(values: Sequence[Mapping[str, float | None]]) -> dict[str, float | None]:
    out: dict[str, float | None] = {}
    for key in values[0]:
        known = [v for value in values if (v := value[key]) is not None]
        out[key] = sum(known) / len(known) if len(known) == len(values) else None
    return out
