"""Theory: Anderson's method on two grids with continuation, against plain (Picard) iteration, in one run.

    python benchmarks/bench_theory.py [--states 100]

Both solve the Duh-Henderson equation for the first homogeneous states of a shuffled grid, to the same residual. Plain
iteration starts from zero on the fine grid with a mixing of 0.2 and at most 2000 steps; it does not reach every state,
so the ratio is over the states that both solve. The last line is `predict` for as many states of the whole grid,
phases, two-phase geometry and bins included.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from binlj.grid import grid
from binlj.theory import predict
from binlj.theory.bulk import bulk_rdf
from binlj.theory.mixtures import Mixtures
from binlj.theory.ornstein_zernike import lennard_jones, solve
from binlj.theory.phases import phases

MIXING, MAX_STEPS = 0.2, 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--states", type=int, default=100)
    parser.add_argument("--plain", type=int, default=20, help="states that plain iteration is given")
    args = parser.parse_args()
    shuffled = [grid()[i] for i in np.random.default_rng(0).permutation(len(grid()))]
    one = [(s, p.bulk[0]) for s in shuffled if len((p := phases(s)).bulk) == 1][: args.plain]
    rows = [(s.T, rho, x, s.S, s.eps_AB) for s, (x, rho) in one]
    mixtures = Mixtures(*np.array(rows).T)

    problem = lennard_jones(mixtures, closure_name="DH")
    begin = time.perf_counter()
    plain = solve(problem, closure_name="DH", history=0, mixing=MIXING, max_steps=MAX_STEPS)
    plain_s = time.perf_counter() - begin
    print(f"plain iteration: {plain.converged.sum()} of {len(one)} states, {plain_s / len(one) * 1e3:.0f} ms a state")
    begin = time.perf_counter()
    ours = bulk_rdf(mixtures)
    ours_s = time.perf_counter() - begin
    solved = sum(b == 1.0 for b in ours.beta)
    print(f"Anderson, two grids, continuation: {solved} of {len(one)} states, {ours_s / len(one) * 1e3:.0f} ms a state")
    both = np.flatnonzero(plain.converged & (ours.beta == 1.0))
    times = []
    for run in (
        lambda m: solve(
            lennard_jones(m, closure_name="DH"), closure_name="DH", history=0, mixing=MIXING, max_steps=MAX_STEPS
        ),
        bulk_rdf,
    ):
        begin = time.perf_counter()
        run(mixtures.take(both))
        times.append(time.perf_counter() - begin)
    print(f"the {len(both)} states both solve: {times[0] / times[1]:.1f} times faster than plain iteration")
    begin = time.perf_counter()
    found = predict(shuffled[: args.states])
    seconds = time.perf_counter() - begin
    each = seconds / args.states * 1e3
    print(f"predict: {args.states} states in {seconds:.2f} s, {each:.0f} ms a state; {found.routes()}")


if __name__ == "__main__":
    main()
