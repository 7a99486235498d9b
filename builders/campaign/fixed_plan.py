"""Running a fixed plan of chains, each with a given length and given segments, on a pool of threads.

LAMMPS is a process of its own, so threads are enough. Every segment writes its record before the next one begins, and
a run that was stopped or killed continues from the last record.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from binlj.builders.campaign.workers import run_task
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import Engine, deck_sha256, stop_all
from binlj.builders.md.profiles import Profile
from binlj.builders.records import store as stores
from binlj.builders.records.record import ChainKey, SegmentRecord, read_records
from binlj.errors import BinljError, DataError, EngineError


@dataclass(frozen=True)
class Job:
    """One chain of a plan.

    Attributes
    ----------
    chain : Chain
        Its seed is the derived one.
    n : int
        Particles.
    pieces : tuple of (int, int)
        (last step, frame interval) of each segment, ascending.
    store : Path
    start_steps : int
        Steps of the start procedure.
    exchanges, stretch : int
        Tries to exchange identities, per particle and frame; steps between them (0: from frame to frame).
    """

    chain: Chain
    n: int
    pieces: tuple[tuple[int, int], ...]
    store: Path
    start_steps: int
    exchanges: int = 0
    stretch: int = 0

    @property
    def key(self) -> ChainKey:
        return self.chain.state.state_id, self.chain.start, self.chain.replica

    @property
    def steps(self) -> int:
        return self.pieces[-1][0]

    def next_piece(self, step: int) -> tuple[int, int] | None:
        """(steps, frame interval) of what comes after `step`; None at the end."""
        return next(((end - step, every) for end, every in self.pieces if end > step), None)

    def profile(self, piece: tuple[int, int]) -> Profile:
        """A profile whose next segment is `piece`."""
        return Profile(
            "plan", self.n, self.start_steps, (), *piece, self.steps, exchanges=self.exchanges, stretch=self.stretch
        )  # fmt: skip


Records = dict[tuple[Path, ChainKey], list[SegmentRecord]]


def load(jobs: Sequence[Job]) -> Records:
    """The records that the jobs' stores hold of their chains.

    Raises
    ------
    DataError
        If a store's records are damaged, or of another size, seed or input scripts than the plan's.
    """
    found: Records = {}
    problems = []
    for store in dict.fromkeys(job.store for job in jobs):
        mine = [job for job in jobs if job.store == store]
        chains = stores.by_chain(stores.load_records(store, state_ids={job.key[0] for job in mine}))
        for job in mine:
            records = chains.get(job.key, [])
            for record in records[:1]:
                for what, got, want in (
                    ("N", record.n_A + record.n_B, job.n),
                    ("seed", record.seed, job.chain.base_seed),
                    ("exchanges", record.exchanges, job.exchanges),
                    ("input scripts", record.deck_sha256[:12], deck_sha256()[:12]),
                ):
                    if got != want:
                        problems.append(f"{store.name}/{job.chain.name}: {what} {got}, wanted {want}")
            found[store, job.key] = records
    if problems:
        raise DataError("records of an earlier run", problems, fix="give another --store")
    return found


def position(records: Sequence[SegmentRecord]) -> int:
    """The step at which a chain stands."""
    return records[-1].step_end if records else 0


def unfinished(jobs: Sequence[Job], records: Records) -> list[str]:
    """One line for every chain that has not come to its end."""
    lines = []
    for job in jobs:
        done = position(records[job.store, job.key])
        if job.next_piece(done) is not None:
            lines.append(f"{job.chain.name} (N = {job.n:,}): {done:,} of {job.steps:,} steps")
    return lines


def run(
    jobs: Sequence[Job],
    *,
    engine: Engine,
    workers: int,
    budget: float | None = None,
    as_given: bool = False,
    report: Callable[[Job, int, str], None] = lambda job, steps, message: None,
) -> list[str]:
    """Run all jobs to their ends; finished segments are not repeated.

    Parameters
    ----------
    workers : int
        LAMMPS runs at once.
    budget : float, optional
        Seconds after which no further segment is begun.
    as_given : bool
        Begin them in the order given, the most urgent first; else those begun first, then the longest.
    report : callable
        Called, from any thread, with a job, the steps just added (0 at first) and a few words.

    Returns
    -------
    list of str
        What is left, one line a chain; empty if all is done.

    Raises
    ------
    StoreBusyError
        If another process uses one of the stores.
    EngineError
        At the end, naming the chains whose LAMMPS failed; the others were continued.
    """
    deadline = None if budget is None else time.monotonic() + budget
    stop = threading.Event()
    failures: list[str] = []
    with ExitStack() as held:
        for store in dict.fromkeys(job.store for job in jobs):
            held.enter_context(stores.locked(store))
        records = load(jobs)

        def work(job: Job) -> None:
            step = position(records[job.store, job.key])
            while (piece := job.next_piece(step)) is not None:
                if stop.is_set() or (deadline is not None and time.monotonic() > deadline):
                    return
                (file,) = run_task(*job.key, (0, step), 1, job.profile(piece), engine, str(job.store))
                (record,) = read_records(Path(file))
                report(job, record.steps, f"step {record.step_end:,} of {job.steps:,}")
                step = record.step_end

        def cost(job: Job) -> tuple[bool, int]:
            done = position(records[job.store, job.key])
            return done == 0, job.n * (done - job.steps)

        ordered = jobs if as_given else sorted(jobs, key=cost)
        with ThreadPoolExecutor(workers) as pool:
            running: dict[Future[None], Job] = {pool.submit(work, job): job for job in ordered}
            pending = set(running)
            try:
                while pending:
                    done, pending = wait(pending, timeout=1.0, return_when=FIRST_COMPLETED)
                    for future in done:
                        try:
                            future.result()
                        except (BinljError, OSError) as error:
                            failures.append(f"{running[future].chain.name}: {error}")
                            report(running[future], 0, failures[-1])
            except BaseException:
                stop.set()
                for future in pending:
                    future.cancel()
                while wait(pending, timeout=0.2).not_done:
                    stop_all()  # their segments are redone next time
                raise
        left = unfinished(jobs, load(jobs))
    if failures:
        raise EngineError(
            f"{len(failures)} chain(s) failed; the others went on:\n" + "\n".join(f"  - {line}" for line in failures)
        )
    return left
