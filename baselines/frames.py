"""Checks of training tables, and the point-wise inputs of the models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj.data import PAIR_LABELS
from binlj.errors import DataError, InputError
from binlj.grid import PAIRS, State
from binlj.schema import FEATURES, N_BINS, bin_centres

if TYPE_CHECKING:
    import pandas as pd

_CURVES = ("g", "g_stderr")
_SHOWN = 5  # keys named per kind of problem; the count is always complete


def check_training_table(
    train: pd.DataFrame, *, min_states: int = 2, min_temperatures: int = 1, subject: str = "training table"
) -> None:
    """Check a training table and report every problem at once.

    Parameters
    ----------
    train : DataFrame
        Columns of an RDF config; ``g`` and ``g_stderr`` hold one array of 100 values a row.
    min_states, min_temperatures : int
        How many different ones the model needs.
    subject : str
        What the error names.

    Raises
    ------
    DataError
        Listing missing columns, wrong lengths, NaN or infinite values, negative g, unknown pairs,
        duplicate keys, too few states or temperatures.
    """
    missing = [c for c in ("state_id", "pair", *FEATURES, *_CURVES) if c not in train]
    if missing:
        raise DataError(
            subject, [f"column {c!r} is missing" for c in missing], fix="use binlj.data.read_table"
        )
    problems: list[str] = []
    keys = [f"{s} {p}" for s, p in zip(train["state_id"], train["pair"], strict=True)]

    def report(bad: np.ndarray, what: str) -> None:
        rows = np.flatnonzero(bad)
        if rows.size:
            names = ", ".join(keys[i] for i in rows[:_SHOWN]) + (" ..." if rows.size > _SHOWN else "")
            problems.append(f"{rows.size} row{'s' if rows.size > 1 else ''} with {what}: {names}")

    report(~train["pair"].isin(PAIRS).to_numpy(), f"a pair that is none of {', '.join(PAIRS)}")
    report(train.duplicated(["state_id", "pair"]).to_numpy(), "a key that came before")
    state = train[list(FEATURES)].to_numpy(dtype=float)
    report(~np.isfinite(state).all(1), "NaN or infinite T, C_B, S or eps_AB")
    for column in _CURVES:
        wrong = np.array([np.shape(v) != (N_BINS,) for v in train[column]], dtype=bool)
        report(wrong, f"{column} that is not {N_BINS} numbers")
        values = [np.asarray(v, dtype=float) for v, w in zip(train[column], wrong, strict=True) if not w]
        fine = np.flatnonzero(~wrong)
        bad, negative = np.zeros(len(train), dtype=bool), np.zeros(len(train), dtype=bool)
        bad[fine] = [not np.isfinite(v).all() for v in values]
        negative[fine] = [bool((v < 0).any()) for v in values]
        report(bad, f"NaN or infinite {column}")
        report(negative, f"negative {column}")
    n_states = train["state_id"].nunique()
    if n_states < min_states:
        problems.append(f"{n_states} different states, at least {min_states} needed")
    n_temperatures = train["T"].nunique()
    if n_temperatures < min_temperatures:
        problems.append(f"{n_temperatures} different temperatures, at least {min_temperatures} needed")
    if problems:
        raise DataError(subject, problems, fix="`binlj verify` checks the installed dataset; fetch it again")


def with_state_columns(
    train: pd.DataFrame, columns: Sequence[str] = ("density", "phase", "converged"), *, regime: str = "equilibrium",
    dataset: Path | None = None,
) -> pd.DataFrame:  # fmt: skip
    """A training table joined with columns of the regime's `states`, of its own states only.

    Raises
    ------
    DataError
        If the dataset is missing, or lacks a column or a state.
    """
    from binlj.data import read_table

    states = read_table("states", regime=regime, path=dataset).set_index("state_id")
    problems = [f"column {c!r} is missing" for c in columns if c not in states]
    problems += [f"{s} is missing" for s in sorted(set(train["state_id"]) - set(states.index))]
    if problems:
        raise DataError("states", problems, fix="`binlj verify` checks the installed dataset; fetch it again")
    return train.join(states[list(columns)], on="state_id")


def query_frame(states: Sequence[State], pairs: Sequence[str]) -> pd.DataFrame:
    """Rows to predict as a frame: state_id, T, C_B, S, eps_AB, pair, r.

    Raises
    ------
    InputError
        If the lengths differ or a pair is unknown.
    """
    import pandas as pd

    problems = []
    if len(states) != len(pairs):
        problems.append(f"{len(states)} states but {len(pairs)} pairs")
    problems += [f"pair {p!r} is none of {', '.join(PAIRS)}" for p in sorted(set(pairs) - set(PAIRS))]
    if problems:
        raise InputError("states and pairs to predict", problems)
    r = bin_centres()
    return pd.DataFrame(
        {
            "state_id": [getattr(s, "state_id", str(s)) for s in states],  # a StatePoint has no identifier
            **{name: np.array([getattr(s, name) for s in states], dtype=float) for name in FEATURES},
            "pair": list(pairs),
            "r": [r] * len(states),
        }
    )


def frame_states(frame: pd.DataFrame) -> list[State]:
    """The states of a frame's rows, in order (repeated where the frame repeats them)."""
    return [State(*row) for row in frame[list(FEATURES)].to_numpy(dtype=float).tolist()]


def scaling(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of each column of `x`; 1 for a constant one, whose deviation is rounding."""
    mean, scale = x.mean(0), x.std(0)
    return mean, np.where(scale > 1e-9 * np.maximum(np.abs(mean), 1.0), scale, 1.0)


def point_inputs(frame: pd.DataFrame) -> np.ndarray:
    """The paper's seven inputs at every r of every row, shape (rows * 100, 7).

    Order as in :func:`binlj.data.to_points`: T*, C_B, S, eps_AB, label of A, label of B, r.
    """
    labels = np.array([PAIR_LABELS[p] for p in frame["pair"]]).reshape(-1, 2)
    state = np.column_stack([frame[list(FEATURES)].to_numpy(dtype=float), labels])
    r = np.tile(bin_centres(), len(frame))
    return np.column_stack([np.repeat(state, N_BINS, axis=0), r])
