"""Which 20 states are simulated again, and for how long: the plan of the repeatability experiment.

The states come from the test set of the interpolation track, so that the rerun can be scored beside the models.
They are drawn one by one, a temperature at a time in turn, four from each: every draw takes the state whose
values of phase flag, published start, C_B, S and eps_AB have been drawn least often so far (counted over all
draws, and phase flag, start, C_B and S once more among those of its own temperature); ties go to the lower
SHA-256 of the state id. Nothing about the quality of the curves enters.

A chosen state gets the start (or starts) it was published from, as one chain with the steps it was published with, cut
into the segments and frames of the release campaign's own records. Replica 1 gives it another seed.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import PROFILES
from binlj.builders.records import lineage
from binlj.builders.records import store as stores
from binlj.builders.records.record import SegmentRecord
from binlj.builders.validation.fixed_plan import Job
from binlj.errors import DataError, InputError
from binlj.files import write_json
from binlj.grid import parse_state_id
from binlj.tracks import split

if TYPE_CHECKING:
    import pandas as pd

PER_TEMPERATURE = 4
REPLICA = 1
CHOICE = "states.json"
GLOBAL = ("phase", "start", "C_B", "S", "eps_AB")
LOCAL = ("phase", "start", "C_B", "S")  # also balanced among the draws of one temperature
_SEED = "binlj-repeat-1"


def choose(states: pd.DataFrame, *, per_temperature: int = PER_TEMPERATURE) -> list[str]:
    """State ids to simulate again: a pure function of the ``states`` table (rule above), sorted.

    Raises
    ------
    DataError
        If a temperature has too few published test states.
    """
    _, test = split("interpolation")
    wanted = {state.state_id for state in test}
    rows = states[states.state_id.isin(wanted)].to_dict("records")
    pools: dict[float, list[dict]] = {}
    for row in sorted(rows, key=lambda row: _rank(row["state_id"])):
        pools.setdefault(row["T"], []).append(row)
    few = [t for t in sorted({s.T for s in test}) if len(pools.get(t, [])) < per_temperature]
    if few:
        raise DataError(
            "states table", [f"T* = {t:g}: fewer than {per_temperature} test states" for t in few],
            fix="publish all 500 states, or name the states with --state",
        )  # fmt: skip
    levels = {name: len({row[name] for row in rows}) for name in GLOBAL}
    drawn: list[dict] = []
    for temperature in itertools.chain.from_iterable([sorted(pools)] * per_temperature):
        counts = {name: Counter(row[name] for row in drawn) for name in GLOBAL}
        near = {name: Counter(row[name] for row in drawn if row["T"] == temperature) for name in LOCAL}

        def cost(row: dict, counts: dict = counts, near: dict = near) -> float:
            # Weighted by the number of values, so that one draw too many costs about the same in each.
            return sum(levels[n] * counts[n][row[n]] for n in GLOBAL) + sum(levels[n] * near[n][row[n]] for n in LOCAL)

        best = min(pools[temperature], key=cost)  # the first of equals: the pool is in order of rank
        pools[temperature].remove(best)
        drawn.append(best)
    return sorted(row["state_id"] for row in drawn)


def kept_choice(store: Path, states: pd.DataFrame) -> tuple[list[str], str]:
    """The choice a store was begun with, so that a dataset published meanwhile does not change the experiment.

    Returns
    -------
    ids, note : list of str, str
        The note says so where the present table would give another choice; else empty.

    Raises
    ------
    DataError
        If the store's list cannot be read.
    """
    file = store / CHOICE
    if not file.is_file():
        return choose(states), ""
    try:
        ids = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        ids = []
    if not (isinstance(ids, list) and ids and all(isinstance(i, str) for i in ids)):
        raise DataError(file, ["not a list of state ids"], fix="delete the file: the states are chosen anew")
    note = ""
    if ids != choose(states):
        note = f"\n\nThe states are those this store was begun with ({CHOICE}); the present table would give others."
    return ids, note


def keep_choice(store: Path, ids: Sequence[str]) -> None:
    """Write the choice down in a store that is begun with it."""
    if not (store / CHOICE).is_file():
        write_json(store / CHOICE, list(ids))


def _rank(state_id: str) -> str:
    return hashlib.sha256(f"{_SEED}|{state_id}".encode()).hexdigest()


def rows_of(states: pd.DataFrame, ids: Sequence[str]) -> list[pd.Series]:
    """The published rows of some states, in order.

    Raises
    ------
    InputError
        Listing the states that are not published, not in the track's test set, or named twice.
    """
    _, test = split("interpolation")
    known = {state.state_id for state in test}
    table = states.set_index("state_id", drop=False)
    problems = [f"{i} is not in the dataset" for i in ids if i not in table.index]
    problems += [f"{i} is not in the interpolation test set" for i in ids if i in table.index and i not in known]
    problems += [f"{i} is named {n} times" for i, n in Counter(ids).items() if n > 1]
    if problems:
        raise InputError("states to repeat", problems, fix="`binlj states` lists the states; take test states")
    return [row for _, row in table.loc[list(ids)].iterrows()]


def plan(
    rows: Sequence[pd.Series], *, release: Path, store: Path, start_steps: int = PROFILES["release"].start_steps
) -> list[Job]:
    """The chains to run for some published states.

    Parameters
    ----------
    rows : sequence of Series
        Rows of the ``states`` table.
    release : Path
        Store whose records the published states were made from; only read.
    store : Path
        Where the repetitions go.

    Raises
    ------
    DataError
        If the release store does not hold what the states were published from.
    """
    if release.resolve() == store.resolve():
        raise InputError("--store", ["is the release store: repetitions would enter the published average"],
                         fix="give another --store")  # fmt: skip
    if not release.is_dir():
        raise DataError(release, ["no such store"], fix="give the store of the published records with --release")
    records = stores.load_records(release, state_ids={row.state_id for row in rows})
    chains = stores.by_start(stores.by_chain(records))
    jobs, problems = [], []
    for row in rows:
        for start, steps in published_lengths(row).items():
            mine = chains.get((row.state_id, start))
            if mine is None:
                problems.append(f"{row.state_id}: no records of the {start} start")
                continue
            longest = max(lineage.lines(mine).values(), key=lambda line: line[-1].step_end)
            chain = Chain(parse_state_id(row.state_id), start, REPLICA)
            jobs.append(Job(chain, int(row.n_A + row.n_B), cutting(longest, steps), store, start_steps))
    if problems:
        raise DataError(release, problems, fix="give the store this dataset was made from with --release")
    return jobs


def published_lengths(row: pd.Series) -> dict[str, int]:
    """Steps a single chain of each published start would have had, by start.

    Equilibration and production of the table; where two starts are published, half of the production each.
    """
    starts = row.start.split("+")
    return {start: math.ceil(row.equilibration_steps + row.production_steps / len(starts)) for start in starts}


def cutting(records: Sequence[SegmentRecord], steps: int) -> tuple[tuple[int, int], ...]:
    """(last step, frame interval) of a chain's records up to `steps`; the record that holds `steps` is cut there.

    Where the records end before `steps` (the rest was sampled by branches), they go on like the last one.
    """
    pieces = [
        (min(record.step_end, steps), record.step_start, frame_interval(record))
        for record in records
        if record.step_start < steps
    ]
    last = records[-1]
    while pieces[-1][0] < steps:
        end = pieces[-1][0]
        pieces.append((min(end + last.steps, steps), end, frame_interval(last)))
    return tuple((max(end // every, begin // every + 1) * every, every) for end, begin, every in pieces)


def frame_interval(record: SegmentRecord) -> int:
    """Steps between a record's frames; of one frame alone, the largest interval that gives it."""
    if record.n_frames > 1:
        return round(float(np.median(np.diff(record.step))))
    frame = round(float(record.step[0]))
    return frame - record.step_start if frame % (frame - record.step_start) == 0 else math.gcd(frame, record.step_start)
