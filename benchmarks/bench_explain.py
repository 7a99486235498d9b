"""Speed of the exact Shapley values on the grid, against shap's KernelExplainer on the same values.

    python benchmarks/bench_explain.py [--states 20]

Both explain the same function with the same background (all 500 states) and must agree; KernelExplainer is
timed on a few states at one r and its time per value is compared. Also printed: the seconds of one map and of
one round of Sobol indices, the two other costs of ``binlj explain check``.
"""

from __future__ import annotations

import argparse
import time
import warnings

import numpy as np


def main() -> None:
    """Run the benchmark."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--states", type=int, default=20, help="states given to KernelExplainer")
    states = parser.parse_args().states
    warnings.simplefilter("ignore")
    import shap

    from binlj.eval.explain import embedding, models, shapley, sobol
    from binlj.grid import PAIRS

    rng = np.random.default_rng(0)
    weights = [rng.normal(size=(7, 64)), rng.normal(size=(64, 64)) / 8, rng.normal(size=(64, 1)) / 8]

    def network(x: np.ndarray) -> np.ndarray:
        for w in weights[:-1]:
            x = np.maximum(x @ w, 0)
        return (x @ weights[-1])[:, 0]

    start = time.perf_counter()
    curves = models.function_curves(network)
    phi = {pair: shapley.grid_shapley(curves[pair].values, 4) for pair in PAIRS}
    ours = time.perf_counter() - start
    values = sum(p.size for p in phi.values())
    print(f"exact on the grid: {values:,} Shapley values in {ours:.2f} s, predictions included")

    bin_, grid = 20, curves["AB"].states()
    rest = models.grid_points("AB")[bin_, 4:]

    def of_state(s: np.ndarray) -> np.ndarray:
        return network(np.column_stack([s, np.tile(rest, (len(s), 1))]))

    chosen = np.sort(rng.choice(500, states, replace=False))
    explainer = shap.KernelExplainer(of_state, grid)
    start = time.perf_counter()
    theirs = explainer.shap_values(grid[chosen], silent=True)
    kernel = time.perf_counter() - start
    same = phi["AB"][..., bin_].reshape(4, 500).T[chosen]
    print(f"KernelExplainer:   {theirs.size:,} Shapley values in {kernel:.2f} s; largest difference "
          f"{np.abs(same - theirs).max():.1e} of a spread of {same.std():.2f}")
    print(f"ratio per value:   {kernel / theirs.size / (ours / values):,.0f}")

    start = time.perf_counter()
    sobol.sobol_indices(*curves.values())
    print(f"Sobol indices of three pairs: {time.perf_counter() - start:.3f} s")
    vectors = np.concatenate([curves[pair].flat()[:, 9:50] for pair in PAIRS], axis=1)
    embedding.embed(vectors, seed=0)  # compiles
    start = time.perf_counter()
    points = embedding.embed(vectors, seed=1)
    embedding.cluster(points, seed=1)
    print(f"one map with its clusters:    {time.perf_counter() - start:.2f} s")


if __name__ == "__main__":
    main()
