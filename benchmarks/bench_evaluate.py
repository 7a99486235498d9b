"""How fast is the evaluator? Run by hand: ``python benchmarks/bench_evaluate.py [--dataset DIR]``.

Against the straightforward way, in the same run and on the same file: read the parquet file with pandas,
merge on the keys, and call scikit-learn's ``r2_score`` for each pair and overall in each of 1,000
resamples of compositions. The evaluator's side includes checking the file and every other metric, each
with its interval. Both must give the same R² and, from the same resamples, the same intervals.

Times are wall clock and CPU (user + system); on a busy machine the CPU ratio is the one to look at.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import r2_score

from binlj.data import curves, read_table
from binlj.eval import evaluate, floor_predictions, write_predictions
from binlj.eval.aggregate import SUBSETS, bootstrap_weights
from binlj.grid import PAIRS

TRACK, N_BOOT = "extrapolation", 1000


def plain_loop(path: Path, dataset: Path | None) -> tuple[list[float], np.ndarray]:
    """R² and its 95 % intervals by a loop over r2_score, without any check of the file."""
    test = read_table(TRACK, "test", path=dataset)
    merged = test.merge(pd.read_parquet(path), on=["state_id", "pair"], suffixes=("", "_predicted"))
    y, p = curves(merged), curves(merged, "g_predicted")
    subsets = [(merged["pair"] == pair).to_numpy() for pair in PAIRS] + [np.ones(len(merged), dtype=bool)]
    composition = merged.groupby(["C_B", "S", "eps_AB"], sort=False).ngroup().to_numpy()
    numbers = range(composition.max() + 1)
    members = [[np.flatnonzero((composition == c) & s) for c in numbers] for s in subsets]
    weights = bootstrap_weights(len(members[0]), N_BOOT, 0).astype(int)
    draws = np.empty((N_BOOT, len(subsets)))
    for b in range(N_BOOT):
        drawn = np.repeat(np.arange(len(members[0])), weights[b])
        for k, rows_of in enumerate(members):
            rows = np.concatenate([rows_of[c] for c in drawn])
            draws[b, k] = r2_score(y[rows].ravel(), p[rows].ravel())
    values = [float(r2_score(y[s].ravel(), p[s].ravel())) for s in subsets]
    return values, np.percentile(draws, [2.5, 97.5], axis=0).T


def timed(call: Callable[[], object], repeats: int) -> tuple[object, float, float]:
    """Result, best wall time and best CPU time of `repeats` calls."""
    walls, cpus, result = [], [], None
    for _ in range(repeats):
        wall, cpu = time.perf_counter(), time.process_time()
        result = call()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    return result, min(walls), min(cpus)


def command(path: Path, dataset: Path | None, repeats: int) -> tuple[float, float]:
    """Best wall and CPU time of `binlj evaluate` as a fresh process."""
    argv = [sys.executable, "-m", "binlj.cli", "evaluate", str(path), "--track", TRACK]
    argv += ["--json", str(path.with_suffix(".json")), *(["--dataset", str(dataset)] if dataset else [])]
    walls, cpus = [], []
    for _ in range(repeats):
        before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        walls.append(time.perf_counter() - wall)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return min(walls), min(cpus)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--dataset", type=Path, help="another copy of the dataset folder")
    dataset: Path | None = parser.parse_args().dataset
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "predictions.parquet"
        frame = floor_predictions("nearest_temperature", track=TRACK, dataset=dataset)
        write_predictions(path, frame.sample(frac=1, random_state=0))

        def ours() -> object:
            return evaluate(path, track=TRACK, dataset=dataset, n_boot=N_BOOT, seed=0, floors=False)

        ours()  # imports
        scores, wall, cpu = timed(ours, 5)
        (values, bounds), loop_wall, loop_cpu = timed(lambda: plain_loop(path, dataset), 1)  # type: ignore[misc]
        for i, subset in enumerate(SUBSETS):
            assert abs(scores.r2[subset] - values[i]) < 1e-12  # type: ignore[attr-defined]
            assert np.allclose(scores.r2_ci95[subset], bounds[i], atol=1e-10)  # type: ignore[attr-defined]
        e2e_wall, e2e_cpu = command(path, dataset, 3)
    print(f"{len(frame)} RDFs, {N_BOOT} resamples, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("                                                  wall      CPU")
    print(f"binlj.eval.evaluate, all metrics             {wall:8.3f} s {cpu:6.3f} s")
    print(f"loop over sklearn.metrics.r2_score, R² only  {loop_wall:8.3f} s {loop_cpu:6.3f} s")
    print(f"ratio                                        {loop_wall / wall:8.0f}   {loop_cpu / cpu:6.0f}")
    print(f"`binlj evaluate --json`, a fresh process     {e2e_wall:8.3f} s {e2e_cpu:6.3f} s   (aim: 3 s)")
    print("R² equal to 1e-12, intervals to 1e-10")


if __name__ == "__main__":
    main()
