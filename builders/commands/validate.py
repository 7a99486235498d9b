"""``binlj validate pets | solubility | exchange | repeat | finite-size | coexistence | convergence | diff``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import click

from binlj.builders.commands.options import default_store, duration, engine_options, need_build_extra, run_jobs
from binlj.errors import DataError
from binlj.files import sha256
from binlj.progress import progress_bar

if TYPE_CHECKING:
    from binlj.builders.campaign.fixed_plan import Job
    from binlj.builders.md.engine import Engine
    from binlj.builders.records.record import SegmentRecord

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
    """Checks beyond verify: densities, solubility, exchange, errors, finite size, phases, convergence, versions."""


@validate.command("pets", short_help="Density of all states against PeTS.")
@_dataset_option
@_out_option
def pets_command(dataset: Path | None, out: Path) -> None:
    """Compare the density of all published states with the PeTS equation of state."""
    from binlj.builders.validation import density

    frame = density.deviations(dataset)
    text, data = density.report(frame, dataset)
    _finish(out, "pets", text, data, density.draw(frame))


@validate.command("solubility", short_help="Solubility beside droplets against larger bodies.")
@_dataset_option
@_out_option
def solubility_command(dataset: Path | None, out: Path) -> None:
    """Compare how many B particles are dissolved beside each droplet and beside larger bodies."""
    from binlj.builders.validation import solubility

    found = solubility.published(dataset)
    text, data = solubility.report(found, dataset)
    _finish(out, "solubility", text, data, solubility.draw(found))


@validate.command("exchange", short_help="Identity exchange against plain dynamics.")
@click.option(
    "--store", "stores", type=_folder, multiple=True,
    help="Store of the records (repeatable) [default: those of the grid and the off-grid states].",
)  # fmt: skip
@_out_option
def exchange_command(stores: tuple[Path, ...], out: Path) -> None:
    """Compare the states that were simulated with identity exchange with what plain dynamics gave."""
    from binlj.builders.validation import exchange_report

    folders = stores or (default_store(), default_store("offgrid"))
    records = [record for folder in folders for record in _records(folder)]
    with progress_bar("comparing", "states") as progress:
        found = exchange_report.both(records, progress=progress)
    if not found:
        raise DataError(folders[0], ["no state has records with and without exchange"],
                        fix="`binlj campaign exchange` makes them")  # fmt: skip
    text, data = exchange_report.report(found)
    read = f"records of the {'store' if len(folders) == 1 else 'stores'} ({len(records):,} segments)"
    _finish(out, "exchange", _under_title(text, read), data, exchange_report.draw(found))


@validate.command("repeat", short_help="Simulate 30 states again; test the errors.")
@click.option("--store", type=_folder, help="Store of the repetitions [default: repeat beside the release store].")
@click.option("--release", type=_folder, help="Store of the published records, only read [default: the campaign's].")
@click.option("--state", "state_ids", multiple=True, help="Repeat this state instead of the 30 (repeatable).")
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
    """Simulate 30 published states again with other seeds; compare within the published errors.

    Each state gets its published start and length, in the segments of the release records. The records go to a
    store of their own. The command can be stopped at any time; run it again to continue.
    """
    need_build_extra("pymbar")
    from binlj.builders.campaign import fixed_plan
    from binlj.builders.validation import chosen_states, repeat, rerun_plots
    from binlj.data import read_table

    seconds = duration(budget) if budget else None
    origin = release or default_store()
    target = store or origin.parent / "repeat"
    chosen = state_ids or chosen_states.STATES + chosen_states.DILUTE
    rows = chosen_states.rows_of(read_table("states", path=dataset), chosen)
    jobs = chosen_states.plan(rows, release=origin, store=target)
    _run_or_check(target, jobs, simulate, seconds, workers, lambda: _engine(lmp, lmp_args, launcher))
    found = fixed_plan.load(jobs)
    done = repeat.repetitions(rows, _whole_states(jobs, found), dataset=dataset)
    if not done:
        raise DataError(target, ["no state has all of its chains begun"], fix="run it again with --run")
    text, data = repeat.report(done, fixed_plan.unfinished(jobs, found), total=len(rows), dataset=dataset)
    repeat.write_curves(out / "repeat.parquet", done)
    _finish(out, "repeat", text, data, rerun_plots.draw_repeat(done))
    click.echo(f"curves of the rerun: {out / 'repeat.parquet'}")


@validate.command("finite-size", short_help="Simulate six states at several N; compare.")
@click.option("--store", type=_folder, help="Folder of one store for every N [default: finite-size beside the "
              "release store].")  # fmt: skip
@_out_option
@_run_options
def finite_size_command(
    store: Path | None,
    out: Path,
    simulate: bool,
    workers: int,
    budget: str | None,
    lmp: str,
    lmp_args: str,
    launcher: str,
) -> None:
    """Simulate five homogeneous states and a demixed one at several N; compare with N = 10,000 and with theory.

    The first 2,000 steps of every chain are equilibration. The command can be stopped at any time; run it again to
    continue.
    """
    need_build_extra("pymbar")
    from binlj.builders.campaign import fixed_plan
    from binlj.builders.validation import finite_size, rerun_plots

    seconds = duration(budget) if budget else None
    target = store or default_store().parent / "finite-size"
    jobs = finite_size.plan(target)
    _run_or_check(target, jobs, simulate, seconds, workers, lambda: _engine(lmp, lmp_args, launcher))
    found = fixed_plan.load(jobs)
    series = finite_size.analyse(jobs, found)
    if not any(s.results for s in series):
        raise DataError(target, ["no chain has two segments yet"], fix="run it again with --run")
    text, data = finite_size.report(jobs, found, series)
    text = _under_title(text, f"records of the simulations ({sum(map(len, found.values())):,} segments)")
    _finish(out, "finite-size", text, data, rerun_plots.draw_finite_size(series))


@validate.command("convergence", short_help="Which states have converged; how far the others are.")
@click.option("--store", type=_folder, help="Folder of segment records [default: the release campaign's].")
@_out_option
def convergence_command(store: Path | None, out: Path) -> None:
    """Which states meet the criteria, what the others lack, and an estimate of the steps they still need."""
    need_build_extra("pymbar")
    from binlj.builders.validation import convergence

    with progress_bar("assembling the states", "states") as progress:
        records = _records(store)
        done = convergence.distances(records, progress=progress)
    text, data = convergence.report(done)
    text = _under_title(text, f"records in the campaign's store ({len(records):,} segments)")
    _finish(out, "convergence", text, data, convergence.draw(done))


@validate.command("coexistence", short_help="Coexisting phases by small simulations.")
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
    from binlj.builders.coexistence import slab_simulations
    from binlj.builders.starts import coexistence_table
    from binlj.builders.validation import coexistence_report

    path = table or coexistence_table.TABLE
    if simulate:
        engine = _engine(lmp, lmp_args, launcher)
        with progress_bar("two slabs each", "simulations") as progress, TemporaryDirectory() as folder:
            slab_simulations.run(path, engine=engine, folder=Path(folder), workers=workers, progress=progress)
    found = coexistence_table.read_table(path)
    text, data = coexistence_report.report(found)
    text = _under_title(text, f"table {path.name} ({len(found)} simulations, SHA-256 {sha256(path)[:16]})")
    _finish(out, "coexistence", text, data, coexistence_report.draw(found))


@validate.command("diff", short_help="Differences from another version of the dataset.")
@click.argument("before", type=_folder)
@_dataset_option
@_out_option
def diff_command(before: Path, dataset: Path | None, out: Path) -> None:
    """Compare the dataset with its version in the folder BEFORE: curves, published starts, phases, convergence.

    The folder of an older version comes from its commit: git archive COMMIT binlj-rdf | tar x -C FOLDER
    """
    from binlj.builders.validation import version_diff

    frame = version_diff.compare(before, dataset)
    scores, changed = version_diff.scores(before, dataset), version_diff.changes(before, dataset)
    text, data = version_diff.report(frame, scores, changed, before, dataset)
    _finish(out, "version-diff", text, data, version_diff.draw(frame))


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
    from binlj.builders.campaign import fixed_plan

    if not simulate:
        if not target.is_dir():
            raise DataError(target, ["no such store"], fix="leave --no-run away, or give another --store")
        if not any(fixed_plan.load(jobs).values()):
            raise DataError(target, ["no records of these chains"], fix="leave --no-run away to simulate them")
        return
    need_build_extra("freud", "numba")
    left = run_jobs(jobs, engine=engine(), workers=workers, budget=budget)
    click.echo(f"{len(left)} chain(s) not finished: run the same command again" if left else "all chains finished")


def _whole_states(jobs: Sequence[Job], found: Any) -> dict[str, list]:
    """Records by state, of the states all of whose chains have at least two records (or all they are to have)."""
    out: dict[str, list] = {}
    for state_id in dict.fromkeys(job.key[0] for job in jobs):
        chains = [(job, found[job.store, job.key]) for job in jobs if job.key[0] == state_id]
        if all(len(records) >= min(2, len(job.pieces)) for job, records in chains):
            out[state_id] = [record for _, records in chains for record in records]
    return out


def _under_title(text: str, read: str) -> str:
    """A report with a sentence under its title on what it was made from, where that is not the published data."""
    from binlj.builders.validation.output import store_line

    title, rest = text.split("\n", 1)
    return f"{title}\n\n{store_line(read)}\n{rest}"


def _finish(out: Path, name: str, text: str, data: Any, figure: Any) -> None:
    from binlj.builders.validation.output import write_report

    files = write_report(out, name, text=text, data=data, figure=figure)
    click.echo(text)
    click.echo(f"\nwritten: {', '.join(map(str, files))}")
