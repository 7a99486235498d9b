"""Two submissions against each other: the same resamples for both, so that ties show as ties."""

from __future__ import annotations

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
    subsets,
)
from binlj.eval.metrics import Metric, available
from binlj.eval.scores import EVALUATOR_VERSION
from binlj.eval.scoring import check_boot, load_case
from binlj.eval.truth import load_truth

if TYPE_CHECKING:
    import pandas as pd

SCHEMA_VERSION = "binlj-comparison/1"


@dataclass(frozen=True)
class Comparison:
    """Paired differences A - B of two submissions.

    Attributes
    ----------
    r2 : dict
        AA, AB, BB, overall -> {a, b, difference, ci95, tie, verdict}. ``tie`` is True when the 95 %
        interval of the difference contains 0; ``verdict`` is "A better", "B better", "tie", "differ" (a
        metric where neither direction is better) or "undefined".
    metrics : dict
        By name, every metric both have: title, better, and ``values`` as for ``r2``.
    """

    track: str
    dataset_version: str
    dataset_sha256: str
    r2: dict[str, dict[str, Any]]
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
    dataset: Path | None = None,
    n_boot: int = 1000,
    seed: int = 0,
) -> Comparison:
    """Compare two submissions by paired bootstrap over compositions.

    Raises
    ------
    InputError
        With every problem of both submissions, or for an unknown track.
    """
    check_boot(n_boot)
    truth = load_truth(track, dataset=dataset)
    cases, problems = [], []
    for name, source in (("A", a), ("B", b)):
        try:
            cases.append(load_case(source, truth)[0])
        except InputError as error:
            problems += [f"{name} ({error.subject}): {problem}" for problem in error.problems]
    if problems:
        raise InputError("submissions to compare", problems)
    case_a, case_b = cases
    weights = bootstrap_weights(truth.n_compositions, n_boot, seed)
    names_b = {m.name for m in available(case_b)}
    table: dict[str, dict[str, Any]] = {}
    for metric in available(case_a):
        if metric.name not in names_b:
            continue
        sums_a, sums_b = (composition_sums(metric, truth, metric.terms(case)) for case in cases)
        values = metric.finish(sums_a.sum(axis=0)), metric.finish(sums_b.sum(axis=0))
        bounds = interval(resample(metric, sums_a, weights) - resample(metric, sums_b, weights))
        rows = {
            subset: _row(metric, float(values[0][i]), float(values[1][i]), bounds[i])
            for i, subset in enumerate(subsets(metric))
        }
        table[metric.name] = {"title": metric.title, "better": metric.better, "values": rows}
    return Comparison(
        track=truth.track,
        dataset_version=truth.dataset_version,
        dataset_sha256=truth.dataset_sha256,
        r2=table["r2"]["values"],
        metrics=table,
        bootstrap={
            "resamples": n_boot, "seed": seed, "confidence": CONFIDENCE,
            "unit": "composition (C_B, S, eps_AB)", "n_units": truth.n_compositions,
        },
    )


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
