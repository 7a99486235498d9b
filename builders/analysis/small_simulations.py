"""Whether the small simulations behind a state's coexistence-seeded starts had settled."""

from __future__ import annotations

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.starts.coexistence_table import MIXED, Slabs, last_simulation
from binlj.grid import State


def still_mixing(state: State) -> bool:
    """Whether the last small simulation from the mixed side was still mixing when it ended (False without one).

    If so, that side began too pure, and both sides approached coexistence from the pure side.
    """
    last = last_simulation(state, MIXED)
    return last is not None and mixes(last)


def mixes(slabs: Slabs) -> bool:
    """Whether the phases come closer by a share of `criteria.MIN_APPROACH` or more from one half to the other."""
    widths = np.array([high - low for low, high in slabs.quarters])
    first, second = (half.mean() for half in np.array_split(widths, 2))
    return bool(first - second >= criteria.MIN_APPROACH * first)
