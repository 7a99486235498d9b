"""Chains with identity exchange: two or three starts of every mixture whose plain dynamics is slow.

Exchanges (:mod:`binlj.builders.md.exchange`) replace diffusion, which is what droplets, slabs and their surroundings
need so long for. A start from the pure and one from the mixed side then meet, or show two states that are both stable.
From the mixed side S = 1 has the mixed start, which coarsens within a few thousand steps. Unequal particles exchange
more slowly and take many times as long to coarsen, so that they have the supersaturated start there, whose two phases
are in place. Once a state has long enough chains of this kind, its plain ones do not count any more
(:func:`binlj.builders.records.survey.counted`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from binlj.builders.analysis.assemble import StateResult
from binlj.builders.analysis.quality import quality
from binlj.builders.analysis.small_simulations import still_mixing
from binlj.builders.campaign.fixed_plan import Job
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import Profile
from binlj.builders.records.record import ChainKey
from binlj.builders.starts.coexistence_table import start_phases
from binlj.builders.starts.geometry import EITHER, encloses_a
from binlj.grid import State

REPLICA = 200  # no chain of plain dynamics has this number: the seeds differ
# Tries per particle and frame, and steps from frame to frame. Where S = 1, the composition settles within the tries of
# one frame. Where not, few sites have room for the other species; the tries use these up, and dynamics makes new room.
EQUAL = 100, 500
UNEQUAL = 200, 100
STRETCH = 25  # steps after which unequal particles have found other room; what one frame's tries are divided into
# At T* above these multiples of |ln S|, for B larger and smaller than A, exchanges outrun diffusion.
ROOM = 1.7, 1.1
LENGTHS = (2_000, 7_000, 12_000, 17_000, 22_000)  # ends of the segments of the first round
FURTHER = 10_000  # steps of a further round


def possible(state: State) -> bool:
    """Whether A and B are two substances, and differ so little in size at this temperature that exchanges succeed."""
    if state.S == state.eps_AB == 1.0:
        return False
    larger, smaller = ROOM
    return (larger if state.S > 1.0 else smaller) * abs(math.log(state.S)) < state.T


def replica(state: State, result: StateResult | None = None) -> int:
    """Number of the chains; those that enclose the A-rich phase have a higher one than slabs had.

    Slabs go on where the state has become homogeneous: they have to dissolve in any case.
    """
    if result is not None and result.exchanges and result.phase != "demixed" and "A-" not in result.geometry:
        return REPLICA
    return EITHER if encloses_a(state) else REPLICA


def stretch(state: State) -> int:
    """Steps between exchanges; 0 for those from frame to frame."""
    return 0 if state.S == 1.0 else STRETCH


def starts(state: State, result: StateResult | None = None) -> tuple[str, ...]:
    """A start from the pure and one from the mixed side; a third from the pure side where the first of it lags.

    From the mixed side it is the supersaturated start where there are two phases to begin with, for S = 1 only once
    the separated and the mixed start differ: a mixed start may coarsen into another body than the one with the least
    surface, and keep it. The phases of the saturated start contain some of the other species already, so that they are
    closer to coexistence. The pure phases of the separated start need many exchanges to get there.
    """
    known = result if result is not None and result.exchanges else None
    differ = known is not None and bool(known.rival)
    seeded = (state.S != 1.0 or differ) and start_phases(state, "supersaturated") is not None
    both = "separated", "supersaturated" if seeded else "mixed"
    if known is None or state.S == 1.0 or start_phases(state, "saturated") is None or still_mixing(state):
        return both
    begun = "saturated" in {*known.start.split("+"), known.compared_with, known.waits_for}
    return (*both, "saturated") if begun or known.waits_for == "separated" else both


def wanted(results: Mapping[State, StateResult]) -> list[State]:
    """The states to simulate this way: not converged (thin slabs of A first), homogeneous and demixed ones.

    Those that have converged from one start are left alone: they are stable mixtures.
    """
    found = [
        (result.converged, not result.thin_slab, result.phase == "demixed", state.S != 1.0,
         -(result.start_gap or 0.0), state)
        for state, result in results.items()
        if possible(state) and not (result.converged and result.start_gap is None)
    ]
    return [state for *_, state in sorted(found)]


def plan(
    states: Sequence[State],
    *,
    store: Path,
    profile: Profile,
    results: Mapping[State, StateResult],
    steps: Mapping[ChainKey, int],
) -> list[Job]:
    """The chains of each state; after the first round those that convergence waits for, each a round further.

    A published chain that has become less than half as long as another goes on too, in case it moves after all.

    Parameters
    ----------
    states : sequence of State
    store : Path
        Of the campaign; the new chains join it.
    profile : Profile
        Number of particles and length of the start procedure.
    results : mapping
        What the store's records say of the states.
    steps : mapping
        Chain -> the step at which it stands.
    """
    jobs = []
    for state in states:
        tries, every = EQUAL if state.S == 1.0 else UNEQUAL
        result = results.get(state)
        chains = [Chain(state, start, replica(state, result)) for start in starts(state, result)]
        at = {chain: steps.get(chain.key, 0) for chain in chains}
        begin = [chain for chain in chains if at[chain] < LENGTHS[-1]]
        if begin:
            chains = begin
        elif result is not None:
            published = result.start.split("+")
            waits = _waits_for(result)
            waits |= {chain.start for chain in chains if chain.start in published and 2 * at[chain] < max(at.values())}
            chains = [] if result.converged else [chain for chain in chains if chain.start in waits] or chains
        for chain in chains:
            ends = LENGTHS if at[chain] < LENGTHS[-1] else (*LENGTHS, at[chain] + FURTHER)
            pieces = tuple((end, every) for end in ends)
            jobs.append(Job(chain, profile.n, pieces, store, profile.start_steps, tries, stretch(state)))
    return jobs


def _waits_for(result: StateResult) -> set[str]:
    """Starts that must go on for a state to converge: the one that differs, and the published ones if too short."""
    lacking = quality(result)
    published = set(result.start.split("+"))
    short = not result.rival or max(lacking.production, lacking.error) > 1
    return {result.waits_for} | (published if short else set())
