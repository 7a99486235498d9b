"""Fig. 4: predicted and actual RDFs at the two test temperatures."""

from __future__ import annotations

from typing import Any

import pandas as pd

from binlj.baselines.reproduce import figures
from binlj.baselines.reproduce.result import Result, Row, r2
from binlj.baselines.reproduce.runs import Settings, job, predicted_curves, test_frame, train_jobs
from binlj.data import curves
from binlj.grid import PAIRS
from binlj.tracks import EXTRAPOLATION_TEST_T

# The paper does not print the compositions of its Fig. 4; this one mixes at both temperatures.
COMPOSITION = {"C_B": 0.3, "S": 1.5, "eps_AB": 0.8}


def run(settings: Settings) -> Result:
    """Overlay the network's prediction (seed 0) on the data for all pairs at T* = 0.6 and 1.4."""
    j = job("dnn", "extrapolation", 0, settings)
    train_jobs([j], settings)
    test = test_frame("extrapolation", settings)
    panels, rows = [], []
    for T in EXTRAPOLATION_TEST_T:
        line = []
        for pair in PAIRS:
            row = pick(test, pair=pair, T=T, **COMPOSITION)
            predicted = predicted_curves(j, row)
            rows.append(Row(f"R² of the curve, T* = {T:g}, {pair}", r2(curves(row), predicted)))
            line.append(panel(row, {"dnn": predicted[0]}, title=f"{pair}, T* = {T:g}"))
        panels.append(line)
    text = "C_B = {C_B:g}, S = {S:g}, ε_AB = {eps_AB:g}".format(**COMPOSITION)
    file = figures.grid_of_overlays(
        panels, title=settings.title(f"Fig. 4: {text}"), file=settings.picture("fig4_overlays")
    )
    title = settings.title(f"Overlays at T* = 0.6 and 1.4 (Fig. 4), {text}")
    return Result(title, rows, settings.conditions(), [file])


def pick(frame: pd.DataFrame, **values: Any) -> pd.DataFrame:
    """The rows of a frame where every named column has the given value."""
    keep = pd.Series(True, index=frame.index)
    for name, value in values.items():
        keep &= frame[name] == value
    return frame[keep]


def panel(row: pd.DataFrame, predicted: dict[str, Any], *, title: str) -> dict[str, Any]:
    """Arguments of :func:`figures.overlay` for a frame of one row."""
    return {"g": curves(row)[0], "stderr": curves(row, "g_stderr")[0], "predicted": predicted, "title": title}
