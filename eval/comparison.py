"""Two submissions against each other: the same resamples for both, so that ties show as ties."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.errors import InputError
from binlj.eval.aggregate import (
    CONFIDENCE,
    bootstrap_weights,
    composition_sums,
    interval,
    number,
    resample,
    scored_mixtures,
    subsets,
)
from binlj.eval.metrics import Case, Metric, available
from binlj.eval.scores import EVALUATOR_VERSION
from binlj.eval.scoring import UNIT, check_boot, load_case
from binlj.eval.truth import load_truth
from binlj.schema import in_regime

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = "binlj-comparison/2"


@dataclass(frozen=True)
class Comparison:
    """Paired differences A - B of two submissions over the scored states.

    Attributes
    ----------
    skill, r2 : dict
        AA, AB, BB, overall -> {a, b, difference, ci95, tie, verdict}. ``tie`` is True when the 95 %
        interval of the difference contains 0; ``verdict`` is "A better", "B better", "tie", "differ" (a
        metric where neither direction is better) or "undefined".
    metrics : dict
        By name, every metric both have: title, better, and ``values`` as for ``skill``.
    n_scored_states : int
    """

    skill: dict[str, dict[str, Any]]
    r2: dict[str, dict[str, Any]]
    track: str
    dataset_version: str
    dataset_sha256: str
    track_sha256: str
    n_scored_states: int
    metrics: dict[str, dict[str, Any]]
    bootstrap: dict[str, Any]
    evaluator_version: str = EVALUATOR_VERSION
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready dictionary."""
        return asdict(self)


def compare(
    a: str | Path | pd.DataFrame,
    b: str | Path | pd.DataFrame,
    *,
    track: str,
    regime: str | None = None,
    dataset: Path | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two submissions by paired bootstrap over mixtures (C_B, S, eps_AB).

    Raises
    ------
    InputError
        With every problem of both submissions, or for an unknown track.
    """
    check_boot(n_boot)
    truth = load_truth(in_regime(track, regime), dataset=dataset)
    cases, problems = [], []
    for name, source in (("A", a), ("B", b)):
        try:
            cases.append(load_case(source, truth)[0])
        except InputError as error:
            problems += [f"{name} ({error.subject}): {problem}" for problem in error.problems]
    if problems:
        raise InputError("submissions to compare", problems)
    table = paired(*cases, n_boot=n_boot, seed=seed)
    return Comparison(
        skill=table["skill"]["values"],
        r2=table["r2"]["values"],
        track=truth.track,
        dataset_version=truth.dataset_version,
        dataset_sha256=truth.dataset_sha256,
        track_sha256=truth.track_sha256,
        n_scored_states=int(truth.scored.sum()),
        metrics=table,
        bootstrap={
            "resamples": n_boot, "seed": seed, "confidence": CONFIDENCE, "unit": UNIT,
            "n_units": scored_mixtures(truth)[1],
        },
    )


def paired(
    a: Case, b: Case, *, names: Collection[str] | None = None, n_boot: int = 1000, seed: int = 0
) -> dict[str, dict[str, Any]]:
    """Paired differences of two aligned submissions (of one truth) in some metrics, or in all both have.

    Returns
    -------
    dict
        As ``metrics`` of :class:`Comparison`.
    """
    truth = a.truth
    weights = bootstrap_weights(scored_mixtures(truth)[1], n_boot, seed)
    both = {m.name for m in available(b)} if names is None else {m.name for m in available(b)} & set(names)
    table: dict[str, dict[str, Any]] = {}
    for metric in available(a):
        if metric.name not in both:
            continue
        sums_a, sums_b = (composition_sums(metric, truth, metric.terms(case)) for case in (a, b))
        values = metric.finish(sums_a.sum(axis=0)), metric.finish(sums_b.sum(axis=0))
        bounds = interval(resample(metric, sums_a, weights) - resample(metric, sums_b, weights))
        rows = {
            subset: _row(metric, float(values[0][i]), float(values[1][i]), bounds[i])
            for i, subset in enumerate(subsets(metric))
        }
        table[metric.name] = {"title": metric.title, "better": metric.better, "values": rows}
    return table


def _row(metric: Metric, a: float, b: float, bounds: list[float | None]) -> dict[str, Any]:
    low, high = bounds
    tie = None if low is None or high is None else low <= 0.0 <= high
    if tie is None:
        verdict = "undefined"
    elif tie:
        verdict = "tie"
    elif metric.better == "nominal":
        verdict = "differ"
    else:
        verdict = "A better" if (a > b) == (metric.better == "higher") else "B better"
    return {
        "a": number(a), "b": number(b), "difference": number(a - b), "ci95": bounds, "tie": tie,
        "verdict": verdict,
    }
