"""Speed of a LAMMPS build on the project's input scripts against the default one, in the same run.

    python benchmarks/bench_engine.py --lmp /path/to/lmp --lmp-args "-pk intel 0 mode mixed -sf intel"

The same segment (same start, N = 10,000) is run by both engines in turn, three times each; medians are printed, with
the potential energy both give for one configuration. Its frames are counted by LAMMPS's rerun and by the builder. Run
it on a quiet machine.
"""

from __future__ import annotations

import argparse
import datetime
import re
import statistics
import tempfile
import time
from pathlib import Path

from binlj.builders.md.counting import pair_counts
from binlj.builders.md.engine import Engine, find_engine, run_script
from binlj.builders.records.configuration import read_frames
from binlj.grid import PRESSURE, State

STATE = State(1.0, 0.3, 1.5, 0.6)


def released(engine: Engine) -> datetime.datetime:
    """Date of an engine's version, which is its name."""
    date = re.search(r"\d+ [A-Z][a-z]{2} \d{4}", engine.name)
    return datetime.datetime.strptime(date.group(), "%d %b %Y") if date else datetime.datetime.max


def last_energy(folder: Path) -> float:
    """Potential energy per particle of the first thermo line of a segment's log."""
    lines = (folder / "segment.log").read_text().splitlines()
    head = next(i for i, line in enumerate(lines) if line.split()[:1] == ["Step"])
    return float(lines[head + 1].split()[2])


def main(engines: dict[str, Engine], steps: int, repeats: int) -> None:
    model = {"T": STATE.T, "S": STATE.S, "eps": STATE.eps_AB, "pressure": PRESSURE}
    n_a, n_b = STATE.counts(10_000)
    loops: dict[str, list[float]] = {name: [] for name in engines}
    counting: dict[str, list[float]] = {name: [] for name in engines}
    energy = {}
    ours: list[float] = []
    with tempfile.TemporaryDirectory() as work:
        folder = Path(work)
        oldest = min(engines.values(), key=released)  # a restart file can be read by newer versions only
        run_script(oldest, "start", folder, {**model, "nA": n_a, "nB": n_b, "seed": 1, "shape": "mixed",
                                            "restart": "start.restart"})  # fmt: skip
        for _ in range(repeats):
            for name, engine in engines.items():
                done = run_script(engine, "segment", folder, {
                    **model, "start": "start.restart", "steps": steps, "every": 500, "frames": "frames.dump",
                    "scalars": "scalars.txt", "restart": "next.restart"})  # fmt: skip
                loops[name].append(done.loop_seconds)
                energy[name] = last_energy(folder)
                rdf = {"start": "next.restart", "frames": "frames.dump", "every": 500, "out": "rdf.txt"}
                counting[name].append(run_script(engine, "rdf", folder, rdf, accelerate=False).wall_seconds)
                began = time.perf_counter()
                for frame in read_frames(folder / "frames.dump"):
                    pair_counts(frame.coordinates, frame.types, length=frame.box_length)
                ours.append(time.perf_counter() - began)
    base = statistics.median(loops["default"])
    for name, engine in engines.items():
        seconds = statistics.median(loops[name])
        print(
            f"{name:8s} {engine.name}, {engine.args}: {steps / seconds:,.0f} steps/s "
            f"({steps * 10_000 / seconds / 1e6:.2f} million atom-steps/s), {base / seconds:.2f} times the default; "
            f"rerun {statistics.median(counting[name]) / (steps // 500):.2f} s a frame; energy {energy[name]:.8f}"
        )
    rerun, mine = (statistics.median(seconds) / (steps // 500) for seconds in (counting["default"], ours))
    print(f"pair counts by the builder {mine:.2f} s a frame: LAMMPS takes {rerun / mine:.1f} times as long")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lmp", required=True)
    parser.add_argument("--lmp-args", default="-sf opt")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    both = {"default": find_engine(), "other": find_engine(options.lmp, args=options.lmp_args)}
    main(both, options.steps, options.repeats)
