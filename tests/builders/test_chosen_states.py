"""The repeatability experiment's choice of states, and how long each is run again."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from synthetic import chain

from binlj.builders.md.chain import Chain
from binlj.builders.records.record import write_records
from binlj.builders.validation import chosen_states
from binlj.data import read_table
from binlj.errors import DataError, InputError
from binlj.grid import State, parse_state_id
from binlj.tracks import split

TEST_IDS = {state.state_id for state in split("interpolation", version="1.1.0")[1]}
STATE = parse_state_id(min(TEST_IDS))


def row(**values: object) -> pd.Series:
    base = {"state_id": STATE.state_id, "start": "mixed", "n_A": 9_000, "n_B": 1_000, "equilibration_steps": 2_000,
            "production_steps": 4_000, "atom_steps": 100_000_000}  # fmt: skip
    return pd.Series(base | values)


def test_some_of_the_states_can_be_scored_on_every_track_of_the_grid() -> None:
    for track in ("extrapolation", "interpolation"):
        for version in ("1.2.0", "2.0.0"):
            test = {state.state_id for state in split(track, version=version)[1]}
            assert len(test & set(chosen_states.STATES)) >= 6


def test_twenty_test_states_four_a_temperature_spread_over_everything() -> None:
    assert len(set(chosen_states.STATES)) == 20 and set(chosen_states.STATES) <= TEST_IDS
    chosen = [parse_state_id(i) for i in chosen_states.STATES]
    assert set(Counter(s.T for s in chosen).values()) == {4}
    assert max(Counter(s.C_B for s in chosen).values()) <= 6 and len({s.C_B for s in chosen}) == 5
    assert max(Counter(s.S for s in chosen).values()) <= 7 and len({s.S for s in chosen}) == 4
    assert len({s.eps_AB for s in chosen}) == 5


def test_ten_droplets() -> None:
    states = [parse_state_id(i) for i in chosen_states.DILUTE]
    assert len({(s.T, s.S) for s in states}) == len(states) == 10 and {s.C_B for s in states} == {0.01}
    assert not set(chosen_states.DILUTE) & set(chosen_states.STATES)


def test_states_that_cannot_be_repeated_are_all_named(toy: Path) -> None:
    ids = ["T8.00-C0.500-S1.00-E1.00", "T9.00-C0.500-S1.00-E1.00", STATE.state_id, STATE.state_id]
    with pytest.raises(InputError) as caught:
        chosen_states.rows_of(read_table("states", path=toy), ids)
    assert len(caught.value.problems) == 3


def release(state: State, start: str = "mixed", segments: int = 4, **more: object) -> list:
    return chain(state, segments=segments, frames=4, start=start, n=1_000, **more)  # type: ignore[arg-type]


def test_the_length_is_the_published_one() -> None:
    assert chosen_states.published_lengths(row()) == {"mixed": 6_000}
    assert chosen_states.published_lengths(row(start="separated")) == {"separated": 6_000}
    both = chosen_states.published_lengths(row(start="mixed+separated", production_steps=5_000))
    assert both == {"mixed": 4_500, "separated": 4_500}


def test_the_cutting_is_that_of_the_records_also_where_one_is_longer() -> None:
    records = release(STATE, segments=7)
    fine = chosen_states.cutting(records, 14_000)
    assert fine == tuple((2_000 * k, 500) for k in range(1, 8))
    long = dataclasses.replace(records[2], step_end=14_000, step=np.concatenate([r.step for r in records[2:]]))
    longer = [*records[:2], long]
    assert chosen_states.cutting(longer, 14_000) == ((2_000, 500), (4_000, 500), (14_000, 500))
    assert chosen_states.cutting(longer, 9_000) == ((2_000, 500), (4_000, 500), (9_000, 500))
    assert chosen_states.cutting(records, 4_000) == ((2_000, 500), (4_000, 500))
    assert chosen_states.cutting(records[:2], 7_000) == fine[:3] + ((7_000, 500),), "branches sampled the rest"


@pytest.mark.parametrize(
    ("start", "frames", "every"),
    [(0, [400.0], 400), (400, [600.0, 800.0], 200), (900, [1000.0, 1200.0, 1400.0], 200), (900, [1000.0], 100)],
)
def test_the_frame_interval_is_read_from_the_frames(start: int, frames: list[float], every: int) -> None:
    record = dataclasses.replace(
        release(STATE, segments=1)[0], step=np.array(frames), step_start=start, step_end=int(frames[-1])
    )
    assert chosen_states.frame_interval(record) == every


def test_the_plan_has_another_seed_and_another_store(tmp_path: Path) -> None:
    store = tmp_path / "release"
    write_records(store / "loose" / "a.parquet", release(STATE))
    n_a, n_b = STATE.counts(1_000)
    published = row(n_A=n_a, n_B=n_b, atom_steps=8_000_000)
    (job,) = chosen_states.plan([published], release=store, store=tmp_path / "repeat")
    assert (job.n, job.steps, job.store) == (1_000, 6_000, tmp_path / "repeat")
    assert job.chain.replica == 1 and job.chain.base_seed != Chain(STATE).base_seed
    write_records(store / "loose" / "b.parquet", release(STATE, replica=1, seed=9))
    (next_one,) = chosen_states.plan([published], release=store, store=tmp_path / "repeat")
    assert next_one.chain.replica == 2, "replica 1 is part of what was published"
    with pytest.raises(InputError, match="would enter the published average"):
        chosen_states.plan([published], release=store, store=tmp_path / "repeat" / ".." / "release")
    with pytest.raises(DataError, match="no such store"):
        chosen_states.plan([published], release=tmp_path / "nowhere", store=tmp_path / "repeat")
    with pytest.raises(DataError, match="no records of the separated start"):
        chosen_states.plan([row(start="separated")], release=store, store=tmp_path / "repeat")
