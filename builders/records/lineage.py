"""Branches: chains of one start that share a part of their history.

A chain goes on from its restart file. Where that is lost (another machine, a wiped disk) and only a configuration
from before its newest records is stored, the campaign goes on from there, as the next free replica. The branch
counts its steps on from the configuration's, so one axis of steps serves all chains of a *family*: the trunk, which
begins at step 0, and whatever branched off it. Nothing that was simulated is thrown away: a chain's records beyond
the step at which another took over are further samples.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from binlj.builders.records.record import SegmentRecord


def parent(replica: int, chains: Mapping[int, Sequence[SegmentRecord]]) -> int | None:
    """The replica that a chain branched from, or None if it is a trunk.

    It is the newest of the older replicas that have a record ending where the branch begins.

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


def families(chains: Mapping[int, Sequence[SegmentRecord]]) -> dict[int, list[int]]:
    """Trunk -> the replicas of its family (itself among them), in ascending order."""
    trunk: dict[int, int] = {}
    for replica in sorted(chains):
        older = parent(replica, chains)
        trunk[replica] = replica if older is None else trunk[older]
    result: dict[int, list[int]] = {}
    for replica, root in trunk.items():
        result.setdefault(root, []).append(replica)
    return result
