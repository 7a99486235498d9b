"""Section IV, Fig. 2: random splits. Ours holds out whole states; the paper's holds out points."""

from __future__ import annotations

import json

import numpy as np

from binlj.baselines.dnn import Dnn
from binlj.baselines.frames import point_inputs
from binlj.baselines.model_files import load_model
from binlj.baselines.protocol import FitContext
from binlj.baselines.reproduce import figures, paper
from binlj.baselines.reproduce.extrapolation import NAIVE, naive_rows, tail_rows
from binlj.baselines.reproduce.result import Result, mean_row, number, r2
from binlj.baselines.reproduce.runs import (
    Settings,
    job,
    predicted_curves,
    scores,
    seeds,
    test_frame,
    train_jobs,
    training_frame,
)
from binlj.data import curves
from binlj.files import write_json
from binlj.grid import PAIRS
from binlj.progress import progress_bar

TRACK = "interpolation"
POINT_TEST_SHARE = 0.2  # the paper does not say; the share of held-out states in our track


def run(settings: Settings) -> Result:
    """R2 with held-out states and with the point-wise random split, and how much the latter flatters."""
    jobs = [job("dnn", TRACK, s, settings) for s in seeds(settings, 3)]
    train_jobs(jobs, settings)
    frame, test = training_frame(TRACK, settings), test_frame(TRACK, settings)
    g, actual = curves(frame), curves(test)
    train_r2 = [r2(g, predicted_curves(j, frame)) for j in jobs]
    scored = [scores(j, settings) for j in jobs]
    points = [_point_split(s, settings) for s in seeds(settings, 3)]
    by_state = [number(s.r2["overall"]) for s in scored]
    rows = [
        mean_row("R² train, whole states held out", train_r2),
        mean_row("R² test, whole states held out", by_state),
        *(
            mean_row(f"R² test, whole states held out, {p}", [number(s.r2[p]) for s in scored])
            for p in PAIRS
        ),
        mean_row("skill test, whole states held out", [number(s.skill["overall"]) for s in scored]),
        *naive_rows(scored[0], NAIVE),
        *tail_rows(actual, [predicted_curves(j, test) for j in jobs]),
        mean_row(
            "R² train, random points held out",
            [p["train"] for p in points],
            paper=paper.INTERPOLATION_R2["train"],
        ),
        mean_row(
            "R² test, random points held out",
            [p["test"] for p in points],
            paper=paper.INTERPOLATION_R2["test"],
        ),
        mean_row(
            "of the variance unexplained by state, share hidden by the point split",
            [1 - (1 - p["test"]) / (1 - s) for p, s in zip(points, by_state, strict=True)],
        ),
    ]
    losses = {f"seed {j.seed}": load_model(j.folder).history["loss"] for j in jobs}
    predicted = predicted_curves(jobs[0], test)
    pictures = [
        figures.loss_curves(
            losses, title=settings.title("Fig. 2A: interpolation"), file=settings.picture("fig2a_loss")
        ),
        figures.parity(
            [
                ("train", g, predicted_curves(jobs[0], frame), train_r2[0]),
                ("test", actual, predicted, r2(actual, predicted)),
            ],
            title=settings.title("Fig. 2B, C: interpolation (whole states held out), seed 0"),
            file=settings.picture("fig2bc_parity"),
        ),
    ]
    return Result(
        settings.title("Interpolation (Fig. 2)"),
        rows,
        settings.conditions() | {"seeds": len(jobs)},
        pictures,
        notes=[
            f"Random points: {POINT_TEST_SHARE:.0%} of all points of all 1500 RDFs held out, as the paper's "
            "text suggests; neighbours of every held-out point, on the same curve, are in the training set."
        ],
    )


def _point_split(seed: int, settings: Settings) -> dict[str, float]:
    """Train on a random 80 % of all points; R2 of both parts. Kept on disk, since it takes minutes."""
    file = settings.cache(f"dnn-points-seed{seed}")
    if file.is_file():
        found: dict[str, float] = json.loads(file.read_text(encoding="utf-8"))
        return found
    parts = [training_frame(TRACK, settings), test_frame(TRACK, settings)]
    x = np.concatenate([point_inputs(p) for p in parts])
    y = np.concatenate([curves(p).ravel() for p in parts])
    held = np.zeros(len(y), dtype=bool)
    held[np.random.default_rng(seed).permutation(len(y))[: round(POINT_TEST_SHARE * len(y))]] = True
    model = Dnn(epochs=settings.epochs)
    with progress_bar(f"random points, seed {seed}") as progress:
        model.fit_points(x[~held], y[~held], FitContext(seed, progress, file.with_suffix(".npz")))
    out = {name: r2(y[k], model.predict_points(x[k])) for name, k in (("train", ~held), ("test", held))}
    write_json(file, out)
    return out
