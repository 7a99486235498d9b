"""Scoring a submission: check, join by key, compute every metric with its interval."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.data import tracks_of
from binlj.errors import DataError, InputError
from binlj.eval.aggregate import (
    CONFIDENCE,
    SUBSETS,
    bootstrap_weights,
    breakdown,
    composition_sums,
    interval,
    number,
    resample,
    scored_mixtures,
    subsets,
)
from binlj.eval.metrics import BY_NAME, Case, Metric, available
from binlj.eval.naive import NAIVE_BASELINES
from binlj.eval.predictions import Checked, Validation, check
from binlj.eval.scores import Scores, Values
from binlj.eval.truth import Truth, load_truth, read_split, restrict
from binlj.schema import in_regime

if TYPE_CHECKING:
    import pandas as pd

MAX_BOOT = 100_000
MIN_SCORED = 2  # states: what one says of another is unknown
UNIT = "mixture (C_B, S, eps_AB)"


def scorable_tracks(*, dataset: Path | None = None) -> tuple[str, ...]:
    """The tracks that a dataset has, and of which enough test states are converged to score anything."""
    found = (load_truth(track, dataset=dataset) for track in tracks_of(dataset))
    return tuple(truth.track for truth in found if truth.scored.sum() >= MIN_SCORED)


def evaluate(
    predictions: str | Path | pd.DataFrame,
    *,
    track: str,
    regime: str | None = None,
    dataset: Path | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    naive: bool = True,
    partial: bool = False,
) -> Scores:
    """Score predictions on a track: over its converged test states, though predictions cover all.

    Parameters
    ----------
    predictions : path or DataFrame
        A predictions file, or a frame with its columns. Rows in any order.
    track : str
        ``extrapolation``, ``interpolation`` or ``offgrid``.
    regime : str, optional
        ``equilibrium`` or ``mixed``; default: as the track's full name says, e.g. ``mixed_extrapolation``.
    dataset : path, optional
        Another copy of the dataset folder.
    n_boot, seed : int
        Bootstrap resamples over mixtures (C_B, S, eps_AB), and their seed.
    naive : bool
        Whether to score the naive baselines beside the submission (they read the training table).
    partial : bool
        Whether the predictions may cover only some of the test states: whole ones, at least 2 of them
        converged. They are scored on these alone, with the ceilings and the naive baselines of these.

    Raises
    ------
    InputError
        With every problem of the predictions, or for an unknown track.
    DataError
        If the dataset cannot be read.
    """
    full = in_regime(track, regime)
    return evaluate_case(
        predictions, track=full, dataset=dataset, n_boot=n_boot, seed=seed, naive=naive, partial=partial
    )[1]


def evaluate_case(
    predictions: str | Path | pd.DataFrame,
    *,
    track: str,
    dataset: Path | None = None,
    n_boot: int = 1000,
    seed: int = 0,
    naive: bool = True,
    partial: bool = False,
) -> tuple[Case, Scores]:
    """As :func:`evaluate`, together with the aligned curves (for pictures)."""
    check_boot(n_boot)
    truth = load_truth(track, dataset=dataset)
    case, validation = load_case(predictions, truth, partial=partial)
    beside = naive_scores(case.truth, dataset=dataset) if naive else {}
    return case, score(case, n_boot=n_boot, seed=seed, warnings=validation.warnings, naive=beside)


def check_boot(n_boot: int) -> None:
    """Raise InputError unless the number of resamples makes sense."""
    if not 1 <= n_boot <= MAX_BOOT:
        raise InputError(f"n_boot = {n_boot}", [f"must lie between 1 and {MAX_BOOT}"])


def load_case(
    predictions: str | Path | pd.DataFrame | Checked, truth: Truth, *, partial: bool = False
) -> tuple[Case, Validation]:
    """Check predictions against `truth` and align them by key; raises InputError with every problem.

    Predictions that were checked before against the same test set are not read again.

    With `partial` they may cover only some of the states, and the case holds the truth of these. At least
    two of the states have to be converged; DataError if that holds for no predictions.
    """
    if (n := int(truth.scored.sum())) < MIN_SCORED:
        raise DataError(
            f"dataset {truth.dataset_version}, track {truth.track}",
            [f"{n} of {len(truth.state_id)} test states are converged; scores need {MIN_SCORED} at least"],
            fix="score on a later version of the dataset",
        )
    checked = predictions if isinstance(predictions, Checked) else check(predictions, truth.keys, partial=partial)
    checked.validation.raise_if_bad()
    assert checked.g is not None
    if checked.keys != truth.keys:
        truth = restrict(truth, {state for state, _ in checked.keys})
    if (n := int(truth.scored.sum())) < MIN_SCORED:
        raise InputError(
            checked.validation.subject,
            [f"covers {n} converged test states, at least {MIN_SCORED} are needed: only these are scored"],
            fix="the column `converged` of the states table names them",
        )
    return Case(truth, checked.g, checked.g_std), checked.validation


def score(
    case: Case,
    *,
    n_boot: int = 1000,
    seed: int = 0,
    warnings: tuple[str, ...] = (),
    naive: dict[str, dict[str, Values]] | None = None,
) -> Scores:
    """Score an aligned submission (see :func:`evaluate`); `naive` as from :func:`naive_scores`."""
    truth, naive = case.truth, naive or {}
    metrics = available(case)
    n_mixtures = scored_mixtures(truth)[1]
    weights = bootstrap_weights(n_mixtures, n_boot, seed)
    terms = {metric.name: metric.terms(case) for metric in metrics}
    table = {m.name: _describe(m, composition_sums(m, truth, terms[m.name]), weights) for m in metrics}
    temperature = np.array([f"{T:.2f}" for T in truth.near_T])
    converged = np.where(truth.converged, "yes", "no")
    everything = np.full(len(truth.state_id), "all")
    return Scores(
        skill=table["skill"]["values"],
        skill_ci95=table["skill"]["ci95"],
        r2=table["r2"]["values"],
        r2_ci95=table["r2"]["ci95"],
        skill_ceiling=table["skill_ceiling"]["values"],
        noise_ceiling=table["noise_ceiling"]["values"],
        ceiling_share=table["ceiling_share"]["values"],
        track=truth.track,
        dataset_version=truth.dataset_version,
        dataset_sha256=truth.dataset_sha256,
        track_sha256=truth.track_sha256,
        n_states=len(truth.state_id),
        n_scored_states=int(truth.scored.sum()),
        of_states=truth.of_states,
        n_curves=len(truth.keys),
        n_points=truth.g.size,
        metrics=table,
        by={
            "temperature": breakdown(metrics, truth, terms, temperature, over=truth.scored),
            "phase": breakdown(metrics, truth, terms, truth.phase, over=truth.scored),
            "converged": breakdown(metrics, truth, terms, converged),
            "states": {
                **breakdown(metrics, truth, terms, np.full(len(converged), "converged"), over=truth.scored),
                **breakdown(metrics, truth, terms, everything),
            },
        },
        naive_r2={name: values["r2"] for name, values in naive.items()},
        naive_skill={name: values["skill"] for name, values in naive.items()},
        bootstrap={
            "resamples": n_boot, "seed": seed, "confidence": CONFIDENCE, "unit": UNIT, "n_units": n_mixtures,
        },
        has_g_std=case.g_std is not None,
        warnings=list(warnings),
    )


def pooled(case: Case, name: str) -> Values:
    """A metric of curves, such as ``skill``, over the scored states: AA, AB, BB, overall."""
    metric = BY_NAME[name]
    sums = composition_sums(metric, case.truth, metric.terms(case)).sum(axis=0)
    return dict(zip(SUBSETS, map(number, metric.finish(sums)), strict=True))


def draws(case: Case, name: str, *, n_boot: int = 1000, seed: int = 0) -> np.ndarray:
    """A metric in every bootstrap resample over mixtures, shape (n_boot, subsets).

    Cases of one track share the resamples, so that their differences are paired.
    """
    metric = BY_NAME[name]
    sums = composition_sums(metric, case.truth, metric.terms(case))
    return resample(metric, sums, bootstrap_weights(scored_mixtures(case.truth)[1], n_boot, seed))


def naive_scores(truth: Truth, *, dataset: Path | None = None) -> dict[str, dict[str, Values]]:
    """Skill and R² of every naive baseline on the scored states of `truth`, by its name and the metric's."""
    train = read_split(truth.track, "train", dataset=dataset)
    test = read_split(truth.track, "test", dataset=dataset)
    test = test[test["state_id"].isin(truth.state_id)].reset_index(drop=True)
    cases = {name: Case(truth, baseline(train, test)) for name, baseline in NAIVE_BASELINES.items()}
    return {name: {m: pooled(case, m) for m in ("skill", "r2")} for name, case in cases.items()}


def _describe(metric: Metric, sums: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    names = subsets(metric)
    # One mixture drawn again and again is no spread, which is not the same as none.
    bounds = interval(resample(metric, sums, weights)) if len(sums) > 1 else [[None, None] for _ in names]
    return {
        "title": metric.title, "unit": metric.unit, "formula": metric.formula,
        "better": metric.better, "target": metric.target,
        "values": dict(zip(names, map(number, metric.finish(sums.sum(axis=0))), strict=True)),
        "ci95": dict(zip(names, bounds, strict=True)),
    }
