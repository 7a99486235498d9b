"""Running many chains by priority, on Parsl's workers, until the budget is spent or all is done."""

from __future__ import annotations

import atexit
import dataclasses
import errno
import importlib.util
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from binlj.builders import store as stores
from binlj.builders.assemble import Quality, assemble_state, quality
from binlj.builders.engine import Engine, deck_sha256, stop_all
from binlj.builders.profiles import Profile
from binlj.builders.records import ChainKey, SegmentRecord, read_records
from binlj.builders.scheduler import FIRST_PASS, Progress, Task, next_task
from binlj.builders.simulate import Chain, advance
from binlj.errors import BinljError, DataError, EngineError, InputError
from binlj.grid import State, parse_state_id

FREE_ROOM = "free some room and run the same command again"
SITES = Path(__file__).parent / "sites"
CLEANUP_SECONDS = 20  # for cancelling jobs at the end
MAX_LOSSES = 3  # workers a chain may lose (node failures, cancelled jobs) before it is left alone


@dataclass
class Situation:
    """What the store holds, kept up to date while the campaign runs."""

    records: dict[ChainKey, list[SegmentRecord]]
    quality: dict[State, Quality] = field(default_factory=dict)

    def chains(self) -> dict[ChainKey, Progress]:
        return {
            key: Progress(_segments(members), members[-1].step_end)
            for key, members in self.records.items()
            if members
        }

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


def _segments(members: Sequence[SegmentRecord]) -> int:
    # Merged records hold four segments; it only matters whether the first pass is over.
    return len(members)


@dataclass(frozen=True)
class Outcome:
    """How a campaign run ended."""

    tasks: int
    segments: int
    loop_seconds: float
    wall_seconds: float
    failures: tuple[str, ...]
    finished: bool  # nothing was left to do


def load_site(site: str, *, workers: int, run_dir: Path) -> Any:
    """Parsl configuration of a site: the name of a file in ``builders/sites/``, or a path to one.

    The file defines ``config(workers, run_dir) -> parsl.Config``. It is your own code: it is executed.

    Raises
    ------
    InputError
        If there is no such file, or it defines no ``config``.
    """
    path = Path(site) if site.endswith(".py") else SITES / f"{site}.py"
    known = ", ".join(sorted(p.stem for p in SITES.glob("*.py") if p.stem != "__init__"))
    if not path.is_file():
        raise InputError(
            f"site {site!r}",
            [f"no file {path}"],
            fix=f"use one of: {known}; or the path of your own site file",
        )
    spec = importlib.util.spec_from_file_location(f"binlj_site_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "config"):
        raise InputError(
            path, ["defines no function config(workers, run_dir)"], fix=f"see the ones in {SITES}"
        )
    return module.config(workers=workers, run_dir=run_dir)


def run_task(
    state_id: str,
    start: str,
    replica: int,
    done: tuple[int, int],
    segments: int,
    profile: Profile,
    engine: Engine,
    store: str,
) -> list[str]:
    """What a worker does: advance one chain. Plain arguments, so that it also travels to other machines."""
    chain = Chain(parse_state_id(state_id), start, replica)
    root = Path(store)
    folder = root / "work" / chain.name
    key = (state_id, start, replica)
    configuration = None
    if done[1] and not any(folder.glob("step-*.restart")):
        configuration = stores.find_configuration(root, key, step=done[1])
    paths = advance(
        chain,
        profile=profile,
        engine=engine,
        folder=folder,
        records=root / "loose",
        done=done,
        segments=segments,
        configuration=configuration,
    )
    return [str(path) for path in paths]


@contextmanager
def _parsl(config: Any) -> Iterator[Callable[..., Future]]:
    import parsl

    with _scripts_on_path():
        # Ctrl-C reaches the whole process group. Parsl's interchange has to outlive it, to cancel the jobs;
        # what is ignored when it starts stays ignored.
        with _ignoring(signal.SIGINT):
            kernel = parsl.load(config)
        try:
            yield parsl.python_app(run_task)
        finally:
            # Without its interchange (it can be killed too) Parsl's own cleanup would wait for ever.
            cleanup = threading.Thread(target=kernel.cleanup, daemon=True)
            cleanup.start()
            cleanup.join(CLEANUP_SECONDS)
            if cleanup.is_alive():
                atexit.unregister(kernel.atexit_cleanup)
            parsl.clear()


@contextmanager
def _scripts_on_path() -> Iterator[None]:
    """Parsl starts its own scripts by name; they stand beside Python, also where no environment is activated."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextmanager
def _ignoring(number: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


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
        If the store's records are damaged, or made by other decks or for another number of particles.
    """
    began = time.monotonic()
    deadline = began + budget if budget is not None else None
    with stores.locked(store):
        situation = load_situation(store, profile)
        report(situation, 0, f"{sum(map(len, situation.records.values()))} records read")
        config = load_site(site, workers=workers, run_dir=store / "work" / "parsl")
        running: dict[Future, tuple[Task, float]] = {}
        failed: set[ChainKey] = set()
        failures: list[str] = []
        losses: Counter[ChainKey] = Counter()
        seconds_per_step: list[float] = []
        tasks = segments = 0
        loop = 0.0
        stop = threading.Event()
        with _terminating(stop), _parsl(config) as submit:
            try:
                while True:
                    while (
                        len(running) < workers
                        and not stop.is_set()
                        and (max_tasks is None or tasks < max_tasks)
                    ):
                        task = next_task(
                            states,
                            situation.chains(),
                            situation.quality,
                            profile,
                            replica=replica,
                            phases=phases,
                            busy=frozenset(t.key for t, _ in running.values()),
                            failed=frozenset(failed),
                        )
                        if task is None or _too_long(task, profile, seconds_per_step, deadline):
                            break
                        future = submit(
                            *task.key,
                            dataclasses.astuple(task.done),
                            task.segments,
                            profile,
                            engine,
                            str(store.resolve()),
                        )
                        running[future] = (task, time.monotonic())
                        tasks += 1
                    if not running:
                        break
                    finished, _ = wait(running, timeout=1.0, return_when=FIRST_COMPLETED)
                    report(situation, len(running), "")
                    if stop.is_set() or (deadline is not None and time.monotonic() > deadline):
                        break
                    for future in finished:
                        task, since = running.pop(future)
                        try:
                            new = [r for path in future.result() for r in read_records(Path(path))]
                        except (BinljError, OSError) as error:
                            failed.add(task.key)
                            failures.append(f"{task.chain.name}: {error}")
                            report(situation, len(running), failures[-1])
                            if isinstance(error, OSError) and error.errno == errno.ENOSPC:
                                full = f"the disk of {store} is full\n  fix: {FREE_ROOM}"
                                raise EngineError(full) from error
                            continue
                        except _broken_pool() as error:
                            # Parsl gives up when its last blocks (jobs) all failed.
                            raise EngineError(
                                f"the workers of site {site!r} cannot be started: {_first_lines(error)}\n"
                                f"  log: {store / 'work' / 'parsl'}\n  fix: the site file, or the cluster; then "
                                "run the same command again, every record is kept"
                            ) from error
                        except _lost_worker() as error:
                            losses[task.key] += 1
                            # What it finished before is on disk.
                            situation.refresh(
                                task.key[0], stores.load_records(store, state_ids=[task.key[0]])
                            )
                            message = f"{task.chain.name}: lost its worker ({error})"
                            if losses[task.key] >= MAX_LOSSES:
                                failed.add(task.key)
                                failures.append(f"{message}, {MAX_LOSSES} times")
                            report(situation, len(running), message)
                            continue
                        seconds_per_step.append((time.monotonic() - since) / sum(r.steps for r in new))
                        segments += len(new)
                        loop += sum(r.loop_seconds for r in new)
                        situation.add(new)
                        report(situation, len(running), "")
            finally:
                stop_all()  # nothing runs here unless the budget is spent or we were stopped
        left = next_task(
            states, situation.chains(), situation.quality, profile, replica=replica, phases=phases
        )
    if stop.is_set():
        raise KeyboardInterrupt
    return Outcome(tasks, segments, loop, time.monotonic() - began, tuple(failures), left is None)


def _lost_worker() -> tuple[type[Exception], ...]:
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    return ManagerLost, WorkerLost


def _broken_pool() -> type[Exception]:
    from parsl.executors.errors import BadStateException

    return BadStateException


def _first_lines(error: Exception, n: int = 6) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return "; ".join(lines[:n])[:600]


def load_situation(store: Path, profile: Profile) -> Situation:
    """Read a store and assess every state that has two segments.

    Raises
    ------
    DataError
        If records are damaged, or belong to other decks or another number of particles than `profile`'s.
    """
    records = stores.load_records(store)
    deck = deck_sha256()
    problems = []
    for record in records:
        name = stores.chain_name(record.chain)
        if record.deck_sha256 != deck:
            problems.append(
                f"{name}: made by decks {record.deck_sha256[:12]}, these are {deck[:12]}"
            )
        if record.n_A + record.n_B != profile.n:
            problems.append(
                f"{name}: N = {record.n_A + record.n_B}, profile {profile.name} has {profile.n}"
            )
    if problems:
        raise DataError(
            store,
            sorted(set(problems)),
            fix="give another --store, or the decks and profile these records were made with",
        )
    situation = Situation(stores.by_chain(records))
    for state in sorted({r.state for r in records}):
        situation.assess(state)
    return situation


def _too_long(
    task: Task, profile: Profile, seconds_per_step: Sequence[float], deadline: float | None
) -> bool:
    if deadline is None:
        return False
    left = deadline - time.monotonic()
    recent = sorted(seconds_per_step[-20:])
    if not recent:
        return left <= 0
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
