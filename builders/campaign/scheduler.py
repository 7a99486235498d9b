"""What to simulate next: a pure function of what the store already holds.

Three passes: (1) every state gets its first two segments from a mixed start; (2) where that pass shows
demixing, solid order or drift, the separated start gets its first two; (3) one more segment for the state
that is most urgent (:attr:`binlj.builders.analysis.quality.Quality.urgency`), until all have converged or their
chains have reached the profile's last step. Where the two starts differ, those from between them are begun in this
pass. States published as a slab although their A-rich phase is the smaller body get a separated and a supersaturated
start in which it is inside, with chains of their own numbers. States that were simulated with identity exchange are
left alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from binlj.builders.analysis import criteria
from binlj.builders.analysis.quality import Quality
from binlj.builders.md.chain import Chain
from binlj.builders.md.profiles import Profile
from binlj.builders.records.record import ChainKey
from binlj.builders.starts.coexistence_table import start_phases
from binlj.builders.starts.geometry import EITHER
from binlj.builders.starts.kinds import FIRST_ROUND
from binlj.grid import State

STARTS = "mixed", "separated", *FIRST_ROUND  # those that go on: the second round settles no state any more
BODIES = EITHER + 100  # is added to the number of chains in which the A-rich phase is inside (EITHER: with exchange)
FIRST_PASS = 2  # segments of a chain in the first two passes
JUDGED_BY = criteria.MIN_HEAD_STEPS + 2 * criteria.MIN_STEPS_TO_JUDGE  # steps of a chain from between the two starts


@dataclass(frozen=True)
class Progress:
    """How far a chain is, its restarts included (:mod:`binlj.builders.records.lineage`).

    Attributes
    ----------
    segments, step : int
        Segments, and the step at which the newest ends.
    restart : int, optional
        The replica that goes on, where it is not the chain itself.
    """

    segments: int
    step: int
    restart: int | None = None


NOT_BEGUN = Progress(0, 0)


@dataclass(frozen=True)
class Task:
    """The next piece of work: `segments` more segments of a chain, or of the restart that goes on for it."""

    root: Chain
    done: Progress
    segments: int
    phase: int
    urgency: tuple[int, float]

    @property
    def chain(self) -> Chain:
        return self.root if self.done.restart is None else replace(self.root, replica=self.done.restart)

    @property
    def key(self) -> ChainKey:
        """Of the root: what is busy, or has failed."""
        return self.root.key


def order(state: State) -> str:
    """Position of a state in the first passes: scattered, so that any part of the grid is a sample."""
    return hashlib.sha256(state.state_id.encode()).hexdigest()


def next_task(
    states: Sequence[State],
    chains: Mapping[ChainKey, Progress],
    quality: Mapping[State, Quality],
    profile: Profile,
    *,
    busy: frozenset[ChainKey] = frozenset(),
    failed: frozenset[ChainKey] = frozenset(),
    replica: int = 0,
    phases: frozenset[int] = frozenset({1, 2, 3}),
) -> Task | None:
    """The most urgent task, or None if nothing is left to do (or all of it is under way).

    Parameters
    ----------
    states : sequence of State
        The campaign's states.
    chains : mapping
        Progress of the chains that have records.
    quality : mapping
        Of the states that have two segments or more.
    busy, failed : frozenset of chain keys
        Under way, and given up in this run.
    """
    best: Task | None = None
    for state in sorted(states, key=order):
        for start, phase in (("mixed", 1), ("separated", 2)):
            key = (state.state_id, start, replica)
            done = chains.get(key, Progress(0, 0))
            if phase not in phases or key in busy or key in failed or done.segments >= FIRST_PASS:
                continue
            if phase == 2 and not (done.segments or (state in quality and quality[state].needs_second_start)):
                continue
            task = Task(Chain(state, start, replica), done, FIRST_PASS - done.segments, phase, (0, 0.0))
            if phase == 1:
                return task
            best = best or task
    if best is not None or 3 not in phases:
        return best
    for state in states:
        known = quality.get(state)
        if known is None or known.exchanged or known.converged:
            continue
        bodies = known.thin_slab or (state.state_id, "separated", replica + BODIES) in chains
        number = {start: replica + BODIES * (bodies and start != "mixed") for start in STARTS}
        keys = [(state.state_id, start, number[start]) for start in STARTS]
        if any(key in busy for key in keys):
            continue
        open_starts = {
            key[1]: chains.get(key, NOT_BEGUN)
            for key in keys
            if (key in chains or _may_begin(state, key[1], quality[state])) and key not in failed
            and chains.get(key, NOT_BEGUN).step < profile.max_steps
        }
        if not open_starts:
            continue
        start = _most_wanting(quality[state], open_starts)
        spent = sum(chains[key].step for key in keys if key in chains)
        urgency = _urgency(quality[state], start, open_starts, spent)
        task = Task(Chain(state, start, number[start]), open_starts[start], 1, 3, urgency)
        if best is None or task.urgency > best.urgency:
            best = task
    return best


def _may_begin(state: State, start: str, quality: Quality) -> bool:
    """Whether this start is one from between two that differ, and there is one; S = 1 has identity exchange instead.

    Where a slab is to be replaced, the separated and the supersaturated one.
    """
    if quality.thin_slab:
        return start == "separated" or (start == "supersaturated" and start_phases(state, start) is not None)
    apart = bool(quality.rival) and not quality.noisy and state.S != 1.0
    return start in FIRST_ROUND and apart and start_phases(state, start) is not None


def _short(start: str, starts: Mapping[str, Progress]) -> bool:
    return start in starts and starts[start].step < JUDGED_BY


def _urgency(quality: Quality, start: str, starts: Mapping[str, Progress], spent: int) -> tuple[int, float]:
    """That of the state, but where its starts differ, with what was `spent` on it: the steps of all its starts.

    A start not heard yet, which may close a gap at once, and a slab to be replaced come before gaps that stay. Of
    these a narrow one on which little was spent is first: one that has stayed for long may stay for good, and would
    take everybody else's steps.
    """
    if quality.thin_slab:
        return 1, -float(spent)
    group, value = quality.urgency
    if group:
        return group, value
    if start in FIRST_ROUND and _short(start, starts):
        return 1, value
    return 0, -(quality.gap + spent / criteria.MIN_PRODUCTION_STEPS)


def _most_wanting(quality: Quality, starts: Mapping[str, Progress]) -> str:
    """Which of a state's starts goes on.

    * Where a slab is to be replaced: the shorter of those with the body inside.
    * While the mixed and the separated one are too short to judge: the shorter of them.
    * Where their errors are too large to tell whether they differ: the shorter of the two.
    * Where they differ: the saturated one, and if that differs too, the supersaturated one, each until it is in the
      comparison (or would be, if it told anything).
    * The published one (the shorter of two that agree), until it has steps and small errors enough.
    * Then the one that has to come to it; once that is twice as long, the published one again, in case it moves.

    Where none of these can go on (failed, at the step limit, of the second round), that one, or else the shortest.
    """
    if quality.thin_slab:
        return min(starts, key=lambda start: (start == "mixed", starts[start].step, start))
    compared = {*quality.published.split("+"), quality.rival}
    waits_for = {quality.waits_for or quality.rival}
    if quality.undecided:
        wanted = {"mixed", "separated"}
    elif quality.noisy:
        wanted = compared
    elif quality.rival and (unheard := [n for n in FIRST_ROUND if n not in compared | waits_for and _short(n, starts)]):
        wanted = {unheard[0]}
    elif max(quality.production, quality.error) > 1 or not quality.rival:
        wanted = set(quality.published.split("+"))
    else:
        longest = max((starts[name].step for name in waits_for & starts.keys()), default=0)
        behind = {n for n in quality.published.split("+") if n in starts and 2 * starts[n].step < longest}
        wanted = behind or waits_for
    able = wanted & starts.keys() or waits_for & starts.keys() or starts
    return min(able, key=lambda start: (starts[start].step, start))
