"""Where a submission loses skill: which curves, which phases, and how much of it is the error of the published curves.

The skill is 1 minus the mean over curves of their capped error e, so that every group of curves has its share of what
is lost: the sum of e over its curves, divided by the number of all curves. The shares of groups that do not overlap add
up to 1 - skill. Beside it stands the part that the exact curves would lose (:func:`binlj.eval.skill.label_errors`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from binlj.eval.demixing import THRESHOLD, label_correlation
from binlj.eval.metrics import Case
from binlj.eval.skill import curve_errors, label_errors
from binlj.grid import PAIRS
from binlj.markdown import markdown_table

DILUTE = 0.03  # mole fraction of B below which g_BB is shot noise in a homogeneous mixture
WORST = 10


@dataclass(frozen=True)
class Loss:
    """Share of a group of curves in what a submission loses.

    Attributes
    ----------
    group : str
    curves : int
    lost : float
        Contribution to 1 - skill.
    noise : float
        What the exact curves would lose.
    mean_error : float
        Mean capped error of the group's curves.
    """

    group: str
    curves: int
    lost: float
    noise: float
    mean_error: float


def losses(case: Case) -> list[Loss]:
    """Where skill is lost over the scored states: by phase call, by phase and composition, and by pair.

    Returns
    -------
    list of Loss
        ``all curves`` first; then three partitions of them: phase called right or wrong (both of
        :mod:`binlj.eval.demixing`), phase and dilution, pair.
    """
    truth = case.truth
    scored = truth.scored[truth.state]
    error, noise = curve_errors(truth, case.g)[scored], label_errors(truth)[scored]
    return [
        Loss(name, int(k.sum()), float(error[k].sum() / len(error)), float(noise[k].sum() / len(error)),
             float(error[k].mean()))
        for name, mask in _groups(case)
        if (k := mask[scored]).any()
    ]  # fmt: skip


def worst_curves(case: Case, *, n: int = WORST) -> list[tuple[str, str, float, float]]:
    """State, pair, capped error and expected error of the exact curve, of the scored curves with the largest error."""
    truth = case.truth
    error = np.where(truth.scored[truth.state], curve_errors(truth, case.g), -1.0)
    order = np.argsort(-error, kind="stable")[: min(n, int((error >= 0).sum()))]
    noise = label_errors(truth)
    return [(*truth.keys[i], float(error[i]), float(noise[i])) for i in order]


def _groups(case: Case) -> Iterator[tuple[str, np.ndarray]]:
    truth = case.truth
    yield "all curves", np.ones(len(truth.keys), dtype=bool)
    demixed = truth.phase == "demixed"
    right = ((label_correlation(truth, case.g) > THRESHOLD) == demixed)[truth.state]
    yield "phase called right", right
    yield "phase called wrong", ~right
    dilute = truth.C_B < DILUTE
    for phase, of_phase in (("demixed", demixed), ("one phase", ~demixed)):
        for amount, of_amount in ((f"C_B < {DILUTE}", dilute), (f"C_B >= {DILUTE}", ~dilute)):
            yield f"{phase}, {amount}", (of_phase & of_amount)[truth.state]
    for i, pair in enumerate(PAIRS):
        yield pair, truth.pair == i


def losses_markdown(case: Case) -> str:
    """Both tables as Markdown, with a sentence on how to read them."""
    found = losses(case)
    groups = markdown_table(
        ["group", "curves", "mean error", "skill lost", "of this, error of the published curves", "share of all lost"],
        [
            [x.group, str(x.curves), f"{x.mean_error:.3f}", f"{x.lost:.4f}", f"{x.noise:.4f}",
             f"{100 * x.lost / found[0].lost if found[0].lost else 0:.0f} %"]
            for x in found
        ],
    )  # fmt: skip
    curves = markdown_table(
        ["state", "pair", "error", "error of the published curve"],
        [[state, pair, f"{error:.2f}", f"{noise:.2f}"] for state, pair, error, noise in worst_curves(case)],
    )
    return (
        f"{groups}\n\nA curve's error is Σ|p − y| / Σ|y − 1| beyond 0.8 σ_ij, at most 1; the skill is 1 minus its mean "
        "over all curves. Phases are called from the three curves of a state.\n\n"
        f"Curves with the largest error:\n\n{curves}\n"
    )
