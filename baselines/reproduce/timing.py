"""Seconds to learn 100 RDFs, and to predict one."""

from __future__ import annotations

import time

import numpy as np

from binlj.baselines.dnn import Dnn
from binlj.baselines.frames import frame_states
from binlj.baselines.protocol import FitContext
from binlj.baselines.reproduce import paper
from binlj.baselines.reproduce.result import Result, Row, r2
from binlj.baselines.reproduce.runs import Settings, busy, training_frame
from binlj.data import curves
from binlj.errors import DataError
from binlj.progress import progress_bar

N_RDFS = 100
# As good on held-out RDFs as 1000 epochs at the paper's constant rate, see bench_dnn.py (the rate was chosen on other
# draws of 100 RDFs than that benchmark's).
FAST = {"epochs": 100, "batch": 250, "learning_rate": 0.01, "schedule": "cosine", "jit": False}


def run(settings: Settings) -> Result:
    """Train on 100 random training RDFs with the paper's recipe and with the short schedule."""
    frame = training_frame("extrapolation", settings)
    if len(frame) <= N_RDFS:
        raise DataError(
            "training table", [f"{len(frame)} RDFs, more than {N_RDFS} needed"], fix="use the whole dataset"
        )
    order = np.random.default_rng(0).permutation(len(frame))
    train, held = frame.iloc[order[:N_RDFS]], frame.iloc[order[N_RDFS:]]
    rows = []
    recipes = {
        f"paper's recipe, {settings.epochs} epochs": Dnn(epochs=settings.epochs),
        "short schedule": Dnn(**FAST),  # type: ignore[arg-type]
    }
    for name, model in recipes.items():
        started, cpu = time.perf_counter(), time.process_time()
        with progress_bar(name) as progress:
            model.fit(train, FitContext(0, progress))
        seconds, cpu = time.perf_counter() - started, time.process_time() - cpu
        states, pairs = frame_states(held), list(held["pair"])
        first = time.perf_counter()
        predicted = model.predict(states, pairs)
        each = (time.perf_counter() - first) / len(held)
        rows += [
            Row(f"seconds for 100 RDFs, {name}", seconds, paper=paper.SECONDS_100_RDFS, digits=1),
            Row(f"CPU seconds, {name}", cpu, digits=1),
            Row(f"R² on {len(held)} held-out RDFs, {name}", r2(curves(held), predicted)),
            Row(f"microseconds to predict one RDF, {name}", 1e6 * each, digits=0),
        ]
    return Result(
        "Seconds to learn 100 RDFs",
        rows,
        settings.conditions() | {"load of the machine": round(busy(), 1)},
        notes=[
            f"The paper gives about {paper.SECONDS_100_RDFS:g} s of CPU time for its network and "
            f"{paper.SECONDS_100_RDFS_EARLIER_MODEL:g} s for its earlier model; it names no processor."
        ],
    )
