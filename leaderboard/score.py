"""The numbers of a row: the evaluator's for its predictions, and their means where a model enters several seeds.

Every number of a model with seeds is the mean over its seeds' files, so the ranked skill is the mean skill
(for the skill also the skill of the curves' mean errors). Intervals are those of the mean, over mixtures: each
resample draws the same mixtures for all seeds. The standard deviation over the seeds stands beside the mean.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.files import sha256

if TYPE_CHECKING:
    import numpy as np

    from binlj.eval import Scores
    from binlj.eval.metrics import Case
    from binlj.eval.predictions import Checked
    from binlj.eval.truth import Truth

# These have their own places in a row; the rest of the evaluator's registry is listed as it comes.
_OWN = ("skill", "skill_ceiling", "r2", "noise_ceiling", "ceiling_share")
Numbers = dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """Predictions of a row, scored.

    Attributes
    ----------
    cases : tuple of Case
        One a file; pictures show the first.
    scores : Scores
        Of the first file.
    numbers : dict
        The scores a row holds, means over the files.
    """

    cases: tuple[Case, ...]
    scores: Scores
    numbers: Numbers

    @property
    def draws(self) -> np.ndarray:
        """Overall skill in every bootstrap resample, shape (resamples,)."""
        return mean_draws(self.cases, "skill")[:, -1]


def score_cases(cases: Sequence[Case], warnings: Sequence[tuple[str, ...]] = ()) -> Scored:
    """Score aligned predictions, one case a seed; `warnings` as the check of each file gave them."""
    from binlj.eval.scoring import score

    scored = [score(case, warnings=w) for case, w in zip(cases, warnings or [()] * len(cases), strict=True)]
    numbers = _numbers(scored[0])
    if len(cases) > 1:
        parts = [_numbers(scores) for scores in scored]
        numbers = {**_mean(parts), **_intervals(cases, numbers), "seeds": _spread(parts)}
        numbers["warnings"] = [w for scores in scored for w in scores.warnings]
    return Scored(tuple(cases), scored[0], numbers)


def score_files(
    paths: Sequence[Path], truth: Truth, *, partial: bool = False, checked: Mapping[Path, Checked] | None = None
) -> Scored:
    """Check and score the predictions files of a model on a track, one a seed; those `checked` are not read again."""
    from binlj.eval.scoring import load_case

    loaded = [load_case((checked or {}).get(path, path), truth, partial=partial) for path in paths]
    several = len(paths) > 1
    warnings = [
        tuple(f"{path.name}: {w}" if several else w for w in validation.warnings)
        for path, (_, validation) in zip(paths, loaded, strict=True)
    ]
    scored = score_cases([case for case, _ in loaded], warnings)
    digests = [sha256(path) for path in paths]
    scored.numbers["predictions_sha256"] = digests[0]
    if several:
        scored.numbers["seeds"]["predictions_sha256"] = digests
    return scored


def mean_values(cases: Sequence[Case], name: str) -> dict[str, float | None]:
    """A metric of curves over the scored states, mean over the seeds: AA, AB, BB, overall."""
    from binlj.eval.scoring import pooled

    values: dict[str, float | None] = _mean([pooled(case, name) for case in cases])
    return values


def mean_draws(cases: Sequence[Case], name: str) -> np.ndarray:
    """A metric in every resample over mixtures, mean over the seeds, shape (resamples, subsets)."""
    import numpy as np

    from binlj.eval.scoring import draws

    return np.mean([draws(case, name) for case in cases], axis=0)


def _numbers(scores: Scores) -> Numbers:
    return {
        "skill": scores.skill,
        "skill_ci95": scores.skill_ci95,
        "r2": scores.r2,
        "r2_ci95": scores.r2_ci95,
        "ceiling_share": scores.ceiling_share,
        "metrics": {name: m["values"] for name, m in scores.metrics.items() if name not in _OWN},
        "metrics_ci95": {name: m["ci95"]["overall"] for name, m in scores.metrics.items() if name not in _OWN},
        "by": {
            kind: {
                name: {"n_states": g["n_states"], "skill": g["metrics"]["skill"], "r2": g["metrics"]["r2"]}
                for name, g in groups.items()
            }
            for kind, groups in scores.by.items()
        },
        "warnings": list(scores.warnings),
    }


def _mean(values: Sequence[Any]) -> Any:
    """Numbers averaged, through mappings; counts are the same for all. Undefined if one is."""
    first = values[0]
    if isinstance(first, dict):
        shared = [key for key in first if all(key in value for value in values)]
        return {key: _mean([value[key] for value in values]) for key in shared}
    if isinstance(first, float) or first is None:
        return None if any(value is None for value in values) else statistics.fmean(values)
    return first


def _intervals(cases: Sequence[Case], numbers: Numbers) -> Numbers:
    """Intervals of the means."""
    from binlj.eval.aggregate import SUBSETS, interval
    from binlj.eval.metrics import available

    common = [m.name for m in available(cases[0]) if all(m in available(case) for case in cases)]
    bounds = {name: interval(mean_draws(cases, name)) for name in common}
    return {
        "skill_ci95": dict(zip(SUBSETS, bounds["skill"], strict=True)),
        "r2_ci95": dict(zip(SUBSETS, bounds["r2"], strict=True)),
        "metrics_ci95": {name: bounds[name][-1] for name in numbers["metrics_ci95"] if name in bounds},
    }


def _spread(parts: Sequence[Numbers]) -> dict[str, Any]:
    """Each seed's overall scores, and the sample standard deviation over the seeds."""
    spread: dict[str, Any] = {}
    for name in ("skill", "r2"):
        spread[name] = [part[name]["overall"] for part in parts]
        by_subset = {subset: [part[name][subset] for part in parts] for subset in parts[0][name]}
        spread[f"{name}_sd"] = {
            subset: None if None in found else statistics.stdev(found) for subset, found in by_subset.items()
        }
    return spread
