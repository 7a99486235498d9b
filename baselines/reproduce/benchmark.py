"""The benchmark's own table: models trained and scored on each track. ``make benchmark`` runs this."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from binlj.baselines.registry import make_model
from binlj.baselines.reproduce.result import Result
from binlj.baselines.reproduce.runs import (
    Job,
    Settings,
    job,
    metadata_of,
    scores,
    seeds,
    stored_predictions,
    train_jobs,
)
from binlj.grid import PAIRS
from binlj.markdown import markdown_table

DEFAULT_MODELS = ("dnn", "xgboost")
NETWORK_TRACKS = ("interpolation", "extrapolation")  # by default; the network takes minutes for each track more
_COLUMNS = (*PAIRS, "overall")


def benchmark_table(
    *,
    models: Sequence[str] = DEFAULT_MODELS,
    tracks: Sequence[str] | None = None,
    out: Path = Path("out/benchmark"),
    dataset: Path | None = None,
    epochs: int = 1000,
    seeds: int = 1,
    workers: int = 2,
) -> str:
    """Train and score models on tracks; return the table as Markdown, write ``benchmark.json`` and ``.md``.

    The tracks are all that the dataset can score, by default.
    Finished trainings of the same model, parameters, seed and dataset are reused, and a killed training of
    the network goes on where it stopped; so the command can be repeated until it is done.
    """
    settings = Settings(out, dataset, epochs, seeds, workers, tuple(models))
    return run(settings, tracks=tracks).write("benchmark", out)


def run(settings: Settings, *, tracks: Sequence[str] | None = None) -> Result:
    """Skill and R2 by pair of each model on each track, recomputed by the evaluator from stored predictions."""
    models = settings.models or DEFAULT_MODELS
    for name in models:
        make_model(name)  # an unknown name must not cost minutes of training first
    if tracks is None:
        from binlj.eval.scoring import scorable_tracks

        tracks = scorable_tracks(dataset=settings.dataset)
    # Longest first, so that two workers end together.
    jobs = [
        job(m, t, s, settings)
        for m in models for t in reversed(tracks) for s in seeds(settings, 1)
        if settings.models or m != "dnn" or t in NETWORK_TRACKS
    ]  # fmt: skip
    train_jobs(jobs, settings)
    lines, details = [], []
    for track in tracks:
        for j in (j for j in jobs if j.track == track):
            scored, seconds = scores(j, settings), metadata_of(j)["train_seconds"]
            low, high = scored.skill_ci95["overall"]
            interval = "" if low is None or high is None else f"{low:.3f} to {high:.3f}"
            lines.append(
                [
                    f"{track}: {j.model}" + (f", seed {j.seed}" if settings.seeds not in (None, 1) else ""),
                    _show(scored.skill["overall"]),
                    interval,
                    *(_show(scored.r2[c]) for c in _COLUMNS),
                    f"{seconds:.0f}",
                ]
            )
            details.append(
                {
                    "model": j.model,
                    "track": track,
                    "seed": j.seed,
                    "skill": scored.skill,
                    "skill_ci95": scored.skill_ci95,
                    "r2": scored.r2,
                    "r2_ci95": scored.r2_ci95,
                    "train_seconds": seconds,
                    "folder": j.folder.name,
                }
            )
    header = ["track: model", "skill", "95 % interval", *(f"R² {c}" for c in _COLUMNS), "train s"]
    notes = _against_first(jobs, settings)
    return Result(
        "Benchmark",
        conditions=settings.conditions(),
        table=markdown_table(header, lines),
        notes=notes,
        details={"scores": details},
    )


def _against_first(jobs: Sequence[Job], settings: Settings) -> list[str]:
    """Does the first model beat, or lose to, the others (not the naive baselines) by more than the interval?"""
    from binlj.eval import NAIVE_BASELINES, compare

    notes = []
    for j in jobs:
        first = next(k for k in jobs if k.track == j.track and k.seed == j.seed)
        if j is first or j.model in NAIVE_BASELINES:
            continue
        found = compare(
            stored_predictions(j, settings),
            stored_predictions(first, settings),
            track=j.track,
            dataset=settings.dataset,
        ).skill["overall"]
        low, high = found["ci95"]
        if low is not None:
            notes.append(
                f"{j.track}, {j.model} minus {first.model}, seed {j.seed}: skill {found['difference']:+.3f} "
                f"(95 % interval {low:+.3f} to {high:+.3f})."
            )
    return notes


def _show(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
