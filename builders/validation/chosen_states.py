"""The 30 states that are simulated again, and for how long: the plan of the repeatability experiment.

Of the first 20 there are four for each temperature. They were drawn once, for version 1.1.0, from the test set that the
interpolation track had then, so that the values of phase flag, published start, C_B, S and eps_AB occur about equally
often; the quality of the curves played no part. The other ten are droplets at C_B = 0.01: one for each T* and S that
have a converged one, but for T* = 1.0 and 1.2 at S = 1.5; they were chosen for version 5.0.0. The rerun is scored
beside the models on those that are test states now.

Each state is run again from its published start (or starts), as one chain of the published length, cut into the
segments and frames of the release campaign's records. Replica 1 gives it another seed, or the next one where the
release has begun a replica 1 of its own. A state with identity exchange is repeated with exchange, as replica 201.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj.builders.campaign.fixed_plan import Job
from binlj.builders.campaign.identity_exchange import stretch
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import PROFILES
from binlj.builders.records import lineage
from binlj.builders.records import store as stores
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.survey import counted
from binlj.errors import DataError, InputError
from binlj.grid import parse_state_id

if TYPE_CHECKING:
    import pandas as pd

REPLICA = 1
STATES = (
    "T0.60-C0.010-S0.50-E1.00", "T0.60-C0.200-S1.50-E0.40", "T0.60-C0.300-S1.00-E0.20", "T0.60-C0.500-S0.50-E0.80",
    "T0.80-C0.100-S2.00-E0.80", "T0.80-C0.200-S1.00-E0.80", "T0.80-C0.200-S2.00-E0.40", "T0.80-C0.300-S1.50-E0.80",
    "T1.00-C0.010-S0.50-E0.40", "T1.00-C0.100-S1.50-E0.20", "T1.00-C0.200-S0.50-E0.60", "T1.00-C0.500-S1.00-E0.40",
    "T1.20-C0.010-S1.00-E1.00", "T1.20-C0.100-S2.00-E0.60", "T1.20-C0.300-S1.50-E1.00", "T1.20-C0.500-S2.00-E0.20",
    "T1.40-C0.100-S2.00-E0.40", "T1.40-C0.100-S2.00-E0.60", "T1.40-C0.300-S1.50-E0.60", "T1.40-C0.500-S1.00-E0.20",
)  # fmt: skip

DILUTE = (
    "T0.60-C0.010-S0.50-E0.20", "T0.60-C0.010-S1.00-E0.40", "T0.60-C0.010-S1.50-E0.60", "T0.60-C0.010-S2.00-E0.40",
    "T0.80-C0.010-S1.00-E0.20", "T0.80-C0.010-S1.50-E0.40", "T0.80-C0.010-S2.00-E0.60", "T1.00-C0.010-S2.00-E0.20",
    "T1.20-C0.010-S2.00-E0.20", "T1.40-C0.010-S2.00-E0.20",
)  # fmt: skip


def rows_of(states: pd.DataFrame, ids: Sequence[str]) -> list[pd.Series]:
    """The published rows of some states, in the order of `ids`.

    Raises
    ------
    InputError
        Listing the states that are not published, or named twice.
    """
    table = states.set_index("state_id", drop=False)
    problems = [f"{i} is not in the dataset" for i in ids if i not in table.index]
    problems += [f"{i} is named {n} times" for i, n in Counter(ids).items() if n > 1]
    if problems:
        raise InputError("states to repeat", problems, fix="`binlj states` lists the states")
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
    records = counted(stores.load_records(release, state_ids={row.state_id for row in rows}))
    chains = stores.by_start(stores.by_chain(records))
    jobs, problems = [], []
    for row in rows:
        for start, steps in published_lengths(row).items():
            mine = chains.get((row.state_id, start))
            if mine is None:
                problems.append(f"{row.state_id}: no records of the {start} start")
                continue
            longest = max(lineage.lines(mine).values(), key=lambda line: line[-1].step_end)
            exchanges = longest[-1].exchanges
            number = REPLICA + longest[-1].replica // 100 * 100  # of the same dynamics and geometry
            while number in lineage.lineages(mine):
                number += 1
            chain = Chain(parse_state_id(row.state_id), start, number)
            every = stretch(chain.state) if exchanges else 0
            n, pieces = int(row.n_A + row.n_B), cutting(longest, steps)
            jobs.append(Job(chain, n, pieces, store, start_steps, exchanges, every))
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

    Where the records end before `steps` (other chains of the lineage sampled the rest), the last one is repeated.
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
