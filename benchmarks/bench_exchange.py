"""Cost of a try to exchange two particles' identities: the builder's against LAMMPS's ``fix atom/swap``, in one run.

    python benchmarks/bench_exchange.py [--lmp lmp] [--tries 200]

N = 10,000, S = 1. Printed are seconds for 500 steps of dynamics, for a million tries of the builder (neighbour list
included), for the tries of ``fix atom/swap`` (what a run with it takes longer), and the ratio per try. Then follow, for
random mixtures of several sizes and temperatures, the share of tries that are accepted, and how many particles are of
the other species after 1,000 steps with 2 tries per particle and step, by the steps between exchanges. Run it on a
quiet machine.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from binlj import paths
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import Engine, environment, find_engine, run_script
from binlj.builders.md.exchange import acceptance, exchange
from binlj.builders.md.profiles import Profile
from binlj.builders.md.segment import advance
from binlj.builders.records.configuration import read_frames
from binlj.builders.records.store import last_configuration
from binlj.grid import PRESSURE, State

STATE = State(1.0, 0.3, 1.0, 0.4)
EVERY = 50
MILLION = 1_000_000
SIZES, TEMPERATURES = (0.5, 1.0, 1.5, 2.0), (0.6, 1.0, 1.4)
STRETCHES = 10, 25, 50, 100, 200
UNEQUAL = (0.5, 0.6), (0.5, 0.8), (1.5, 0.6), (1.5, 0.8), (2.0, 1.0), (2.0, 1.2), (2.0, 1.4)
N = 10_000


def swapping(folder: Path, tries: int) -> Path:
    """segment.lmp with `tries` tries of fix atom/swap every 50 steps (none for 0), as a folder of scripts."""
    decks = folder / f"decks-{tries}"
    decks.mkdir()
    for script in paths.scripts_dir().glob("*.lmp"):
        text = script.read_text()
        if script.name == "segment.lmp":
            fix = f"fix swap all atom/swap {EVERY} {tries} 1 ${{T}} ke no types 1 2\n" if tries else ""
            text = "suffix off\n" + text.replace("thermo_style", fix + "thermo_style", 1)
        (decks / script.name).write_text(text)
    return decks


def loop_seconds(engine: Engine, decks: Path, variables: dict[str, object]) -> float:
    """LAMMPS's own time of segment.lmp of these scripts, in their parent folder."""
    command = [engine.executable, "-in", f"{decks.name}/segment.lmp", "-log", "bench.log", "-screen", "none"]
    for name, value in {"decks": decks.name, **variables}.items():
        command += ["-var", name, str(value)]
    subprocess.run(command, cwd=decks.parent, env=environment(engine.executable), check=True)
    text = (decks.parent / "bench.log").read_text()
    return sum(float(seconds) for seconds in re.findall(r"^Loop time of (\S+)", text, re.MULTILINE))


def variables(state: State, steps: int) -> tuple[dict[str, object], dict[str, object]]:
    """Variables of start.lmp for a mixed start of 10,000 particles, and of segment.lmp for one frame at its end."""
    model = {"T": state.T, "S": state.S, "eps": state.eps_AB, "pressure": PRESSURE}
    n_a, n_b = state.counts(10_000)
    start = {**model, "nA": n_a, "nB": n_b, "seed": 1, "shape": "mixed", "restart": "start.restart"}
    segment = {**model, "start": "start.restart", "steps": steps, "every": steps, "frames": "frames.dump",
               "scalars": "scalars.txt", "restart": "next.restart"}  # fmt: skip
    return start, segment


def main(engine: Engine, tries: int, repeats: int, steps: int = 500) -> None:
    times: dict[str, list[float]] = {"dynamics": [], "swap": [], "builder": []}
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        start, segment = variables(STATE, steps)
        run_script(engine, "start", folder, start)
        decks = {name: swapping(folder, n) for name, n in (("dynamics", 0), ("swap", tries))}
        for _ in range(repeats):
            for name, scripts in decks.items():
                times[name].append(loop_seconds(engine, scripts, segment))
            (frame,) = read_frames(folder / "frames.dump")
            began = time.monotonic()
            exchange(frame.coordinates, frame.types, length=frame.box_length, state=STATE, tries=MILLION, seed=1)
            times["builder"].append(time.monotonic() - began)
    dynamics, swap, builder = (statistics.median(times[name]) for name in ("dynamics", "swap", "builder"))
    done = tries * steps // EVERY
    one, other = builder / MILLION, (swap - dynamics) / done
    print(f"{steps} steps of dynamics (no accelerator package): {dynamics:.2f} s")
    print(f"builder, {MILLION:,} tries: {builder:.2f} s, {1e6 * one:.2f} us a try")
    more = swap - dynamics
    print(f"fix atom/swap, {done:,} tries: {more:.2f} s, {1e6 * other:.0f} us a try, {other / one:,.0f} times as much")


def shares(engine: Engine, steps: int = 500) -> None:
    """Print the share of accepted tries after `steps` steps from a random start."""
    print("share of tries accepted, C_B = 0.3, eps_AB = 0.6\n     S  " + "  ".join(f"T* = {T:g}" for T in TEMPERATURES))
    for S in SIZES:
        found = []
        for T in TEMPERATURES:
            state = State(T, 0.3, S, 0.6)
            start, segment = variables(state, steps)
            with tempfile.TemporaryDirectory() as work:
                run_script(engine, "start", Path(work), start)
                run_script(engine, "segment", Path(work), segment)
                (frame,) = read_frames(Path(work) / "frames.dump")
            found.append(acceptance(frame.coordinates, frame.types, length=frame.box_length, state=state))
        print(f"{S:6g}  " + "  ".join(f"{share:8.1e}" for share in found))


def lasting(engine: Engine) -> None:
    """Print how many particles of either species exchanges have made the other one after 1,000 steps."""
    print(
        f"{'':23}particles exchanged after 1,000 steps (seconds)\n     S    T*  "
        + "  ".join(f"every {stretch:3} steps" for stretch in STRETCHES)
    )
    for S, T in UNEQUAL:
        chain, found = Chain(State(T, 0.3, S, 0.6), "mixed", 200), []
        n_a, _ = chain.state.counts(N)
        for stretch in STRETCHES:
            profile = Profile("bench", N, 250, (), 1_000, 200, 1_000, exchanges=400, stretch=stretch)
            with tempfile.TemporaryDirectory() as work:
                folder = Path(work)
                advance(chain, profile=replace(profile, exchanges=0), engine=engine, folder=folder, records=folder)
                began = time.monotonic()
                advance(chain, profile=profile, engine=engine, folder=folder, records=folder, done=(1, 1_000))
                last = last_configuration(folder)
            assert last is not None
            found.append(f"{int(last.types[:n_a].sum()):7} ({time.monotonic() - began:4.1f})")
        print(f"{S:6g}{T:6g}  " + "  ".join(f"{text:>15}" for text in found))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lmp", default="lmp")
    parser.add_argument("--tries", type=int, default=200, help="of fix atom/swap, every 50 steps")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    engine = find_engine(given.lmp, args="")
    main(engine, given.tries, given.repeats)
    shares(engine)
    lasting(engine)
