"""The campaign's cost as text, as data and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from binlj.builders.analysis import criteria
from binlj.builders.md.profiles import PROFILES
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.store import by_chain
from binlj.builders.validation import cost
from binlj.builders.validation.cost import GPUS, PAPER_STEPS, GpuPlan, Left, Sums
from binlj.builders.validation.output import new_figure, number
from binlj.grid import N_PARTICLES, grid
from binlj.markdown import markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_HEADER = ["", "segments", "steps", "10⁹ atom-steps", "LAMMPS loops, h", "RDF, h", "wall, core-hours", "wall / loops",
           "10⁶ atom-steps / s (loops)"]  # fmt: skip


def report(records: Sequence[SegmentRecord], left: Left, gpu_rate: float | None) -> tuple[str, dict[str, Any]]:
    """The cost of a store's records, and the plans.

    Parameters
    ----------
    gpu_rate : float, optional
        Atom-steps per second of one GPU, measured by whoever asks. Default: a table of assumed ones.
    """
    everything = cost.total(records)
    passes = {**cost.by_pass(records), "all": everything}
    lengths = cost.by_length(records)
    chains = sum(members[0].step_start == 0 for members in by_chain(records).values())  # without branches
    assert everything.rate and everything.overhead and everything.rdf_seconds_per_frame
    per_atom_step = everything.wall_seconds / everything.atom_steps
    machine = cost.hardware()
    paper_atom_steps = PAPER_STEPS * N_PARTICLES * len(grid())
    lines = [
        "# What the campaign costs", "",
        f"{len(records):,} records of {chains} chains ({', '.join(sorted({r.engine for r in records}))}, "
        f"`{', '.join(sorted({r.engine_args for r in records}))}`, one core a chain). This machine: {machine['cpu']}, "
        f"{machine['cores']} cores, {machine['system']}; records of other machines, if any, are in the sums.", "",
        _sums_table(passes), "",
        "Wall time is that of the segments; the start procedure of a chain "
        f"({PROFILES['release'].start_steps} steps and the push-off before them) is not recorded.", "",
        "## Against bare LAMMPS", "",
        f"Steps of one chain a second: {everything.steps / everything.loop_seconds:,.1f} in LAMMPS's own loops, "
        f"{everything.steps / everything.wall_seconds:,.1f} in all: {number(everything.overhead)} times the time of "
        f"bare LAMMPS, of which the RDFs are {number(100 * everything.rdf_seconds / everything.loop_seconds, 0)} % "
        f"({number(everything.rdf_seconds_per_frame, 3)} s a frame) and the rest (restart files, configurations, order "
        f"parameters, start of the processes) {number(100 * _rest(everything), 0)} %. By length of the segment:", "",
        _sums_table(lengths), "",
        "## What is left to this project's convergence", "",
        f"{left.not_converged} of {left.states} states are not converged, {left.short} of them for want of production "
        f"steps ({criteria.MIN_PRODUCTION_STEPS:,} for each kept start).", "",
        markdown_table(
            ["", "10⁶ steps", "10⁹ atom-steps", "core-hours at the measured wall rate"],
            [_left_row(name, steps, left, per_atom_step) for name, steps in (
                (f"at least: {criteria.MIN_PRODUCTION_STEPS:,} production steps", left.least),
                (f"at most: every chain to {criteria.MAX_STEPS:,} steps", left.most))],
        ),
        "", "## The paper's protocol", "",
        f"{PAPER_STEPS:,} steps × {len(grid())} states × N = {N_PARTICLES:,}, one start: {paper_atom_steps:.3g} "
        f"atom-steps. At the measured {number(everything.rate / 1e6)} million atom-steps a second and core: "
        f"{paper_atom_steps / everything.rate / 3600:,.0f} core-hours of dynamics "
        f"({paper_atom_steps / everything.rate / 3600 / 8766:,.1f} core-years), "
        f"{paper_atom_steps / everything.atom_steps:,.0f} times this campaign so far.",
    ]  # fmt: skip
    plans = [
        cost.gpu_plan(rate, chains=count, rdf_seconds_per_frame=everything.rdf_seconds_per_frame)
        for count in (len(grid()), max(chains, len(grid())))
        for rate in ((gpu_rate,) if gpu_rate else cost.ASSUMED_GPU_RATES)
    ]
    plans = list(dict.fromkeys(plans))
    lines += _gpu_lines(plans, everything, given=gpu_rate is not None)
    data = {
        "hardware": machine, "chains": chains, "passes": _data(passes), "lengths": _data(lengths),
        "remaining": asdict(left), "paper_atom_steps": paper_atom_steps,
        "paper_core_hours": paper_atom_steps / everything.rate / 3600,
        "gpu_rate_assumed": gpu_rate is None,
        "gpu": [asdict(p) | {"gpu_hours": p.gpu_hours, "dynamics_hours": p.dynamics_hours,
                             "days": {str(g): p.days(g) for g in GPUS}} for p in plans],
    }  # fmt: skip
    return "\n".join(lines), data


def _rest(sums: Sums) -> float:
    return (sums.wall_seconds - sums.loop_seconds - sums.rdf_seconds) / sums.loop_seconds


def _sums_table(groups: Mapping[str, Sums]) -> str:
    rows = [
        [name, f"{s.segments:,}", f"{s.steps:,}", number(s.atom_steps / 1e9), number(s.loop_seconds / 3600),
         number(s.rdf_seconds / 3600), number(s.core_hours), number(s.overhead),
         number(s.rate / 1e6 if s.rate else None)]
        for name, s in groups.items()
    ]  # fmt: skip
    return markdown_table(_HEADER, rows)


def _left_row(name: str, steps: int, left: Left, per_atom_step: float) -> list[str]:
    hours = left.core_hours(steps, per_atom_step)
    return [name, number(steps / 1e6), number(steps * left.n / 1e9, 1), number(hours, 1)]


def _gpu_lines(plans: Sequence[GpuPlan], measured: Sums, *, given: bool) -> list[str]:
    profile = PROFILES["paper"]
    frames = PAPER_STEPS // profile.every
    origin = "given" if given else "ASSUMED"
    example = 32
    rows = [
        [str(p.chains), f"{p.rate / 1e6:g}", f"{p.dynamics_hours:,.0f}", f"{p.gpu_hours:,.0f}",
         *(number(p.days(g), 1) for g in GPUS)]
        for p in plans
    ]  # fmt: skip
    return [
        "", "## The `paper` profile on a GPU cluster", "",
        (f"The rate of {plans[0].rate / 1e6:g} million atom-steps a second and GPU is as given with `--gpu-rate`."
         if given else
         "**No GPU was measured: the rates are ASSUMED.** Measure one segment on yours and give `--gpu-rate`; "
         f"{N_PARTICLES:,} particles do not fill a large GPU, so expect less than its published rates."), "",
        "GPU-hours = chains × (steps × N / rate + frames × RDF seconds a frame) / 3600; wall days = ⌈chains / GPUs⌉ × "
        f"hours of one chain / 24, since the segments of a chain follow one another. steps = {PAPER_STEPS:,}, frames = "
        f"{frames:,} (one in {profile.every:,} steps), RDF {number(measured.rdf_seconds_per_frame, 3)} s a frame on "
        "one core, as measured here. These are all steps of the profile: a campaign leaves a state alone once it has "
        "converged by this project's criteria.", "",
        markdown_table(
            ["chains", f"10⁶ atom-steps / s and GPU ({origin})", "GPU-hours, dynamics only", "GPU-hours in all",
             *(f"days on {g} GPUs" for g in GPUS)], rows),
        "", f"{len(grid())} chains are one start for every state, the larger number is every chain this campaign has. "
        f"The RDFs are counted on a core beside the GPU: {number(plans[0].rdf_seconds_per_chain / 3600, 1)} h a chain "
        f"whatever the GPU ({plans[0].chains * plans[0].rdf_seconds_per_chain / 3600:,.0f} core-hours for "
        f"{plans[0].chains} chains), during which that chain's GPU is idle: run two or more workers on a GPU, or write "
        "frames less often.", "",
        "How: copy `builders/sites/slurm.py`, set its partition, account and `WORKER_INIT`, add "
        "`#SBATCH --gpus-per-node=…` to `SCHEDULER_OPTIONS`, set `WORKERS_PER_NODE` to the GPUs of a node (times the "
        "workers on each) and `CORES_PER_WORKER` to 1 or more, then, with an `lmp` that was built for the GPUs:", "",
        "```sh",
        f"binlj campaign run --site my_cluster.py --workers {example} --profile paper --store paper \\",
        '    --lmp /path/to/lmp --lmp-args "-k on g 1 -sf kk" --budget 24h   # again until nothing is left to do',
        "```",
    ]  # fmt: skip


def _data(groups: Mapping[str, Sums]) -> dict[str, Any]:
    return {
        name: asdict(s) | {"core_hours": s.core_hours, "atom_steps_per_second": s.rate, "overhead": s.overhead}
        for name, s in groups.items()
    }


def draw(records: Sequence[SegmentRecord]) -> Figure:
    """Where the time went, by pass and by length of the segment; LAMMPS's rate of every segment."""
    figure = new_figure(13, 4.6)
    left, middle, right = figure.subplots(1, 3, width_ratios=[1, 1, 1.3])
    everything = cost.total(records)
    _bars(left, {**cost.by_pass(records), "all": everything}, "core-hours", lambda s: 3600.0)
    left.set_title("time by pass")
    left.legend(fontsize=8, loc="upper right")
    lengths = {**cost.by_length(records), "all": everything}
    _bars(middle, lengths, "time / LAMMPS's loop time, by steps of the segment", lambda s: s.loop_seconds)
    middle.axvline(1, color="0.3", lw=1, ls=":")
    middle.set_title("time over bare LAMMPS")
    rates = [r.atom_steps / r.loop_seconds / 1e6 for r in records if r.loop_seconds > 0]
    density = [float(r.density.mean()) * (r.n_A + r.n_B * r.state.S**3) / (r.n_A + r.n_B) for r in records
               if r.loop_seconds > 0]  # fmt: skip
    steps = [r.steps for r in records if r.loop_seconds > 0]
    points = right.scatter(density, rates, c=steps, s=8, cmap="viridis", norm="log", lw=0)
    bar = figure.colorbar(points, ax=right, label="steps of the segment")
    ticks = [m * 10**k for k in range(1, 8) for m in (1, 2, 5) if min(steps) <= m * 10**k <= max(steps)]
    bar.set_ticks(ticks, labels=[f"{t:,}" for t in ticks])
    bar.minorticks_off()
    right.set(xlabel="volume of the particles, N_i σ_i³ / V", ylabel="10⁶ atom-steps / s in the loop",
              title="LAMMPS's own rate, one core", ylim=(0, None))  # fmt: skip
    right.grid(alpha=0.25)
    return figure


def _bars(axis: Any, groups: Mapping[str, Sums], label: str, unit: Any) -> None:
    names = list(groups)
    base = [0.0] * len(names)
    for what, colour, part in (
        ("LAMMPS loops", "#3182bd", lambda s: s.loop_seconds),
        ("RDF", "#fd8d3c", lambda s: s.rdf_seconds),
        ("the rest", "#bdbdbd", lambda s: s.wall_seconds - s.loop_seconds - s.rdf_seconds),
    ):
        widths = [part(groups[name]) / unit(groups[name]) if unit(groups[name]) else 0.0 for name in names]
        axis.barh(range(len(names)), widths, left=base, color=colour, label=what)
        base = [a + b for a, b in zip(base, widths, strict=True)]
    axis.set_yticks(range(len(names)), [name.replace(": ", ":\n") for name in names], fontsize=8)
    axis.invert_yaxis()
    axis.set_xlabel(label)
    axis.set_xlim(0, 1.25 * max(base))
