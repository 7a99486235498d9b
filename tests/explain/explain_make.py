"""Small helpers of the explainability tests: functions on the grid whose answer is known."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from binlj.eval.explain.factorial import Factorial
from binlj.grid import PAIRS, State, grid
from binlj.schema import FEATURES, bin_centres, merge_bins

LEVELS = tuple(tuple(sorted({getattr(s, f) for s in grid()})) for f in FEATURES)
STATES = np.array([[getattr(s, f) for f in FEATURES] for s in grid()])


def on_grid(function: Callable[..., np.ndarray], points: int = 1, stderr: float | None = None) -> Factorial:
    """A factorial of ``function(T, C_B, S, eps_AB, x)`` on the benchmark's grid."""
    x = np.arange(points) + 0.5
    axes = np.meshgrid(*LEVELS, x, indexing="ij")
    values = np.broadcast_to(function(*axes), axes[0].shape).astype(float)
    return Factorial(LEVELS, x, values, None if stderr is None else np.full(values.shape, stderr))


def planted(feature: str, *, weak: float = 0.02) -> Callable[[np.ndarray], np.ndarray]:
    """A point-wise model ruled by one feature, with a little of all the others."""
    own = FEATURES.index(feature)

    def function(x: np.ndarray) -> np.ndarray:
        unit = (x[:, :4] - STATES.min(0)) / np.ptp(STATES, axis=0)
        weights = np.full(4, weak)
        weights[own] = 1.0
        return 1.0 + (unit @ weights) * np.exp(-x[:, 6] / 3) * np.cos(x[:, 6])

    return function


class Planted:
    """A trained model, as a model folder's loader would give it."""

    def __init__(self, feature: str, name: str = "dnn") -> None:
        self.name, self.predict_points = name, planted(feature)


def prediction_frame(states: list[State], curve: Callable[[State, str], np.ndarray]) -> pd.DataFrame:
    """A predictions frame of ``curve(state, pair) -> g[100]``."""
    keys = [(s, p) for s in states for p in PAIRS]
    return pd.DataFrame(
        {
            "state_id": [s.state_id for s, _ in keys],
            "pair": [p for _, p in keys],
            "g": [curve(s, p) for s, p in keys],
        }
    )


def planted_curve(feature: str) -> Callable[[State, str], np.ndarray]:
    """The planted model as whole curves."""
    function = planted(feature)

    def curve(state: State, pair: str) -> np.ndarray:
        row = [getattr(state, f) for f in FEATURES] + [0.0, 0.0]
        return function(np.column_stack([np.tile(row, (100, 1)), bin_centres()]))

    return curve


def write_rows(path: Path, rows: list[tuple[object, object, object]], *, value_type: pa.DataType | None = None) -> Path:
    """Write (feature, pair, value) rows as parquet, whatever they are."""
    columns = list(zip(*rows, strict=True)) if rows else [(), (), ()]
    kinds = (pa.string(), pa.string(), value_type or pa.float64())
    names = ("feature", "pair", "value")
    table = pa.table({n: pa.array(list(c), k) for n, c, k in zip(names, columns, kinds, strict=True)})
    pq.write_table(table, path)
    return path


def frames_of(
    function: Callable[[State, str, np.ndarray], np.ndarray], stderr: float = 0.0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Fine and coarse tables of ``function(state, pair, r)``, as the dataset would hold them."""
    keys = [(p, s) for p in PAIRS for s in grid()]
    base = {
        "state_id": [s.state_id for _, s in keys],
        "pair": [p for p, _ in keys],
        **{f: [getattr(s, f) for _, s in keys] for f in FEATURES},
    }
    fine = [function(s, p, bin_centres(500)) for p, s in keys]
    tables = []
    for g in (fine, [merge_bins(v) for v in fine]):
        tables.append(pd.DataFrame({**base, "g": g, "g_stderr": [np.full(len(v), stderr) for v in g]}))
    return tables[0], tables[1]
