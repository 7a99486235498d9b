"""The three benchmark tracks: which states are for training and which are held out.

* *extrapolation*: T* = 0.6 and 1.4 are the test set (600 RDFs), the three temperatures between them
  the training set (900 RDFs), as in the paper.
* *interpolation*: a fixed 20 % of the states is the test set. Whole states are drawn, so that the
  three RDFs of a state never sit on both sides, and the draw is stratified: every combination of T*
  and S keeps the same share of test states.
* *offgrid*: all 500 states of the grid are the training set (1500 RDFs), the 100 states of
  :mod:`binlj.offgrid` the test set (300 RDFs).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from binlj.errors import InputError
from binlj.grid import State, grid
from binlj.offgrid import offgrid
from binlj.schema import TRACKS

EXTRAPOLATION_TEST_T = (0.6, 1.4)
INTERPOLATION_TEST_SHARE = 0.2
INTERPOLATION_SEED = "binlj-interpolation-1"


def check_track(track: str) -> str:
    """Return `track` if it exists.

    Raises
    ------
    InputError
        If it does not.
    """
    if track not in TRACKS:
        raise InputError(f"track {track!r}", ["no such track"], fix=f"use one of: {', '.join(TRACKS)}")
    return track


@cache
def split(track: str) -> tuple[tuple[State, ...], tuple[State, ...]]:
    """States of a track as ``(train, test)``, each sorted.

    Raises
    ------
    InputError
        If the track does not exist.
    """
    check_track(track)
    if track == "offgrid":
        return grid(), offgrid()
    if track == "extrapolation":
        test = {s for s in grid() if s.T in EXTRAPOLATION_TEST_T}
    else:
        test = _stratified(grid(), share=INTERPOLATION_TEST_SHARE, seed=INTERPOLATION_SEED)
    return tuple(s for s in grid() if s not in test), tuple(s for s in grid() if s in test)


def _stratified(states: Sequence[State], *, share: float, seed: str) -> set[State]:
    """Draw `share` of the states of each (T, S) stratum, ranked by a hash so that no RNG version matters."""
    strata: dict[tuple[float, float], list[State]] = {}
    for state in states:
        strata.setdefault((state.T, state.S), []).append(state)
    drawn: set[State] = set()
    for members in strata.values():
        ranked = sorted(members, key=lambda s: hashlib.sha256(f"{seed}|{s.state_id}".encode()).hexdigest())
        drawn.update(ranked[: round(share * len(members))])
    return drawn
