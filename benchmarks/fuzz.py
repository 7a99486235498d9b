"""Damage the files of a submission many times over and count what becomes of them. Run by hand.

``python benchmarks/fuzz.py --mutants 20000 --seed 0`` makes that many mutants of predictions, attributions,
metadata, segment records and the dataset's manifest (``tests/fuzz/mutations.py``). Each must be used as it stands or
be refused in one readable error that names the file. Anything else, such as a traceback, is printed with its number
and ends in exit code 1.

Starting a reading child for every parquet file would take half a second each. So workers read one mutant
after another in processes with the same limits on memory as that child. A mutant that ends a worker, or keeps
it longer than a minute, is read once more in the real way and must then be refused; these are counted.
"""

from __future__ import annotations

import argparse
import multiprocessing
import multiprocessing.connection
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "fuzz"))

from mutations import REFUSED, Files, Target, good_files, targets  # noqa: E402

from binlj.eval.sandbox import ENVIRONMENT  # noqa: E402
from binlj.progress import progress_bars  # noqa: E402

PATIENCE = 60.0  # seconds for one mutant
CRASHED = "refused, having crashed a worker"
FAILED = "FAILED"


def work(pipe: Connection, dataset: Path, files: Files) -> None:
    """Worker: receives (target, number), sends what became of the mutant."""
    from binlj.eval import predictions, reading, sandbox
    from binlj.eval.explain import attributions

    def open_here(path: Path, kind: str = "predictions") -> Any:
        return reading.read_here(path, reading.LAYOUTS[kind])

    predictions.open_table = attributions.open_table = open_here
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what an aborting library says
    by_name = {target.name: target for target in targets(dataset, files)}
    sandbox.set_limits(cpu_seconds=10**6)
    with tempfile.TemporaryDirectory() as folder:
        while True:
            name, number = pipe.recv()
            try:
                verdict = by_name[name].outcome(number, Path(folder))
            except MemoryError:
                os._exit(1)  # the child has more room than a worker that has read much before
            except BaseException:
                verdict = FAILED + "\n" + traceback.format_exc(limit=-4)
            pipe.send((verdict, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss))


def start(dataset: Path, files: Files) -> tuple[Any, Connection]:
    """A worker and the pipe to it."""
    os.environ.update(ENVIRONMENT)
    here, there = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=work, args=(there, dataset, files), daemon=True)
    process.start()
    there.close()
    return process, here


def fuzz(
    by_name: dict[str, Target], jobs: list[tuple[str, int]], dataset: Path, files: Files, n_workers: int
) -> Iterator[tuple[str, int, str, int]]:
    """Yield (target, number, verdict, peak memory in kB) of every job."""
    waiting = list(reversed(jobs))
    busy: dict[Connection, tuple[Any, tuple[str, int], float]] = {}

    def give(process: Any, pipe: Connection) -> None:
        if waiting:
            job = waiting.pop()
            pipe.send(job)
            busy[pipe] = (process, job, time.monotonic())
        else:
            process.terminate()

    for _ in range(n_workers):
        give(*start(dataset, files))
    while busy:
        ready = multiprocessing.connection.wait(list(busy), timeout=1)
        slow = [p for p, (_, _, since) in busy.items() if p not in ready and time.monotonic() - since > PATIENCE]
        for pipe in [*ready, *slow]:
            assert isinstance(pipe, Connection)
            process, (name, number), _ = busy.pop(pipe)
            try:
                if pipe in slow:
                    raise EOFError
                verdict, peak = pipe.recv()
            except (EOFError, ConnectionResetError):
                process.kill()
                verdict, peak = again(by_name[name], number), 0
                process, pipe = start(dataset, files)
            yield name, number, verdict, peak
            give(process, pipe)


def again(target: Target, number: int) -> str:
    """A mutant that ended its worker, read in the way that users read: it must be refused."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            verdict = target.outcome(number, Path(folder))
        except Exception:
            return FAILED + "\n" + traceback.format_exc(limit=-4)
    return CRASHED if verdict == REFUSED else f"{FAILED}\nended a worker, but was {verdict}"


def main() -> int:
    """Run; exit code 1 if a mutant was neither used nor refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mutants", type=int, default=20_000, help="how many, over all kinds of files")
    parser.add_argument("--only", action="append", metavar="NAME", help="kind of file (repeatable); default: all")
    parser.add_argument("--seed", type=int, default=0, help="number of the first mutant")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--dataset", type=Path, help="another copy of the dataset")
    options = parser.parse_args()
    from binlj.paths import dataset_dir

    dataset = (options.dataset or dataset_dir()).absolute()
    with tempfile.TemporaryDirectory() as folder:
        files = good_files(dataset, Path(folder))
    by_name = {t.name: t for t in targets(dataset, files) if not options.only or t.name in options.only}
    jobs = [
        (name, options.seed + i) for i in range(-(-options.mutants // len(by_name))) for name in by_name
    ][: options.mutants]
    counts: dict[str, Counter[str]] = {name: Counter() for name in by_name}
    peak = failed = 0
    with progress_bars("mutants") as bar:
        task = bar.add_task("", total=len(jobs))
        for name, number, verdict, memory in fuzz(by_name, jobs, dataset, files, options.workers):
            head, _, detail = verdict.partition("\n")
            counts[name][head] += 1
            peak = max(peak, memory)
            bar.advance(task)
            if head == FAILED:
                failed += 1
                if failed <= 20:
                    print(f"{name} {number}: {detail}", flush=True)
    for name, found in counts.items():
        print(f"{name}: {found.total():,} mutants; " + ", ".join(f"{n:,} {what}" for what, n in found.most_common()))
    print(f"largest memory of a worker: {peak / 1e6:.2f} GB; {failed} of {len(jobs):,} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
