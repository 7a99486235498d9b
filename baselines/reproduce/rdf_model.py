"""The model behind :func:`binlj.rdf`: ``fitted_theory`` fitted to all 500 states, written as one file."""

from __future__ import annotations

import numpy as np

from binlj.baselines.fitted_theory.model import FittedTheory
from binlj.baselines.frames import with_state_columns
from binlj.baselines.protocol import FitContext
from binlj.baselines.reproduce.result import Result
from binlj.baselines.reproduce.runs import Settings
from binlj.data import read_table
from binlj.files import replacing
from binlj.markdown import markdown_table
from binlj.theory.fitted import Fitted

NAME = "fitted.npz"


def run(settings: Settings) -> Result:
    """Fit to training and test states of the interpolation track together, which are all states."""
    import pandas as pd

    parts = [read_table("interpolation", split, path=settings.dataset) for split in ("train", "test")]
    table = with_state_columns(pd.concat(parts, ignore_index=True), dataset=settings.dataset)
    model = FittedTheory()
    model.fit(table, FitContext(seed=0))
    assert isinstance(model.fitted, Fitted)
    settings.out.mkdir(parents=True, exist_ok=True)
    with replacing(settings.out / NAME) as temporary, open(temporary, "wb") as stream:
        np.savez_compressed(stream, **model.fitted.arrays())  # type: ignore[arg-type]
    rows = [
        ["states", str(table["state_id"].nunique())],
        ["corrections in the bag", str(len(model.fitted.corrections))],
        ["residual states", str(len(model.fitted.residuals.states))],
        ["file", f"{NAME}, {(settings.out / NAME).stat().st_size / 1e6:.1f} MB"],
    ]
    return Result(
        "The model behind binlj.rdf",
        conditions=settings.conditions(),
        table=markdown_table(["what", "value"], rows),
        details={},
        notes=["Copy the file to core/theory/ to ship it."],
    )
