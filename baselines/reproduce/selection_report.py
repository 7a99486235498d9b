"""How ``fitted_theory`` was chosen: what each of its parts adds on curves held out of the training splits.

The folds are those of :mod:`binlj.baselines.temperature_cases`. On the extrapolation track the coldest and the hottest
training temperature are held out in turn, on the interpolation track two of five parts of the states. Everything, the
labels of the phases included, is fitted to the rest.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from binlj.baselines.fitted_theory.coexistence import fit_gibbs
from binlj.baselines.fitted_theory.labels import errors
from binlj.baselines.fitted_theory.model import (
    FittedTheory,
    TrainingStates,
    bootstrap_mixtures,
    fit_density,
    fit_residuals,
    phase_data,
    training_states,
)
from binlj.baselines.frames import with_state_columns
from binlj.baselines.protocol import FitContext
from binlj.baselines.reproduce.result import Result
from binlj.baselines.reproduce.runs import Settings, training_frame
from binlj.baselines.temperature_cases import folds
from binlj.grid import PAIRS, State
from binlj.markdown import markdown_table
from binlj.progress import progress_bar
from binlj.theory import predict
from binlj.theory.correction import N_GIBBS, Correction
from binlj.theory.fitted import Fitted

if TYPE_CHECKING:
    import pandas as pd

_FOLDS = 2  # of the five of the interpolation track


def run(settings: Settings) -> Result:
    """Skill with each part of the theory added in turn, for every fold of the two tracks inside the grid."""
    lines, table, started = [], [], time.perf_counter()
    for track in ("extrapolation", "interpolation"):
        train = with_state_columns(training_frame(track, settings), dataset=settings.dataset)
        for held_out, fitted_on, rest in _splits(track, train):
            fit, held = training_states(fitted_on), training_states(rest)
            held = held.take(np.flatnonzero(held.converged))
            with progress_bar(f"{track}, held out: {held_out}") as progress:
                for candidate, g in candidates(fit, held.states, FitContext(seed=0, progress=progress)):
                    found = skill(held, g)
                    lines.append([f"{track}, {held_out}: {candidate}", *(f"{v:.3f}" for v in found.values())])
                    table.append({"track": track, "held_out": held_out, "candidate": candidate, "skill": found})
    seconds = time.perf_counter() - started
    return Result(
        "Choice of the fitted theory",
        conditions={k: v for k, v in settings.conditions().items() if k != "epochs"} | {"seconds": f"{seconds:.0f}"},
        table=markdown_table(["track, held out: model", *PAIRS, "overall"], lines),
        details={"table": table},
        notes=[
            "Skill over the converged states of the held-out part of the training split. Each line adds one part to "
            "the line above it. Nothing is fitted to a held-out or a test state."
        ],
    )


def candidates(
    fit: TrainingStates, held: Sequence[State], context: FitContext = FitContext()  # noqa: B008
) -> Iterator[tuple[str, np.ndarray]]:
    """Name and curves, shape (n, 3, 100), of PeTS and the integral equation, then with each part added in turn."""
    parameters = FittedTheory().parameters
    ridge, bag, softness = (parameters[k] for k in ("ridge", "bag", "softness"))
    nothing = np.zeros(N_GIBBS)
    yield "phases of PeTS", predict(held, dilute_limits=False).g
    yield "chemical potentials at infinite dilution", predict(held).g
    density = fit_density(fit, ridge=parameters["density_ridge"])
    yield "corrected density", predict(held, corrections=[Correction(nothing, density)]).g
    phases = phase_data(fit, density, context)
    one = Correction(fit_gibbs(phases, range(len(phases.states)), ridge=ridge), density)
    yield "corrected Gibbs energy", predict(held, corrections=[one]).g
    rng = np.random.default_rng(context.seed)
    several = []
    for b in range(bag):
        several.append(Correction(fit_gibbs(phases, bootstrap_mixtures(phases.states, rng), ridge=ridge), density))
        context.progress(b + 1, bag, "corrections of the Gibbs energy")
    yield f"bag of {bag} corrections", predict(held, corrections=several, softness=softness).g
    residuals = fit_residuals(fit, several, softness=softness)
    yield "residuals of the training states", Fitted(tuple(several), softness, residuals).predict(held).g


def skill(held: TrainingStates, g: np.ndarray) -> dict[str, float]:
    """The skill of :mod:`binlj.eval.skill` for each pair and for all curves together."""
    capped = np.minimum([errors(s, p, y) for s, p, y in zip(held.states, g, held.g, strict=True)], 1.0)
    return {p: float(1.0 - capped[:, i].mean()) for i, p in enumerate(PAIRS)} | {"overall": float(1.0 - capped.mean())}


def _splits(track: str, train: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
    """What is held out, the part to fit to, the part held out."""
    if track == "extrapolation":
        for case in ("cold", "hot"):
            for fitted_on, rest in folds(train, case, 0):
                yield f"T* = {rest['T'].iloc[0]:g}", fitted_on, rest
    else:
        for k, (fitted_on, rest) in enumerate(islice(folds(train, "inside", 0), _FOLDS), start=1):
            yield f"part {k} of 5", fitted_on, rest
