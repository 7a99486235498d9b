"""Running many chains by priority, on Parsl's workers, until the budget is spent or all is done."""

from __future__ import annotations

import errno
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from binlj.builders.analysis.assemble import assemble_state
from binlj.builders.analysis.quality import Quality, quality
from binlj.builders.campaign.scheduler import FIRST_PASS, Progress, Task, next_task
from binlj.builders.campaign.workers import broken_pool, load_site, lost_worker, submitting
from binlj.builders.md.engine import Engine, deck_sha256, stop_all
from binlj.builders.md.profiles import Profile
from binlj.builders.md.segment import restart_path
from binlj.builders.records import lineage
from binlj.builders.records import store as stores
from binlj.builders.records.record import ChainKey, SegmentRecord, read_records
from binlj.builders.records.survey import repair_advice
from binlj.errors import BinljError, DataError, EngineError, InputError
from binlj.grid import State, parse_state_id

FREE_ROOM = "free some room and run the same command again"
MAX_LOSSES = 3  # workers a chain may lose (node failures, cancelled jobs) before it is left alone


@dataclass
class Situation:
    """What the store holds, kept up to date while the campaign runs.

    Attributes
    ----------
    records : dict
        Chain -> its records.
    quality : dict
        Of the states that have two segments or more.
    stored : mapping
        Chain -> steps of which a configuration is stored.
    resumable : set of chains
        Those that have a restart file, or a configuration of the step they stand at.
    gaps : mapping
        (State id, start) -> its missing records. Nothing continues there.
    """

    records: dict[ChainKey, list[SegmentRecord]]
    quality: dict[State, Quality] = field(default_factory=dict)
    stored: Mapping[ChainKey, set[int]] = field(default_factory=dict)
    resumable: set[ChainKey] = field(default_factory=set)
    gaps: Mapping[tuple[str, str], list[str]] = field(default_factory=dict)

    def chains(self) -> dict[ChainKey, Progress]:
        """Progress of every chain that is no restart, and where it goes on."""
        return {
            (*key, root): self._progress(key, root, related, lineage.lines(chains))
            for key, chains in stores.by_start(self.records).items()
            for root, related in lineage.lineages(chains).items()
        }

    def _progress(
        self, key: tuple[str, str], root: int, related: Sequence[int], lines: Mapping[int, list[SegmentRecord]]
    ) -> Progress:
        """The line that goes on, a new restart where none can, the root as it stands where nothing is stored."""
        able = [replica for replica in related if (*key, replica) in self.resumable]
        if able:
            replica = max(able, key=lambda r: (lines[r][-1].step_end, r))
            return Progress(len(lines[replica]), lines[replica][-1].step_end, replica)
        known = stores.steps_of_lineage(self.stored, key, related)
        points = ((record.step_end, r, i) for r in related for i, record in enumerate(lines[r]))
        ends = [point for point in points if point[0] in known]
        if ends:
            step, _, index = max(ends)
            hundred = root // 100  # chains with exchanges, and of another geometry, are counted from another one
            return Progress(index + 1, step, max(r for r in lines if r // 100 == hundred) + 1)
        return Progress(len(lines[root]), lines[root][-1].step_end)

    def add(self, new: Sequence[SegmentRecord]) -> None:
        for record in new:
            self.records.setdefault(record.chain, []).append(record)
            self.records[record.chain].sort(key=lambda r: r.step_start)
        for state_id in {r.state_id for r in new}:
            self.assess(parse_state_id(state_id))

    def refresh(self, state_id: str, records: Sequence[SegmentRecord]) -> None:
        """Take a state's records anew from disk."""
        for key in [k for k in self.records if k[0] == state_id]:
            del self.records[key]
        self.add(records)

    def assess(self, state: State) -> None:
        mine = [
            r
            for (state_id, _, _), members in self.records.items()
            if state_id == state.state_id
            for r in members
        ]
        if len(mine) >= FIRST_PASS:
            self.quality[state] = quality(assemble_state(state, mine))


@dataclass(frozen=True)
class Outcome:
    """How a campaign run ended."""

    tasks: int
    segments: int
    loop_seconds: float
    wall_seconds: float
    failures: tuple[str, ...]
    finished: bool  # nothing was left to do


def run(
    store: Path,
    states: Sequence[State],
    *,
    profile: Profile,
    engine: Engine,
    workers: int,
    budget: float | None = None,
    site: str = "local",
    replica: int = 0,
    phases: frozenset[int] = frozenset({1, 2, 3}),
    max_tasks: int | None = None,
    report: Callable[[Situation, int, str], None] = lambda situation, running, message: None,
) -> Outcome:
    """Run a campaign until it is done or `budget` seconds have passed.

    Segments that cannot finish in the budget are not begun; one that still runs at its end is stopped
    and redone next time. A chain whose LAMMPS fails is left alone for this run and reported; one whose
    worker is lost (a node fails, a job is cancelled) goes on from its last record elsewhere.

    Raises
    ------
    StoreBusyError
        If another campaign uses the store.
    DataError
        If the store's records are damaged, or made by other input scripts or for another number of particles.
    InputError
        If `replica` is the number of a restart.
    """
    began = time.monotonic()
    deadline = began + budget if budget is not None else None
    with stores.locked(store):
        situation = load_situation(store, profile)
        _check_replica(situation.records, replica)
        report(situation, 0, f"{sum(map(len, situation.records.values()))} records read")
        config = load_site(site, workers=workers, run_dir=store / "work" / "parsl")
        running: dict[Future, tuple[Task, float]] = {}
        tally = _Tally(
            failed={(*start, replica) for start in situation.gaps},
            failures=[
                f"{line}\n    fix: {repair_advice(store)}"
                for (state_id, _), lines in situation.gaps.items()
                if parse_state_id(state_id) in states
                for line in lines
            ],
        )
        for message in tally.failures:
            report(situation, 0, message)
        stop = threading.Event()

        def choose(busy: Iterable[Task] = (), failed: Iterable[ChainKey] = ()) -> Task | None:
            return next_task(
                states, situation.chains(), situation.quality, profile, replica=replica, phases=phases,
                busy=frozenset(t.key for t in busy), failed=frozenset(failed),
            )  # fmt: skip

        with _terminating(stop), submitting(config) as submit:
            try:
                while True:
                    while (
                        len(running) < workers
                        and not stop.is_set()
                        and (max_tasks is None or tally.tasks < max_tasks)
                    ):
                        task = choose((t for t, _ in running.values()), tally.failed)
                        if task is None or _too_long(task, profile, tally.seconds_per_step, deadline):
                            break
                        done = (task.done.segments, task.done.step)
                        future = submit(*task.chain.key, done, task.segments, profile, engine, str(store.resolve()))
                        running[future] = (task, time.monotonic())
                        tally.tasks += 1
                    if not running:
                        break
                    finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                    report(situation, len(running), "")
                    if stop.is_set() or (deadline is not None and time.monotonic() > deadline):
                        break
                    for future in finished:
                        task, since = running.pop(future)
                        message = _collect(future, task, since, tally, situation, store=store, site=site)
                        report(situation, len(running), message)
            finally:
                stop_all()  # nothing runs here unless the budget is spent or we were stopped
        left = choose()
    if stop.is_set():
        raise KeyboardInterrupt
    wall = time.monotonic() - began
    return Outcome(
        tally.tasks, tally.segments, tally.loop_seconds, wall, tuple(tally.failures), left is None
    )


@dataclass
class _Tally:
    """What a run has done so far."""

    tasks: int = 0
    segments: int = 0
    loop_seconds: float = 0.0
    seconds_per_step: list[float] = field(default_factory=list)
    failed: set[ChainKey] = field(default_factory=set)
    failures: list[str] = field(default_factory=list)
    losses: Counter[ChainKey] = field(default_factory=Counter)


def _collect(
    future: Future, task: Task, since: float, tally: _Tally, situation: Situation, *, store: Path, site: str
) -> str:
    """Take in a finished task; what is worth saying about it, or nothing.

    Raises
    ------
    EngineError
        If going on makes no sense: the disk is full, or the site's workers cannot be started.
    """
    try:
        new = [r for path in future.result() for r in read_records(Path(path))]
    except (BinljError, OSError) as error:
        tally.failed.add(task.key)
        tally.failures.append(f"{task.chain.name}: {error}")
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise EngineError(f"the disk of {store} is full\n  fix: {FREE_ROOM}") from error
        return tally.failures[-1]
    except broken_pool() as error:
        # Parsl gives up when its last blocks (jobs) all failed.
        raise EngineError(
            f"the workers of site {site!r} cannot be started: {_first_lines(error)}\n"
            f"  log: {store / 'work' / 'parsl'}\n  fix: the site file, or the cluster; then "
            "run the same command again, every record is kept"
        ) from error
    except lost_worker() as error:
        tally.losses[task.key] += 1
        # What it finished before is on disk.
        situation.refresh(task.key[0], stores.usable_records(store, state_ids=[task.key[0]]).records)
        situation.resumable |= {task.chain.key} & set(situation.records)
        message = f"{task.chain.name}: lost its worker ({error})"
        if tally.losses[task.key] >= MAX_LOSSES:
            tally.failed.add(task.key)
            tally.failures.append(f"{message}, {MAX_LOSSES} times")
        return message
    tally.seconds_per_step.append((time.monotonic() - since) / sum(r.steps for r in new))
    tally.segments += len(new)
    tally.loop_seconds += sum(r.loop_seconds for r in new)
    situation.add(new)
    situation.resumable.add(task.chain.key)
    return ""


def _first_lines(error: Exception, n: int = 6) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines[:n])[:600]


def load_situation(store: Path, profile: Profile) -> Situation:
    """Read a store and assess every state that has two segments; records behind a missing one are left out.

    Raises
    ------
    DataError
        If records are damaged, or belong to other input scripts or another number of particles than `profile`'s.
    """
    found = stores.usable_records(store)
    records = found.records
    ours = deck_sha256()
    problems = []
    for record in records:
        name = stores.chain_name(record.chain)
        if record.deck_sha256 != ours:
            problems.append(
                f"{name}: made by input scripts {record.deck_sha256[:12]}, these are {ours[:12]}"
            )
        if record.n_A + record.n_B != profile.n:
            problems.append(
                f"{name}: N = {record.n_A + record.n_B}, profile {profile.name} has {profile.n}"
            )
    if problems:
        raise DataError(
            store,
            sorted(set(problems)),
            fix="give another --store, or the input scripts and profile these records were made with",
        )
    chains = stores.by_chain(records)
    stored = stores.stored_steps(store, records, n=profile.n)
    situation = Situation(chains, stored=stored, resumable=_resumable(store, chains, stored), gaps=found.gaps)
    for state in sorted({r.state for r in records}):
        situation.assess(state)
    return situation


def _check_replica(records: Mapping[ChainKey, Sequence[SegmentRecord]], replica: int) -> None:
    taken = [key for key, members in records.items() if key[2] == replica and members[0].step_start > 0]
    if taken:
        free = max(key[2] for key in records) + 1
        raise InputError(
            f"--replica {replica}",
            [f"{stores.chain_name(key)} is a restart of another chain" for key in sorted(taken)[:5]],
            fix=f"restarts go on with their root's number (0); {free} is the next that no chain has",
        )


def _resumable(
    store: Path, chains: Mapping[ChainKey, list[SegmentRecord]], stored: Mapping[ChainKey, set[int]]
) -> set[ChainKey]:
    return {
        (*key, replica)
        for key, replicas in stores.by_start(chains).items()
        for related in lineage.lineages(replicas).values()
        for replica in related
        if replicas[replica][-1].step_end in stores.steps_of_lineage(stored, key, related)
        or restart_path(
            store / "work" / stores.chain_name((*key, replica)), replicas[replica][-1].step_end
        ).is_file()
    }


def _too_long(
    task: Task, profile: Profile, seconds_per_step: Sequence[float], deadline: float | None
) -> bool:
    if deadline is None:
        return False
    left = deadline - time.monotonic()
    recent = sorted(seconds_per_step[-20:])
    if not recent:
        return left <= 0
    profile = profile.of(task.chain.start)
    steps = sum(profile.segment(task.done.segments + i)[0] for i in range(task.segments))
    return steps * recent[len(recent) // 2] > left


@contextmanager
def _terminating(stop: threading.Event) -> Iterator[None]:
    """Turn SIGINT and SIGTERM into a clean stop, where signals can be caught at all."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {s: signal.signal(s, lambda *_: stop.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for s, handler in before.items():
            signal.signal(s, handler)
