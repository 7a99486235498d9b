"""Fig. 5: BB where B condenses between the training temperatures and T* = 0.6."""

from __future__ import annotations

from binlj.baselines.reproduce import figures, paper
from binlj.baselines.reproduce.overlays import panel, pick
from binlj.baselines.reproduce.result import Result, Row, r2
from binlj.baselines.reproduce.runs import Settings, job, predicted_curves, test_frame, train_jobs, training_frame
from binlj.data import curves
from binlj.grid import parse_state_id


def run(settings: Settings) -> Result:
    """The failing case with the network and our best model, beside the coldest training state."""
    jobs = {name: job(name, "extrapolation", 0, settings) for name in ("dnn", "fitted_theory")}
    train_jobs(list(jobs.values()), settings)
    state = parse_state_id(paper.FAILING_STATE)
    test = pick(test_frame("extrapolation", settings), state_id=state.state_id, pair="BB")
    train = pick(
        training_frame("extrapolation", settings), pair="BB", C_B=state.C_B, S=state.S, eps_AB=state.eps_AB
    )
    near = train[train["T"] == train["T"].min()]
    actual = curves(test)
    predicted = {name: predicted_curves(j, test) for name, j in jobs.items()}
    rows = [
        Row("first peak of g_BB, T* = 0.6", float(actual.max()), digits=1),
        Row(
            f"first peak of g_BB, T* = {near['T'].iloc[0]:g} (training)", float(curves(near).max()), digits=1
        ),
        *(Row(f"first peak, {name}", float(g.max()), digits=1) for name, g in predicted.items()),
        *(Row(f"R² of the curve, {name}", r2(actual, g)) for name, g in predicted.items()),
    ]
    panels = [
        [
            panel(test, {name: g[0] for name, g in predicted.items()}, title="BB, T* = 0.6 (test)"),
            panel(
                near,
                {name: predicted_curves(j, near)[0] for name, j in jobs.items()},
                title=f"BB, T* = {near['T'].iloc[0]:g} (training)",
            ),
        ]
    ]
    file = figures.grid_of_overlays(
        panels,
        title=settings.title("Fig. 5: C_B = 0.01, S = 1.5, ε_AB = 0.2"),
        file=settings.picture("fig5_failing_case"),
    )
    return Result(
        settings.title("The failing case (Fig. 5)"),
        rows,
        settings.conditions(),
        [file],
        notes=["The paper shows the picture and prints no numbers for it."],
    )
