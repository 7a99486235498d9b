"""``binlj validate pets | repeat | finite-size | engines | coexistence | convergence | diff | cost``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from binlj.builders.commands.options import default_store, duration, engine_options, need_build_extra, renamed
from binlj.errors import DataError

if TYPE_CHECKING:
    from binlj.builders.md.engine import Engine
    from binlj.builders.records.record import SegmentRecord
    from binlj.builders.validation.runner import Job

_folder = click.Path(path_type=Path, file_okay=False)
_out_option = click.option(
    "--out", type=_folder, default=Path("out/validation"), show_default=True,
    help="Folder for the Markdown text, the JSON data and the picture.",
)  # fmt: skip
_dataset_option = click.option("--dataset", type=_folder, help="Dataset folder [default: the installed one].")


def _run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--budget", help="Begin no further segment after this long, e.g. 45m or 2h."),
        click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="LAMMPS runs at once."),
        click.option("--run/--no-run", "simulate", default=True, help="Simulate what is missing; or only analyse."),
    ):
        command = option(command)
    return engine_options(command)


@click.group()
def validate() -> None:
    """Checks beyond verify: PeTS, repeatability, finite size, engines, phases, convergence, versions, cost."""


@validate.command("pets", short_help="Density of all states against PeTS.")
@_dataset_option
@_out_option
def pets_command(dataset: Path | None, out: Path) -> None:
    """Compare the density of all published states with the PeTS equation of state."""
    need_build_extra()
    from binlj.builders.validation import density

    frame = density.deviations(dataset)
    text, data = density.report(frame, dataset)
    _finish(out, "pets", text, data, density.draw(frame))


@validate.command("repeat", short_help="Simulate 20 states again; test the errors.")
@click.option("--store", type=_folder, help="Store of the repetitions [default: repeat beside the release store].")
@click.option("--release", type=_folder, help="Store of the published records, only read [default: the campaign's].")
@click.option("--state", "state_ids", multiple=True, help="Repeat this state instead of the 20 (repeatable).")
@_dataset_option
@_out_option
@_run_options
def repeat_command(
    store: Path | None,
    release: Path | None,
    state_ids: tuple[str, ...],
    dataset: Path | None,
    out: Path,
    simulate: bool,
    workers: int,
    budget: str | None,
    lmp: str,
    lmp_args: str,
    launcher: str,
) -> None:
    """Simulate 20 published states again with other seeds; compare within the published errors.

    Each state gets its published start and length, in the segments of the release records. The records go to a
    store of their own. Safe to stop at any time; the same command goes on.
    """
    need_build_extra()
    from binlj.builders.validation import chosen_states as selection
    from binlj.builders.validation import plots, repeat, runner
    from binlj.data import read_table

    seconds = duration(budget) if budget else None
    origin = release or default_store()
    target = store or origin.parent / "repeat"
    states = read_table("states", path=dataset)
    ids, note = (list(state_ids), "") if state_ids else selection.kept_choice(target, states)
    rows = selection.rows_of(states, ids)
    jobs = selection.plan(rows, release=origin, store=target)
    if simulate and not state_ids:
        selection.keep_choice(target, ids)
    _run_or_check(target, jobs, simulate, seconds, workers, lambda: _engine(lmp, lmp_args, launcher))
    found = runner.load(jobs)
    done = repeat.repetitions(rows, _whole_states(jobs, found), dataset=dataset)
    if not done:
        raise DataError(target, ["no state has all of its chains begun"], fix="run it again with --run")
    text, data = repeat.report(done, runner.unfinished(jobs, found), total=len(rows), dataset=dataset)
    repeat.write_curves(out / "repeat.parquet", done)
    _finish(out, "repeat", text + note, data, plots.draw_repeat(done))
    click.echo(f"curves of the rerun: {out / 'repeat.parquet'}")


@validate.command("finite-size", short_help="Simulate two states at several N; compare.")
@click.option("--store", type=_folder, help="Folder of one store for every N [default: finite-size beside the "
              "release store].")  # fmt: skip
@click.option("--homogeneous", help="State that starts mixed [default: T1.20-C0.300-S1.50-E0.80].")
@click.option("--demixed", help="State that starts separated [default: T0.80-C0.500-S1.00-E0.20].")
@click.option("--size", "sizes", multiple=True, metavar="N:STEPS",
              help="Particles and steps (repeatable) [default: 2000:40000, 10000:16000, 30000:8000].")  # fmt: skip
@_out_option
@_run_options
def finite_size_command(
    store: Path | None,
    homogeneous: str | None,
    demixed: str | None,
    sizes: tuple[str, ...],
    out: Path,
    simulate: bool,
    workers: int,
    budget: str | None,
    lmp: str,
    lmp_args: str,
    launcher: str,
) -> None:
    """Simulate a homogeneous and a demixed state at several N; compare with N = 10,000 and with theory.

    The first 2,000 steps of every chain are equilibration. Safe to stop at any time; the same command goes on.
    """
    need_build_extra()
    from binlj.builders.validation import finite_size, plots, runner
    from binlj.grid import parse_state_id

    seconds = duration(budget) if budget else None
    target = store or default_store().parent / "finite-size"
    states = [
        (parse_state_id(homogeneous or finite_size.HOMOGENEOUS, exact=False), "mixed"),
        (parse_state_id(demixed or finite_size.DEMIXED, exact=False), "separated"),
    ]
    wanted = [finite_size.parse_size(text) for text in sizes] or list(finite_size.SIZES)
    jobs = finite_size.plan(states, wanted, target, segment=finite_size.SEGMENT, every=finite_size.EVERY)
    _run_or_check(target, jobs, simulate, seconds, workers, lambda: _engine(lmp, lmp_args, launcher))
    found = runner.load(jobs)
    series = finite_size.analyse(jobs, found)
    if not any(s.results for s in series):
        raise DataError(target, ["no chain has two segments yet"], fix="run it again with --run")
    text, data = finite_size.report(jobs, found, series)
    _finish(out, "finite-size", text, data, plots.draw_finite_size(series))


@validate.command("cost", short_help="What the campaign cost and still needs; a plan for GPUs.")
@click.option("--store", type=_folder, help="Folder of segment records [default: the release campaign's].")
@click.option("--gpu-rate", type=click.FloatRange(min=0, min_open=True),
              help="Atom-steps per second of one GPU, as measured [default: a table of assumed ones].")  # fmt: skip
@_out_option
def cost_command(store: Path | None, gpu_rate: float | None, out: Path) -> None:
    """What the campaign cost, what is left, and what the paper's protocol would take here and on GPUs."""
    need_build_extra()
    from binlj.builders.analysis.assemble import assemble_all
    from binlj.builders.records.store import by_chain
    from binlj.builders.validation import cost, cost_report

    records = _records(store)
    steps: dict[str, dict[str, int]] = {}
    for (state_id, start, _), members in by_chain(records).items():
        furthest = steps.setdefault(state_id, {})
        furthest[start] = max(furthest.get(start, 0), members[-1].step_end)
    with _counting("states", "assembling the states") as progress:
        results = assemble_all(records, progress=progress)
    left = cost.remaining(results, {state_id: list(ends.values()) for state_id, ends in steps.items()})
    text, data = cost_report.report(records, left, gpu_rate)
    _finish(out, "cost", text, data, cost_report.draw(records))


@validate.command("engines", short_help="Records of different LAMMPS builds against each other.")
@click.option("--store", type=_folder, help="Folder of segment records [default: the release campaign's].")
@_out_option
def engines_command(store: Path | None, out: Path) -> None:
    """Where a store holds records of several engines (versions, arguments): do they agree within their errors?"""
    need_build_extra()
    from binlj.builders.validation import engines

    text, data, by_engine = engines.report(_records(store))
    _finish(out, "engines", text, data, engines.draw(by_engine))


@validate.command("convergence", short_help="Which states have converged; how far the others are.")
@click.option("--store", type=_folder, help="Folder of segment records [default: the release campaign's].")
@_out_option
def convergence_command(store: Path | None, out: Path) -> None:
    """Which states meet the criteria, what the others lack, and about how many steps that will take."""
    need_build_extra()
    from binlj.builders.validation import convergence

    with _counting("states", "assembling the states") as progress:
        done = convergence.distances(_records(store), progress=progress)
    text, data = convergence.report(done)
    _finish(out, "convergence", text, data, convergence.draw(done))


@validate.command("coexistence", short_help="The phases that mixtures separate into, by small simulations.")
@click.option("--table", type=click.Path(path_type=Path, dir_okay=False), help="Table [default: the builders' own].")
@click.option("--run/--no-run", "simulate", default=True, help="Simulate what is missing; or only analyse.")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="LAMMPS runs at once.")
@_out_option
@engine_options
def coexistence_command(
    table: Path | None, simulate: bool, workers: int, out: Path, lmp: str, lmp_args: str, launcher: str
) -> None:
    """Simulate what the table of coexisting phases lacks, and compare it with PeTS.

    The campaign's coexistence-seeded starts begin with these phases. Safe to stop at any time: the runs under
    way are lost, nothing else.
    """
    need_build_extra()
    from binlj.builders.coexistence import slabs as coexistence
    from binlj.builders.starts import phases
    from binlj.builders.validation import coexisting_phases as check

    path = table or phases.TABLE
    if simulate:
        engine = _engine(lmp, lmp_args, launcher)
        with _counting("simulations", "two slabs each") as progress, TemporaryDirectory() as folder:
            coexistence.run(path, engine=engine, folder=Path(folder), workers=workers, progress=progress)
    slabs = phases.read_table(path)
    text, data = check.report(slabs)
    _finish(out, "coexistence", text, data, check.draw(slabs))


@validate.command("diff", short_help="Differences from another version of the dataset (old name: moved).")
@click.argument("before", type=_folder)
@_dataset_option
@_out_option
def diff_command(before: Path, dataset: Path | None, out: Path) -> None:
    """Compare the dataset with its version in the folder BEFORE: curves, published starts, phases, convergence.

    The old name of this command, `moved`, is accepted until 3.0.
    The folder of an older version comes from its commit: git archive COMMIT binlj-rdf | tar x -C FOLDER
    """
    need_build_extra()
    from binlj.builders.validation import moved

    frame = moved.compare(before, dataset)
    text, data = moved.report(frame, moved.scores(before, dataset), before, dataset)
    _finish(out, "moved", text, data, moved.draw(frame))


renamed(validate, "moved", diff_command)


def _records(store: Path | None) -> list[SegmentRecord]:
    from binlj.builders.records.store import load_records

    folder = store or default_store()
    records = load_records(folder)
    if not records:
        raise DataError(folder, ["no segment records"], fix="`binlj campaign run` makes them")
    return records


def _engine(lmp: str, lmp_args: str, launcher: str) -> Engine:
    from binlj.builders.md.engine import find_engine

    return find_engine(lmp, args=lmp_args, launcher=launcher)


def _run_or_check(
    target: Path,
    jobs: Sequence[Job],
    simulate: bool,
    budget: float | None,
    workers: int,
    engine: Callable[[], Engine],
) -> None:
    """Run what is missing; or, with --no-run, make sure that there is something to analyse."""
    from binlj.builders.validation import runner

    if not simulate:
        if not target.is_dir():
            raise DataError(target, ["no such store"], fix="leave --no-run away, or give another --store")
        if not any(runner.load(jobs).values()):
            raise DataError(target, ["no records of these chains"], fix="leave --no-run away to simulate them")
        return
    found = runner.load(jobs)
    # Work is counted in particles times steps: a step at N = 30,000 takes 15 times one at N = 2,000.
    done = sum(job.n * min(job.steps, runner.position(found[job.store, job.key])) for job in jobs)
    with _bar("10⁶ atom-steps", f"{len(jobs)} chains") as (advance, say):
        advance(done / 1e6, total=sum(job.n * job.steps for job in jobs) / 1e6)

        def report(job: Job, steps: int, message: str) -> None:
            advance(job.n * steps / 1e6)
            say(f"{job.chain.name} (N = {job.n:,}): {message}")

        left = runner.run(jobs, engine=engine(), workers=workers, budget=budget, report=report)
    click.echo(f"{len(left)} chain(s) not finished: run the same command again" if left else "all chains finished")


def _whole_states(jobs: Sequence[Job], found: Any) -> dict[str, list]:
    """Records by state, of the states all of whose chains have at least two records (or all they are to have)."""
    out: dict[str, list] = {}
    for state_id in dict.fromkeys(job.key[0] for job in jobs):
        chains = [(job, found[job.store, job.key]) for job in jobs if job.key[0] == state_id]
        if all(len(records) >= min(2, len(job.pieces)) for job, records in chains):
            out[state_id] = [record for _, records in chains for record in records]
    return out


def _finish(out: Path, name: str, text: str, data: Any, figure: Any) -> None:
    from binlj.builders.validation.output import write_report

    files = write_report(out, name, text=text, data=data, figure=figure)
    click.echo(text)
    click.echo(f"\nwritten: {', '.join(map(str, files))}")


@contextmanager
def _counting(unit: str, words: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar; yields what takes (done, all)."""
    with _bar(unit, words) as (advance, _):
        seen = 0

        def progress(done: int, total: int) -> None:
            nonlocal seen
            advance(done - seen, total=total)
            seen = done

        yield progress


@contextmanager
def _bar(unit: str, words: str) -> Iterator[tuple[Callable[..., None], Callable[[str], None]]]:
    """A progress bar with an estimate; yields (advance by an amount, say a line)."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(),
        TextColumn(f"{{task.completed:,.0f}}/{{task.total:,.0f}} {unit}"), TimeElapsedColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    # Segments take a minute or so: the estimate has to look back further than the default 30 s.
    with Progress(*columns, console=Console(file=sys.stderr), speed_estimate_period=1800) as progress:
        task = progress.add_task(words, total=1.0)
        first = True

        def advance(amount: float, *, total: float | None = None) -> None:
            nonlocal first
            if total is not None and first:
                first = False
                progress.reset(task, total=total, completed=int(amount))
            else:
                progress.update(task, advance=amount, total=total)

        yield advance, lambda line: progress.console.print(line, highlight=False, markup=False)
