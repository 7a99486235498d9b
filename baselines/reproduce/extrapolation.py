"""Section IV, Fig. 3: train at T* = 0.8, 1.0, 1.2, predict 0.6 and 1.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from binlj.baselines.model_files import load_model
from binlj.baselines.reproduce import figures, paper
from binlj.baselines.reproduce.result import Result, Row, mean_row, naive_title, number, r2
from binlj.baselines.reproduce.runs import (
    Settings,
    job,
    metadata_of,
    predicted_curves,
    scores,
    seeds,
    test_frame,
    train_jobs,
    training_frame,
)
from binlj.data import curves
from binlj.grid import PAIRS

if TYPE_CHECKING:
    from binlj.eval import Scores

TRACK = "extrapolation"
TAIL_SHARES = (0.01, 0.05, 0.1)
NAIVE = "nearest_temperature"  # the best of the naive baselines here, and the simplest: what persistence gives


def run(settings: Settings) -> Result:
    """Train the network with several seeds; scores beside a naive baseline, loss, parity, where the error sits."""
    jobs = [job("dnn", TRACK, s, settings) for s in seeds(settings, 3)]
    train_jobs(jobs, settings)
    frame = training_frame(TRACK, settings)
    g = curves(frame)
    train_r2 = [r2(g, predicted_curves(j, frame)) for j in jobs]
    scored = [scores(j, settings) for j in jobs]
    rows = [
        mean_row("R² train", train_r2, paper=paper.EXTRAPOLATION_R2["train"]),
        mean_row("R² test", [number(s.r2["overall"]) for s in scored], paper=paper.EXTRAPOLATION_R2["test"]),
        *(
            mean_row(f"R² test, {p}", [number(s.r2[p]) for s in scored], paper=paper.EXTRAPOLATION_R2[p])
            for p in PAIRS
        ),
        mean_row("skill test", [number(s.skill["overall"]) for s in scored]),
        *naive_rows(scored[0], NAIVE),
        Row("best R² the noise allows, test", number(scored[0].noise_ceiling["overall"])),
    ]
    for kind, groups in scored[0].by.items():
        for name in groups:
            values = [number(s.by[kind][name]["metrics"]["r2"]["overall"]) for s in scored]
            if np.isfinite(values).all():
                n = groups[name]["n_states"]
                rows.append(mean_row(f"R² test, {kind} {name} ({n} states)", values))
    test = test_frame(TRACK, settings)
    actual = curves(test)
    of_seed = [predicted_curves(j, test) for j in jobs]
    rows += tail_rows(actual, of_seed)
    rows.append(mean_row("seconds of training", [metadata_of(j)["train_seconds"] for j in jobs], digits=0))
    losses = {f"seed {j.seed}": load_model(j.folder).history["loss"] for j in jobs}
    pictures = [
        figures.loss_curves(losses, title=settings.title("Fig. 3A: extrapolation"), file=settings.picture("fig3a_loss"))
    ]
    predicted = of_seed[0]
    of = {p: (test["pair"] == p).to_numpy() for p in PAIRS}
    pictures.append(
        figures.parity(
            [
                ("train", g, predicted_curves(jobs[0], frame), train_r2[0]),
                ("test", actual, predicted, r2(actual, predicted)),
            ],
            title=settings.title("Fig. 3B, C: extrapolation, seed 0"),
            file=settings.picture("fig3bc_parity"),
        )
    )
    pictures.append(
        figures.parity(
            [(p, actual[k], predicted[k], r2(actual[k], predicted[k])) for p, k in of.items()],
            title=settings.title("Fig. 3D-F: T* = 0.6 and 1.4, seed 0"),
            file=settings.picture("fig3def_parity"),
        )
    )
    return Result(
        settings.title("Extrapolation in temperature (Fig. 3)"),
        rows,
        settings.conditions() | {"seeds": len(jobs)},
        pictures,
        notes=[_where_the_error_sits(test, actual, predicted)],
    )


def naive_rows(scored: Scores, name: str) -> list[Row]:
    """R2 by pair and skill of a naive baseline, on the states that a model was scored on."""
    title = naive_title(name)
    r2_of, skill = scored.naive_r2[name], scored.naive_skill[name]
    return [
        Row(f"R² test, {title}", number(r2_of["overall"])),
        *(Row(f"R² test, {title}, {pair}", number(r2_of[pair])) for pair in PAIRS),
        Row(f"skill test, {title}", number(skill["overall"])),
    ]


def _where_the_error_sits(test: object, actual: np.ndarray, predicted: np.ndarray) -> str:
    error = ((predicted - actual) ** 2).sum(1)
    order = np.argsort(error)[::-1]
    worst = max(1, len(error) // 100)
    share = error[order[:worst]].sum() / error.sum()
    names = [f"{test['state_id'].iloc[i]} {test['pair'].iloc[i]}" for i in order[:3]]  # type: ignore[index]
    return (
        f"The worst {worst} of {len(error)} test RDFs (1 %) carry {100 * share:.0f} % of the squared error; "
        f"the worst three are {', '.join(names)}."
    )


def tail_rows(actual: np.ndarray, predicted: list[np.ndarray]) -> list[Row]:
    """R2 without the curves of most variance, one row for each of `TAIL_SHARES`; `predicted` by seed."""
    rows = []
    for share in TAIL_SHARES:
        keep, variance = without_tail(actual, share)
        label = f"R² test, without the {np.sum(~keep)} RDFs of most variance ({100 * variance:.0f} % of it)"
        rows.append(mean_row(label, [r2(actual[keep], p[keep]) for p in predicted]))
    return rows


def without_tail(g: np.ndarray, share: float) -> tuple[np.ndarray, float]:
    """All but the curves with the most variance about the mean of all points.

    Parameters
    ----------
    g : ndarray, shape (n, 100)
    share : float
        Share of the curves to leave out (at least one is).

    Returns
    -------
    keep : ndarray of bool, shape (n,)
    variance : float
        Share of the variance that the others hold.
    """
    variance = ((g - g.mean()) ** 2).sum(1)
    keep = np.ones(len(g), dtype=bool)
    keep[np.argsort(variance)[::-1][: max(1, round(share * len(g)))]] = False
    return keep, float(variance[~keep].sum() / variance.sum())
