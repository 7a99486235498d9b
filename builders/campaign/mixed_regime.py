"""Chains of the mixed regime: a mixed start for every state, as long as the window of steps asks for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from binlj.builders.analysis.assemble import StateResult
from binlj.builders.analysis.window import (
    ENOUGH,
    WINDOW,
    Factors,
    best_lines,
    scaled,
    scatter_factors,
    window_result,
    window_steps,
)
from binlj.builders.campaign.fixed_plan import Job
from binlj.builders.campaign.scheduler import order
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import Profile
from binlj.builders.records import store as stores
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.survey import by_chain, by_start
from binlj.grid import State, parse_state_id

START = "mixed"
# No replica of the other stores has this number or a later one: their chains and these have different seeds.
REPLICA = 100
# The first segment only mixes, with one frame at its end; nothing of it lies in the window.
PIECES = ((WINDOW[0], WINDOW[0]), (9_000, 500), (WINDOW[1], 500))
ELSEWHERE = ("grid", "repeat")  # campaigns whose mixed chains count as well
RUNS = 3  # of each state that is repeated, for the scatter between runs

Line = list[SegmentRecord]  # a chain's history from step 0 on


def plan(
    states: Sequence[State], *, store: Path, elsewhere: Mapping[State, Sequence[Line]], profile: Profile,
    repeated: Collection[State] = (),
) -> list[Job]:  # fmt: skip
    """The chains to run: one for each state whose window no chain of the other stores fills, then the repetitions.

    Parameters
    ----------
    states : sequence of State
    store : Path
        Of the mixed regime.
    elsewhere : mapping
        State -> its runs in other stores that fill the window (:func:`whole_windows`).
    profile : Profile
        Number of particles and length of the start procedure.
    repeated : collection of State
        States of which :data:`RUNS` runs are wanted.

    Returns
    -------
    list of Job
        In scattered order, so that a campaign that is stopped has covered all of the grid.
    """
    return [
        Job(Chain(state, START, REPLICA + run), profile.n, PIECES, store, profile.start_steps)
        for wanted in range(1, RUNS + 1)
        for state in sorted(states, key=order)
        if (run := wanted - 1 - len(elsewhere[state])) >= 0 and (wanted == 1 or state in repeated)
    ]


def whole_windows(states: Sequence[State], folders: Sequence[Path]) -> dict[State, list[Line]]:
    """The independent mixed runs of these stores that fill the window, in the order of the stores; or none.

    Runs with identity exchange do not count: what the window shows is how diffusion mixes or separates.
    """
    found: dict[str, list[Line]] = {state.state_id: [] for state in states}
    for folder in folders:
        if not folder.is_dir():
            continue
        plain = [record for record in stores.usable_records(folder, state_ids=found).records if not record.exchanges]
        chains = by_start(by_chain(plain))
        for (state_id, start), members in chains.items():
            if start == START:
                lines = best_lines(members)
                found[state_id] += [line for line in lines if window_steps(line) >= ENOUGH]
    return {state: found[state.state_id] for state in states}


def results(
    states: Sequence[State], folders: Sequence[Path], *, factors: Factors | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[list[StateResult], Factors]:  # fmt: skip
    """What is published of the states in the mixed regime: the first run of each that fills the window.

    Parameters
    ----------
    folders : sequence of Path
        Stores, in the order in which their runs are taken.
    factors : mapping, optional
        Of the scatter between runs (:func:`~binlj.builders.analysis.window.scatter_factors`). Default: measured on the
        states with several runs.
    progress : callable
        Called with (done, all) after each state.

    Returns
    -------
    results : list of StateResult
        Of the states that have such a run.
    factors : mapping

    Raises
    ------
    DataError
        If no state of some kind was run several times.
    """
    runs = {}
    found = whole_windows(states, folders)
    for i, (state, lines) in enumerate(found.items()):
        if lines:
            runs[state] = [window_result(state, line) for line in lines]
        progress(i + 1, len(found))
    if factors is None:
        factors = scatter_factors([several for several in runs.values() if len(several) > 1])
    return [scaled(several[0], factors) for several in runs.values()], factors


def states_of(folder: Path) -> frozenset[State]:
    """The states that a store has records of."""
    if not folder.is_dir():
        return frozenset()
    return frozenset(parse_state_id(record.state_id) for record in stores.load_records(folder))
