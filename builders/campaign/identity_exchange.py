"""Chains with identity exchange: two starts of every mixture of particles of equal size whose plain dynamics is slow.

Where S = 1, exchanges (:mod:`binlj.builders.md.exchange`) replace diffusion, which is what droplets, slabs and their
surroundings need so long for. The pure and the mixed start then meet within a few thousand steps, or show two states
that are both stable. Once a state has records of this kind, its plain ones do not count any more
(:func:`binlj.builders.records.survey.counted`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from binlj.builders.analysis.assemble import StateResult
from binlj.builders.campaign.fixed_plan import Job
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import Profile
from binlj.grid import State

STARTS = ("separated", "mixed")
REPLICA = 200  # no chain of plain dynamics has this number: the seeds differ
EXCHANGES = 100  # tries per particle and frame: more than are accepted until the composition has settled
FRAMES = 500  # steps
LENGTHS = (2_000, 7_000, 12_000, 17_000, 22_000)  # ends of the segments of the first round
FURTHER = 5_000  # steps of every further round


def wanted(results: Mapping[State, StateResult]) -> list[State]:
    """The states to simulate this way, the most useful first: not converged, then homogeneous, then demixed ones.

    Those that have converged from one start are left alone: they are stable mixtures.
    """
    found = [
        (result.converged, result.phase == "demixed", -(result.start_gap or 0.0), state)
        for state, result in results.items()
        if state.S == 1.0 and state.eps_AB < 1.0 and not (result.converged and result.start_gap is None)
    ]
    return [state for *_, state in sorted(found)]


def plan(states: Sequence[State], *, store: Path, profile: Profile, results: Mapping[State, StateResult]) -> list[Job]:
    """Both chains of each state; longer ones where a round has ended without convergence.

    Parameters
    ----------
    states : sequence of State
    store : Path
        Of the campaign; the new chains join it.
    profile : Profile
        Number of particles and length of the start procedure.
    results : mapping
        What the store's records say of the states.
    """
    return [
        Job(Chain(state, start, REPLICA), profile.n, _pieces(results.get(state)), store, profile.start_steps, EXCHANGES)
        for state in states
        for start in STARTS
    ]


def _pieces(result: StateResult | None) -> tuple[tuple[int, int], ...]:
    ends = list(LENGTHS)
    if result is not None and result.exchanges and not result.converged:
        while ends[-1] <= result.longest_chain_steps:
            ends.append(ends[-1] + FURTHER)
    return tuple((end, FRAMES) for end in ends)
