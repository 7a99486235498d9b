"""The mixed regime: what a chain does within a fixed window of steps after a random start."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from binlj.builders.analysis.block_errors import Blocks
from binlj.builders.records import lineage
from binlj.builders.records.record import SegmentRecord

WINDOW = (4_000, 14_000)  # steps after the start procedure: the first 70 tau of mixing, not equilibrium


def window_blocks(records: Sequence[SegmentRecord], *, window: tuple[int, int] = WINDOW) -> tuple[Blocks, int]:
    """Blocks of a chain that lie inside the window, and how many steps they span.

    Parameters
    ----------
    records : sequence of SegmentRecord
        A chain's from step 0 on, in order.
    window : (int, int)
        First and last step.

    Returns
    -------
    blocks : Blocks
        None of those that begin before the window or end after it.
    steps : int
        At most the window's length.
    """
    if not records:
        raise ValueError("a chain without records has no window")
    counts, ideal, frames, steps = [], [], [], 0.0
    for record in records:
        length = record.steps / record.n_blocks
        begin = record.step_start + length * np.arange(record.n_blocks)
        inside = (begin >= window[0]) & (begin + length <= window[1])
        counts.append(record.counts[inside])
        ideal.append(record.ideal_counts()[inside])
        frames.append(np.full(int(inside.sum()), record.n_frames // record.n_blocks))
        steps += length * inside.sum()
    of_block = np.concatenate(frames)
    blocks = Blocks(np.concatenate(counts), np.concatenate(ideal), of_block, np.zeros(len(of_block), dtype=int))
    return blocks, round(steps)


def longest_window(chains: Mapping[int, Sequence[SegmentRecord]], *, window: tuple[int, int] = WINDOW) -> int:
    """Steps inside the window of the mixed chain (its history, restarts included) that has the most of them.

    Parameters
    ----------
    chains : mapping
        replica -> its records in order, all of one state and of mixed starts.
    """
    return max((window_blocks(line, window=window)[1] for line in lineage.lines(chains).values()), default=0)
