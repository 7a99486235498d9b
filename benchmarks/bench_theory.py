"""Theory: Anderson's method on two grids with continuation, against plain (Picard) iteration, in one run.

    python benchmarks/bench_theory.py [--states 100]

Both solve the Duh-Henderson equation for the first homogeneous states of a shuffled grid, to the same residual. Plain
iteration starts from zero on the fine grid with a mixing of 0.2 and at most 2000 steps; it does not reach every state,
so the ratio is over the states that both solve. The last line is `predict` for as many states of the whole grid,
phases, two-phase geometry and bins included.

Then `binlj.rdf` against LAMMPS: one homogeneous state at N = 10,000, started and run for as few steps as the builder
would use to look at it, with the error of either's curves against the published ones.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np

from binlj.grid import PAIRS, State, grid
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
    parser.add_argument("--steps", type=int, default=1000, help="of the simulation")
    args = parser.parse_args()
    shuffled = [grid()[i] for i in np.random.default_rng(0).permutation(len(grid()))]
    one = [(s, p.density) for s in shuffled if (p := phases(s)).box is None][: args.plain]
    rows = [(s.T, rho, s.C_B, s.S, s.eps_AB) for s, rho in one]
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
    against_lammps(args.steps)


def against_lammps(steps: int) -> None:
    """One state by `binlj.rdf` and by a short simulation; both scored by the published curves."""
    import binlj
    from binlj.builders.md.chain import Chain
    from binlj.builders.md.engine import find_engine
    from binlj.builders.md.profiles import Profile
    from binlj.builders.md.segment import advance
    from binlj.builders.records.record import read_records
    from binlj.data import read_table
    from binlj.schema import bin_centres

    state = State(1.2, 0.3, 1.5, 0.8)
    table = read_table("extrapolation", "train")
    rows = table[table["state_id"] == state.state_id].set_index("pair")
    published = np.stack(rows.loc[list(PAIRS), "g"].to_list())
    sigma = np.array([1.0, (1 + state.S) / 2, state.S])
    use = bin_centres() >= 0.8 * sigma[:, None]

    def error(g: np.ndarray) -> float:
        return float(((np.abs(g - published) * use).sum(1) / (np.abs(published - 1) * use).sum(1)).mean())

    query = {"T": state.T, "C_B": state.C_B, "S": state.S, "eps_AB": state.eps_AB}
    binlj.rdf(**query | {"T": 1.1})  # imports
    begin = time.perf_counter()
    frame = binlj.rdf(**query)
    seconds = time.perf_counter() - begin
    print(f"binlj.rdf, trained on this state too: {seconds:.2f} s, error {error(np.stack(frame['g'].to_list())):.3f}")
    begin = time.perf_counter()
    theory = predict([state]).g[0]
    alone = time.perf_counter() - begin
    print(f"theory alone: {alone:.3f} s, error {error(theory):.3f}")
    profile = Profile("bench", 10_000, 250, (), steps, 100, steps)
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        (path,) = advance(
            Chain(state), profile=profile, engine=find_engine(), folder=Path(folder) / "w", records=Path(folder) / "r"
        )
        simulated = time.perf_counter() - begin
        record = read_records(path)[0]
    late = record.counts[1:].sum(0) / record.ideal_counts()[1:].sum(0)  # the first of five blocks equilibrates
    counts = late.reshape(3, 100, 5).mean(2)
    print(
        f"LAMMPS, {steps:,} steps: {simulated:.1f} s, error {error(counts):.3f}; "
        f"{simulated / seconds:.0f} times the time of binlj.rdf, {simulated / alone:.0f} times that of the theory alone"
    )


if __name__ == "__main__":
    main()
