"""``binlj simulate`` and ``binlj resimulate``."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from binlj.builders.commands.options import engine_options, need_build_extra, run_jobs
from binlj.builders.starts.kinds import STARTS
from binlj.errors import DataError, InputError
from binlj.progress import progress_bars


@click.command()
@click.argument("state_id")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder: a store of its own.")
@click.option("--profile", default="release", show_default=True, help="smoke, release or paper.")
@click.option("--segments", default=2, show_default=True, help="Segments to add.")
@click.option(
    "--start",
    type=click.Choice(STARTS),
    default="mixed",
    show_default=True,
)
@click.option("--replica", default=0, show_default=True, help="Independent repetition.")
@click.option("--seed", type=int, help="Seed (default: derived from the state, start and replica).")
@click.option("--n", type=int, help="Particles (default: the profile's).")
@click.option("--steps", type=int, help="Steps per segment (default: the profile's).")
@click.option("--every", type=int, help="Steps between frames (default: the profile's).")
@engine_options
def simulate(
    state_id: str,
    out: Path,
    profile: str,
    segments: int,
    start: str,
    replica: int,
    seed: int | None,
    n: int | None,
    steps: int | None,
    every: int | None,
    lmp: str,
    lmp_args: str,
    launcher: str,
) -> None:
    """Simulate STATE_ID (e.g. T0.60-C0.010-S1.50-E0.20, or T0.6-C0.01-S1.5-E0.2) segment by segment.

    The state need not be on the benchmark's grid. Records go to OUT/loose; run the command again to add
    segments to what OUT already holds.
    """
    need_build_extra("freud", "numba")
    from binlj.builders.md.chain import Chain
    from binlj.builders.md.engine import find_engine
    from binlj.builders.md.profiles import get_profile
    from binlj.builders.md.segment import advance
    from binlj.builders.records import store as stores
    from binlj.builders.records.record import read_records
    from binlj.grid import parse_state_id

    settings = get_profile(profile)
    changes: dict[str, Any] = {
        k: v for k, v in (("n", n), ("steps", steps), ("every", every)) if v is not None
    }
    if steps is not None or every is not None:
        changes["first"] = ()
    settings = dataclasses.replace(settings, **changes)
    _check_settings(settings, segments)
    chain = Chain(parse_state_id(state_id, exact=False), start, replica, seed)
    state_id = chain.state.state_id
    engine = find_engine(lmp, args=lmp_args, launcher=launcher)
    with stores.locked(out):
        members = stores.by_chain(stores.load_records(out, state_ids=[state_id])).get(
            (state_id, start, replica), []
        )
        if members and (members[0].seed != chain.base_seed or members[0].n_A + members[0].n_B != settings.n):
            raise DataError(
                out,
                [f"holds this chain with seed {members[0].seed} and N = {members[0].n_A + members[0].n_B}"],
                fix="use the same seed and N, another --replica, or another --out",
            )
        done = (len(members), members[-1].step_end) if members else (0, 0)
        with progress_bars("segments") as progress:
            job = progress.add_task(state_id, total=segments)
            for i in range(segments):
                files = advance(
                    chain,
                    profile=settings,
                    engine=engine,
                    folder=out / "work" / chain.name,
                    records=out / "loose",
                    done=done,
                    report=lambda words: progress.update(job, description=f"{state_id} {words}"),
                )
                record = read_records(files[0])[0]
                done = (done[0] + 1, record.step_end)
                progress.update(job, completed=i + 1)
                progress.console.print(
                    f"steps {record.step_start}-{record.step_end}: energy {record.energy.mean():.4f}, "
                    f"density {record.density.mean():.4f}, pressure {record.pressure.mean():.3f}, {files[0]}",
                    highlight=False,
                )


def _check_settings(settings: Any, segments: int) -> None:
    problems = []
    if segments < 1:
        problems.append(f"--segments {segments} is not positive")
    if settings.n < 100:
        problems.append(f"--n {settings.n} is below 100")
    if settings.every < 1 or settings.steps < 1 or settings.steps % settings.every:
        problems.append(f"--steps {settings.steps} is not a multiple of --every {settings.every}")
    if problems:
        raise InputError("options", problems)


@click.command()
@click.option(
    "--out", type=click.Path(path_type=Path), required=True, help="Folder for the runs and overlay.png."
)
@click.option(
    "--dataset", type=click.Path(path_type=Path), help="Dataset folder (default: the installed one)."
)
@engine_options
def resimulate(out: Path, dataset: Path | None, lmp: str, lmp_args: str, launcher: str) -> None:
    """Simulate two states again (N = 2,000) and compare with the published RDFs within their errors."""
    need_build_extra("freud", "numba", "pymbar")
    from binlj.builders.campaign import fixed_plan
    from binlj.builders.md.engine import find_engine
    from binlj.builders.validation import resimulate as again
    from binlj.data import data_line

    engine = find_engine(lmp, args=lmp_args, launcher=launcher)
    jobs = again.plan(out)
    published = again.published(jobs, dataset)
    run_jobs(jobs, engine=engine, workers=1)
    comparisons = again.compare(jobs, fixed_plan.load(jobs), published)
    again.draw(comparisons, out / "overlay.png")
    click.echo(data_line(dataset))
    for c in comparisons:
        new = c.new
        ratios = ", ".join(f"{p} {d:.2f}" for p, d in zip(("AA", "AB", "BB"), c.deviations(), strict=True))
        click.echo(
            f"{new.state.state_id}: {'agrees' if c.agrees else 'DISAGREES'} "
            f"(difference / allowed: {ratios}); density {new.density:.4f}, "
            f"energy from g(r) / LAMMPS's = {new.energy_from_rdf / new.energy:.5f}"
        )
    click.echo(f"picture: {out / 'overlay.png'}")
    if not all(c.agrees for c in comparisons):
        raise DataError(
            out, ["the new RDFs differ from the published ones by more than their errors"],
            fix="look at overlay.png; another LAMMPS or other accelerator arguments may be at fault",
        )
