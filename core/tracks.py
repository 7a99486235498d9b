"""The tracks of the benchmark: which states are for training and which are held out.

* *extrapolation*: T* = 0.6 and 1.4 are the test set (600 RDFs), the three temperatures between them
  the training set (900 RDFs), as in the paper.
* *interpolation*: a fixed 20 % of the states is the test set. Whole states are drawn, so that the
  three RDFs of a state never sit on both sides, and the draw is stratified: every combination of T*
  and S keeps the same share of test states. Where S = eps_AB = 1 both species are alike, so that the
  states of one temperature are one substance at five labels: they are drawn together or not at all.
  Versions before 2.0.0 drew them one by one, with another seed.
* *offgrid*: all 500 states of the grid are the training set (1500 RDFs), the 100 states of
  :mod:`binlj.offgrid` the test set (300 RDFs).

Each exists in two regimes (:mod:`binlj.schema`), with the same states on the same sides.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from functools import cache

from binlj import __version__
from binlj.errors import InputError
from binlj.grid import State, grid
from binlj.offgrid import offgrid
from binlj.schema import TRACKS, major, track_name

EXTRAPOLATION_TEST_T = (0.6, 1.4)
INTERPOLATION_TEST_SHARE = 0.2
INTERPOLATION_SEED = "binlj-interpolation-2"
INTERPOLATION_SEED_1 = "binlj-interpolation-1"  # of versions before 2.0.0


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
def split(track: str, *, version: str = __version__) -> tuple[tuple[State, ...], tuple[State, ...]]:
    """States of a track as ``(train, test)``, each sorted.

    Parameters
    ----------
    track : str
        With or without its regime, e.g. ``interpolation`` or ``mixed_interpolation``.
    version : str
        Of the dataset, x.y.z: the interpolation track was drawn anew for 2.0.0.

    Raises
    ------
    InputError
        If the track does not exist.
    """
    name = track_name(check_track(track))
    if name == "offgrid":
        return grid(), offgrid()
    if name == "extrapolation":
        test = {s for s in grid() if s.T in EXTRAPOLATION_TEST_T}
    elif major(version) < 2:
        test = _stratified([(s,) for s in grid()], share=INTERPOLATION_TEST_SHARE, seed=INTERPOLATION_SEED_1)
    else:
        test = _stratified(_substances(grid()), share=INTERPOLATION_TEST_SHARE, seed=INTERPOLATION_SEED)
    return tuple(s for s in grid() if s not in test), tuple(s for s in grid() if s in test)


def _substances(states: Sequence[State]) -> list[tuple[State, ...]]:
    """States that are the same substance at the same temperature in one group, every other one alone."""
    groups: dict[object, list[State]] = {}
    for state in states:
        groups.setdefault(state.T if state.S == state.eps_AB == 1.0 else state, []).append(state)
    return [tuple(group) for group in groups.values()]


def _stratified(groups: Sequence[tuple[State, ...]], *, share: float, seed: str) -> set[State]:
    """Draw `share` of the states of each (T, S) stratum in whole groups.

    They come in the order of a hash, so that no RNG version matters; a group that no longer fits is passed over.
    """
    strata: dict[tuple[float, float], list[tuple[State, ...]]] = {}
    for group in groups:
        strata.setdefault((group[0].T, group[0].S), []).append(group)
    drawn: set[State] = set()
    for members in strata.values():
        left = round(share * sum(map(len, members)))
        for group in sorted(members, key=lambda g: hashlib.sha256(f"{seed}|{g[0].state_id}".encode()).hexdigest()):
            if len(group) <= left:
                drawn.update(group)
                left -= len(group)
    return drawn
