"""Restart lineages: chains of one start that share a part of their history.

A chain continues from its restart file. Where that is lost (another machine, a wiped disk) and only a configuration
from before its newest records is stored, the campaign continues from there, as the next free replica: a *restart*. It
counts its steps on from the configuration's, so that one axis of steps serves all chains of a *restart lineage*: its
root, which begins at step 0, and the restarts from it. Nothing that was simulated is thrown away: a chain's records
beyond the step at which another took over are further samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from binlj.builders.records.record import SegmentRecord


def parent(replica: int, chains: Mapping[int, Sequence[SegmentRecord]]) -> int | None:
    """The replica that a chain was restarted from, or None if it is a root.

    It is the newest of the older replicas that have a record ending where the restart begins.

    Parameters
    ----------
    replica : int
    chains : mapping
        replica -> its records in order of steps, all of one state and start.

    Raises
    ------
    ValueError
        If no older replica has such a record.
    """
    begin = chains[replica][0].step_start
    if begin == 0:
        return None
    older = [r for r in chains if r < replica and any(record.step_end == begin for record in chains[r])]
    if not older:
        raise ValueError(f"steps 0 to {begin} are missing")
    return max(older)


def lines(chains: Mapping[int, Sequence[SegmentRecord]]) -> dict[int, list[SegmentRecord]]:
    """Each chain's whole history from step 0, in order: what it took over from its parents, then its own."""
    result: dict[int, list[SegmentRecord]] = {}
    for replica in sorted(chains):
        own, older = list(chains[replica]), parent(replica, chains)
        before = [] if older is None else [r for r in result[older] if r.step_end <= own[0].step_start]
        result[replica] = before + own
    return result


def lineages(chains: Mapping[int, Sequence[SegmentRecord]]) -> dict[int, list[int]]:
    """Root -> the replicas of its restart lineage (itself among them), in ascending order."""
    root_of: dict[int, int] = {}
    for replica in sorted(chains):
        older = parent(replica, chains)
        root_of[replica] = replica if older is None else root_of[older]
    result: dict[int, list[int]] = {}
    for replica, root in root_of.items():
        result.setdefault(root, []).append(replica)
    return result
