"""How fast is the evaluator? Run by hand: ``python benchmarks/bench_evaluate.py [--dataset DIR]``.

Against the straightforward way, in the same run and on the same file: read the parquet file with pandas,
merge on the keys, and compute skill with numpy and R², RMSE and MAE with scikit-learn for each pair and
overall in each of 1,000 resamples of mixtures over the converged states. The evaluator's side includes
checking the file and every other metric, each with its interval. Both must give the same values of these
four and, from the same resamples, the same intervals.

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
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from binlj.data import curves, read_table
from binlj.eval import evaluate, naive_predictions, write_predictions
from binlj.eval.aggregate import SUBSETS, bootstrap_weights
from binlj.grid import PAIRS, parse_state_id

TRACK, N_BOOT = "extrapolation", 1000
NAMES = ("skill", "r2", "rmse", "mae")


def plain_metrics(y: np.ndarray, p: np.ndarray, use: np.ndarray) -> list[float]:
    """Skill, R², RMSE and MAE of some curves, as one would write them down."""
    error, ideal = (np.abs(p - y) * use).sum(axis=1), (np.abs(y - 1) * use).sum(axis=1)
    skill = 1 - np.minimum(1, error / ideal).mean()
    y, p = y.ravel(), p.ravel()
    return [float(skill), r2_score(y, p), root_mean_squared_error(y, p), mean_absolute_error(y, p)]


def plain_loop(path: Path, dataset: Path | None) -> tuple[np.ndarray, np.ndarray]:
    """Values (metrics, subsets) and 95 % intervals (metrics, subsets, 2), without any check of the file."""
    states = read_table("states", path=dataset)
    test = read_table(TRACK, "test", path=dataset)
    test["mixture"] = test.groupby(["C_B", "S", "eps_AB"], sort=False).ngroup()
    test = test[test["state_id"].isin(states.loc[states["converged"], "state_id"])]
    merged = test.merge(pd.read_parquet(path), on=["state_id", "pair"], suffixes=("", "_predicted"))
    y, p = curves(merged), curves(merged, "g_predicted")
    sigma = [parse_state_id(s).sigma(k) for s, k in zip(merged["state_id"], merged["pair"], strict=True)]
    use = np.stack(merged["r"]) >= 0.8 * np.array(sigma)[:, None]
    subsets = [(merged["pair"] == pair).to_numpy() for pair in PAIRS] + [np.ones(len(merged), dtype=bool)]
    mixture = np.unique(merged["mixture"], return_inverse=True)[1]  # the evaluator's order, for equal resamples
    numbers = range(mixture.max() + 1)
    members = [[np.flatnonzero((mixture == c) & s) for c in numbers] for s in subsets]
    weights = bootstrap_weights(len(members[0]), N_BOOT, 0).astype(int)
    draws = np.empty((N_BOOT, len(NAMES), len(subsets)))
    for b in range(N_BOOT):
        drawn = np.repeat(np.arange(len(members[0])), weights[b])
        for k, rows_of in enumerate(members):
            rows = np.concatenate([rows_of[c] for c in drawn])
            draws[b, :, k] = plain_metrics(y[rows], p[rows], use[rows])
    values = np.array([plain_metrics(y[s], p[s], use[s]) for s in subsets]).T
    return values, np.moveaxis(np.percentile(draws, [2.5, 97.5], axis=0), 0, -1)


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
        frame = naive_predictions("nearest_temperature", track=TRACK, dataset=dataset)
        write_predictions(path, frame.sample(frac=1, random_state=0))

        def ours() -> object:
            return evaluate(path, track=TRACK, dataset=dataset, n_boot=N_BOOT, seed=0, naive=False)

        ours()  # imports
        scores, wall, cpu = timed(ours, 5)
        (values, bounds), loop_wall, loop_cpu = timed(lambda: plain_loop(path, dataset), 1)  # type: ignore[misc]
        for m, name in enumerate(NAMES):
            ours_m = scores.metrics[name]  # type: ignore[attr-defined]
            assert np.allclose([ours_m["values"][s] for s in SUBSETS], values[m], rtol=1e-10, atol=0)
            assert np.allclose([ours_m["ci95"][s] for s in SUBSETS], bounds[m], rtol=1e-8, atol=1e-10)
        e2e_wall, e2e_cpu = command(path, dataset, 3)
    print(f"{len(frame)} RDFs, {N_BOOT} resamples, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    print("                                                  wall      CPU")
    print(f"binlj.eval.evaluate, all metrics             {wall:8.3f} s {cpu:6.3f} s")
    print(f"loop, numpy and scikit-learn, four metrics   {loop_wall:8.3f} s {loop_cpu:6.3f} s")
    print(f"ratio                                        {loop_wall / wall:8.0f}   {loop_cpu / cpu:6.0f}")
    print(f"`binlj evaluate --json`, a fresh process     {e2e_wall:8.3f} s {e2e_cpu:6.3f} s   (aim: 3 s)")
    print("skill, R², RMSE and MAE equal to 1e-10, their intervals to 1e-8 (relative)")


if __name__ == "__main__":
    main()
