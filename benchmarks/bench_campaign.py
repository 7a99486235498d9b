"""Overhead of a campaign against bare LAMMPS, share of the RDF, and start-up of the command line.

    python benchmarks/bench_campaign.py [--workers 2]

Runs a small real campaign with the release profile's segments and prints
  * wall time / (LAMMPS's own times / workers), its own being the loops of the dynamics and the counting of the
    RDFs: the builder's overhead (1.0 would be none; bound 1.10),
  * the same with the loops of the dynamics only,
  * share of the RDF in the wall time of a segment (bound 8 %),
  * `binlj --help` against `python -c pass`,
  * `binlj.read_table` and `binlj.load` against plain `pandas.read_parquet`.
"""

from __future__ import annotations

import argparse
import dataclasses
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path


def best(action: Callable[[], object], repeats: int = 5) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        action()
        times.append(time.perf_counter() - began)
    return min(times)


def campaign(workers: int, n: int) -> None:
    from binlj.builders.campaign import running as campaigns
    from binlj.builders.md.engine import find_engine
    from binlj.builders.md.profiles import PROFILES
    from binlj.builders.records.store import load_records
    from binlj.grid import State

    # Segments as long as the release profile's; few enough to wait for.
    profile = dataclasses.replace(PROFILES["release"], name="bench", n=n, first=())
    states = [State(1.4, 0.3, 1.0, e) for e in (0.6, 0.8)]
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        outcome = campaigns.run(
            store,
            states,
            profile=profile,
            engine=find_engine(),
            workers=workers,
            phases=frozenset({1, 3}),
            max_tasks=3 * workers,
        )
        records = load_records(store)
    counting = sum(r.rdf_seconds for r in records)
    wall, loops = outcome.wall_seconds, outcome.loop_seconds
    rdf = counting / sum(r.wall_seconds for r in records)
    steps = sum(r.atom_steps for r in records) / loops
    print(f"campaign, {len(records)} segments of {profile.steps:,} steps, N = {n:,}, {workers} workers:")
    both = f"(dynamics {loops:.1f} s + counting {counting:.1f} s) / {workers}"
    print(f"  wall {wall:.1f} s / ({both}) = {wall * workers / (loops + counting):.2f}")
    print(f"  wall / (dynamics / {workers}) = {wall * workers / loops:.2f}")
    print(f"  share of the RDF in a segment: {100 * rdf:.0f} %")
    print(f"  LAMMPS: {steps / 1e6:.2f} million atom-steps per second and worker")


def startup() -> None:
    binlj = Path(sys.executable).with_name("binlj")
    bare = best(lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))
    ours = best(lambda: subprocess.run([str(binlj), "--help"], check=True, stdout=subprocess.DEVNULL))
    print(f"binlj --help: {ours:.3f} s; python -c pass: {bare:.3f} s; ratio {ours / bare:.1f}")


def reading() -> None:
    import pandas as pd

    import binlj
    from binlj.data import read_table
    from binlj.paths import dataset_dir

    file = dataset_dir() / "extrapolation" / "train.parquet"
    plain = best(lambda: pd.read_parquet(file))
    table = best(lambda: read_table("extrapolation", "train"))
    binlj.load()  # fills the cache of `datasets`
    loaded = best(binlj.load)
    print(f"pandas.read_parquet: {plain:.3f} s; read_table: {table:.3f} s, ratio {table / plain:.1f}; "
          f"binlj.load (cached): {loaded:.3f} s, ratio {loaded / plain:.1f}")  # fmt: skip


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--n", type=int, default=10_000)
    options = parser.parse_args()
    startup()
    reading()
    campaign(options.workers, options.n)
