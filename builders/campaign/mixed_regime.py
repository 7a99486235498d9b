"""Chains of the mixed regime: a mixed start for every state, as long as the window of steps asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from binlj.builders.analysis.window import WINDOW, longest_window
from binlj.builders.campaign.fixed_plan import Job
from binlj.builders.campaign.scheduler import order
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import Profile
from binlj.builders.records import store as stores
from binlj.builders.records.survey import by_chain, by_start
from binlj.grid import State

START = "mixed"
# No replica of the other stores has this number: their chains and these have different seeds.
REPLICA = 100
# The first segment only mixes, with one frame at its end; nothing of it lies in the window.
PIECES = ((WINDOW[0], WINDOW[0]), (9_000, 500), (WINDOW[1], 500))
ENOUGH = 9_000  # steps inside the window; segments of other lengths do not fill it to the last step


def plan(states: Sequence[State], *, store: Path, elsewhere: Mapping[State, int], profile: Profile) -> list[Job]:
    """The chains to run for the states whose window no chain of the other stores fills, in scattered order.

    Parameters
    ----------
    store : Path
        Of the mixed regime.
    elsewhere : mapping
        State -> steps inside the window that mixed chains of other stores have (:func:`window_steps`).
    profile : Profile
        Number of particles and length of the start procedure.
    """
    return [
        Job(Chain(state, START, REPLICA), profile.n, PIECES, store, profile.start_steps)
        for state in sorted(states, key=order)
        if elsewhere[state] < ENOUGH
    ]


def window_steps(states: Sequence[State], folders: Sequence[Path]) -> dict[State, int]:
    """Steps inside the window that the mixed chains of these stores have, the most of any chain; 0 without one."""
    found = {state.state_id: 0 for state in states}
    for folder in folders:
        if not folder.is_dir():
            continue
        chains = by_start(by_chain(stores.usable_records(folder, state_ids=found).records))
        for (state_id, start), members in chains.items():
            if start == START:
                found[state_id] = max(found[state_id], longest_window(members))
    return {state: found[state.state_id] for state in states}
