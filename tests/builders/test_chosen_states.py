"""The repeatability experiment's choice of states, and how long each is run again."""

from __future__ import annotations

import dataclasses
import json
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

TEST_IDS = {state.state_id for state in split("interpolation")[1]}
STATE = parse_state_id(min(TEST_IDS))


@pytest.fixture
def states(toy: Path) -> pd.DataFrame:
    """The toy's states, with a start that goes with the phase."""
    frame = read_table("states", path=toy)
    frame["start"] = np.where(frame.phase == "demixed", "separated", "mixed")
    return frame


def row(**values: object) -> pd.Series:
    base = {"state_id": STATE.state_id, "start": "mixed", "n_A": 9_000, "n_B": 1_000, "equilibration_steps": 2_000,
            "production_steps": 4_000, "atom_steps": 100_000_000}  # fmt: skip
    return pd.Series(base | values)


def test_twenty_test_states_four_a_temperature_spread_over_everything(states: pd.DataFrame) -> None:
    ids = chosen_states.choose(states)
    assert len(set(ids)) == 20
    assert set(ids) <= TEST_IDS
    chosen = [parse_state_id(i) for i in ids]
    assert set(Counter(s.T for s in chosen).values()) == {4}
    assert max(Counter(s.C_B for s in chosen).values()) <= 6 and len({s.C_B for s in chosen}) == 5
    assert max(Counter(s.S for s in chosen).values()) <= 7 and len({s.S for s in chosen}) == 4
    assert len({s.eps_AB for s in chosen}) == 5
    phases = Counter(states.set_index("state_id").phase[ids])
    assert min(phases["homogeneous"], phases["demixed"]) >= 4  # the toy demixes at low T* only


def test_the_choice_depends_on_the_table_only_not_on_its_order_or_quality(states: pd.DataFrame) -> None:
    ids = chosen_states.choose(states)
    shuffled = states.sample(frac=1, random_state=3).reset_index(drop=True)
    assert chosen_states.choose(shuffled) == ids
    assert chosen_states.choose(states.assign(drift=99.0, converged=False, production_steps=1)) == ids
    other = states.assign(phase=np.where(states.S > 1, "demixed", "homogeneous"))
    assert chosen_states.choose(other) != ids


def test_a_rare_phase_is_not_left_out(states: pd.DataFrame) -> None:
    solid = states.state_id.isin(sorted(TEST_IDS)[::20])
    ids = chosen_states.choose(states.assign(phase=states.phase.mask(solid, "solid-like")))
    assert set(states.state_id[solid]) & set(ids)


def test_an_incomplete_grid_is_refused_with_every_temperature(states: pd.DataFrame) -> None:
    with pytest.raises(DataError) as caught:
        chosen_states.choose(states[(states["T"] > 0.7) & (states["T"] < 1.3)])
    assert len(caught.value.problems) == 2 and "0.6" in str(caught.value) and "1.4" in str(caught.value)


def test_a_store_keeps_the_states_it_was_begun_with(states: pd.DataFrame, tmp_path: Path) -> None:
    ids, note = chosen_states.kept_choice(tmp_path, states)
    assert (ids, note) == (chosen_states.choose(states), "")
    chosen_states.keep_choice(tmp_path, ids)
    other = states.assign(phase=np.where(states.S > 1, "demixed", "homogeneous"))
    again, note = chosen_states.kept_choice(tmp_path, other)
    assert again == ids and "would give others" in note
    chosen_states.keep_choice(tmp_path, chosen_states.choose(other))
    assert chosen_states.kept_choice(tmp_path, states) == (ids, ""), "what was begun stays"
    (tmp_path / chosen_states.CHOICE).write_text(json.dumps({"a": 1}))
    with pytest.raises(DataError, match="chosen anew"):
        chosen_states.kept_choice(tmp_path, states)


def test_states_that_cannot_be_repeated_are_all_named(states: pd.DataFrame) -> None:
    train = split("interpolation")[0][0].state_id
    with pytest.raises(InputError) as caught:
        chosen_states.rows_of(states, [train, "T9.00-C0.500-S1.00-E1.00", STATE.state_id, STATE.state_id])
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
    with pytest.raises(InputError, match="would enter the published average"):
        chosen_states.plan([published], release=store, store=tmp_path / "repeat" / ".." / "release")
    with pytest.raises(DataError, match="no such store"):
        chosen_states.plan([published], release=tmp_path / "nowhere", store=tmp_path / "repeat")
    with pytest.raises(DataError, match="no records of the separated start"):
        chosen_states.plan([row(start="separated")], release=store, store=tmp_path / "repeat")
