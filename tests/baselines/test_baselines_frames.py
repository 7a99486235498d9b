"""Training tables that are not fit for training: every problem in one error."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from binlj.baselines.frames import check_training_table, frame_states, query_frame
from binlj.errors import DataError, InputError
from binlj.grid import State


def changed(frame: pd.DataFrame, row: int, column: str, value: object) -> pd.DataFrame:
    frame = frame.copy()
    values = list(frame[column])
    values[row] = value
    frame[column] = values
    return frame


def test_good_table_passes(small_train: pd.DataFrame):
    check_training_table(small_train, min_states=18, min_temperatures=3)


def test_every_problem_at_once(small_train: pd.DataFrame):
    g = small_train["g"].iloc[0].copy()
    g[7] = np.nan
    bad = changed(small_train, 0, "g", g)
    bad = changed(bad, 3, "g_stderr", np.full(100, -1.0))
    bad = changed(bad, 5, "g", np.ones(99))
    bad = changed(bad, 6, "pair", "BA")
    bad = changed(bad, 7, "T", np.inf)
    bad = pd.concat([bad, bad.iloc[[9]]], ignore_index=True)
    with pytest.raises(DataError) as caught:
        check_training_table(bad, min_states=99, min_temperatures=9)
    text = "\n".join(caught.value.problems)
    assert len(caught.value.problems) == 8
    for expected in (
        "NaN or infinite g:",
        "negative g_stderr",
        "not 100 numbers",
        "none of AA, AB, BB",
        "infinite T",
        "came before",
        "at least 99",
        "at least 9 ",
    ):
        assert expected in text
    assert small_train["state_id"].iloc[0] in text


def test_missing_columns(small_train: pd.DataFrame):
    with pytest.raises(DataError) as caught:
        check_training_table(small_train.drop(columns=["g", "S"]))
    assert caught.value.problems == ["column 'S' is missing", "column 'g' is missing"]


def test_queries():
    state = State(0.75, 0.05, 1.25, 0.5)
    frame = query_frame([state, state], ["AA", "BB"])
    assert frame_states(frame) == [state, state]
    with pytest.raises(InputError) as caught:
        query_frame([state], ["AA", "CC"])
    assert len(caught.value.problems) == 2
