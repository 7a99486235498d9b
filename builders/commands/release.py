"""``binlj assemble``, ``binlj publish``, ``binlj verify``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from binlj import __version__, paths
from binlj.builders.commands.options import default_store
from binlj.errors import DataError, InputError
from binlj.progress import progress_bar

if TYPE_CHECKING:
    from binlj.builders.analysis.assemble import StateResult
    from binlj.builders.records.configuration import Configuration
    from binlj.builders.records.record import ChainKey, SegmentRecord
    from binlj.builders.release.publish import Published
    from binlj.builders.release.tables import Snapshot

_store_option = click.option(
    "--store",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of segment records [default: builders/campaigns/release in the clone].",
)
_off_grid_option = click.option(
    "--offgrid-store",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Folder of the off-grid states' records [default: builders/campaigns/offgrid in the clone; with --store, "
    "none]. Without one, the dataset has no track `offgrid`.",
)
_mixed_option = click.option(
    "--mixed/--no-mixed",
    default=None,
    help="Publish the mixed regime too, from builders/campaigns/mixed and the mixed chains of the other campaigns "
    "[default: in the clone, if that campaign has records].",
)
_workers_option = click.option(
    "--workers", type=click.IntRange(1), default=2, show_default=True, help="Processes."
)
_dataset_option = click.option(
    "--dataset",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    help="Dataset folder [default: the installed one].",
)


@click.command()
@_store_option
@_workers_option
@click.option("--state", "state_ids", multiple=True, help="Only this state (repeatable).")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("out/assembled"),
    show_default=True,
    help="Folder for the tables.",
)
def assemble(
    store: Path | None, workers: int, state_ids: tuple[str, ...], out: Path
) -> None:
    """Turn segment records into tables of RDFs with errors (rdf, fine, states)."""
    from binlj import schema
    from binlj.builders.release import tables

    results = _results(_store(store), workers, state_ids)
    tables.write_table(out / "rdf.parquet", tables.rdf_table(results, schema.N_BINS))
    tables.write_table(out / "fine.parquet", tables.rdf_table(results, schema.N_FINE))
    tables.write_table(out / "states.parquet", tables.states_table(results))
    _summary(results)
    click.echo(f"written to {out}: rdf.parquet, fine.parquet, states.parquet")


@click.command()
@_store_option
@_off_grid_option
@_mixed_option
@_workers_option
@_dataset_option
@click.option("--version", default=__version__, show_default=True, help="Version of the data.")
@click.option(
    "--date",
    "released",
    default=None,
    help="Release date, YYYY-MM-DD [default: today; kept while the data stay the same].",
)
@click.option(
    "--partial", is_flag=True, help="Publish an incomplete grid (development only; the card says so)."
)
@click.option(
    "--snapshots",
    type=click.Choice(["auto", "refresh", "keep"]),
    default="auto",
    show_default=True,
    help="Last configurations (30 MB): take them from the store, or keep those published. "
    "auto: keep if there are any, else refresh.",
)
@click.option(
    "--to-hub",
    "repo_id",
    default=None,
    metavar="NAMESPACE/NAME",
    help="Push the published folder to the Hub.",
)
@click.option(
    "--grid",
    type=click.Choice(["assemble", "keep"]),
    default="assemble",
    show_default=True,
    help="keep: leave the published tables of the grid, snapshots included, as they are and write the off-grid states "
    "beside them.",
)
@click.option("--documents", is_flag=True, help="Rewrite only the card, croissant.json and manifest of the folder.")
@click.option("--dry-run", is_flag=True, help="With --to-hub: only list what would be done; works offline.")
def publish(
    store: Path | None,
    offgrid_store: Path | None,
    mixed: bool | None,
    workers: int,
    dataset: Path | None,
    version: str,
    released: str | None,
    partial: bool,
    snapshots: str,
    repo_id: str | None,
    grid: str,
    documents: bool,
    dry_run: bool,
) -> None:
    """Write the dataset folder from the segment records; or, with --to-hub, push the published one."""
    target = dataset or paths.dataset_dir()
    if dry_run and repo_id is None:
        raise InputError("--dry-run", ["goes with --to-hub only"])
    if repo_id is not None:
        _push(target, repo_id, dry_run=dry_run)
        return
    from binlj.builders.analysis.assemble import finished
    from binlj.builders.release.publish import publish as write
    from binlj.builders.release.publish import rewrite_documents

    if documents:
        manifest = rewrite_documents(target).manifest
        click.echo(f"documents of {target} rewritten: version {manifest['version']}")
        return

    from binlj.builders.records import store as stores

    if offgrid_store is None and store is None:
        offgrid_store = default_store("offgrid")
    off_grid = _results(_store(offgrid_store), workers) if offgrid_store else []
    if mixed is None:
        mixed = store is None and (default_store("mixed") / "packs").is_dir()
    in_window, off_grid_in_window = _mixed_results() if mixed else ([], [])
    if grid == "keep":
        given = {"--store": store, "--partial": partial, "--snapshots": snapshots != "auto"}
        wrong = [f"{name} is for a grid that is assembled" for name, value in given.items() if value]
        if wrong:
            raise InputError("--grid keep", wrong, fix="leave it out")
        done = write(
            None, target=target, version=version, released=released, snapshots=None, off_grid=off_grid,
            mixed=in_window, mixed_off_grid=off_grid_in_window,
        )  # fmt: skip
        _summary(off_grid, "the grid as published; off the grid: ")
        _mixed_summary(in_window, off_grid_in_window)
        _written(done)
        return
    folder = _store(store)
    results = _results(folder, workers)
    keep = snapshots == "keep" or (snapshots == "auto" and (target / "snapshots" / "all.parquet").is_file())
    records = [] if keep else stores.load_records(folder)
    replaced = {} if keep else stores.published_by_chain(target, records)
    done = write(
        results,
        target=target,
        version=version,
        released=released,
        partial=partial,
        snapshots=None if keep else _snapshots(folder, target, records, replaced),
        off_grid=off_grid,
        mixed=in_window,
        mixed_off_grid=off_grid_in_window,
    )
    if dataset is None and replaced:
        # A start that is not published any more must not lose what its chain goes on from.
        stores.write_configurations(folder, records, more=replaced, finished=finished(results))
    _summary(results)
    if off_grid:
        _summary(off_grid, "off the grid: ")
    _mixed_summary(in_window, off_grid_in_window)
    click.echo(
        f"snapshots {'kept' if keep else 'refreshed'}, {len(done.without_snapshot)} states without one"
    )
    _written(done)


@click.command()
@_dataset_option
@click.option("--strict", is_flag=True, help="Violations of physical bounds fail too.")
@click.option("--partial", is_flag=True, help="Accept an incomplete grid.")
def verify(dataset: Path | None, strict: bool, partial: bool) -> None:
    """Check the published dataset: hashes, schema, splits, values, physics; list every problem."""
    from binlj.builders.release.verify import verify as check

    folder = dataset or paths.dataset_dir()
    installed = dataset is None and paths.clone_root() is None
    report = check(folder, partial=partial, without_snapshots=installed)
    if report.structure or (strict and report.physics):
        problems = [*report.structure, *(f"physics: {line}" for line in report.physics)]
        raise DataError(folder, problems, fix="fetch the dataset again, or publish it again from the records")
    for line in report.notes:
        click.echo(f"note: {line}")
    for line in report.physics:
        click.echo(f"physics: {line}")
    note = (
        f"{len(report.physics)} violations of physical bounds"
        if report.physics
        else "all physical bounds met"
    )
    click.echo(f"{folder}: {len(report.checked)} tables and the manifest are sound; {note}")


def _store(store: Path | None) -> Path:
    if store is None and paths.clone_root() is None:
        raise InputError(
            "--store", ["an installed package has no records"], fix="name the folder of a campaign"
        )
    folder = store or default_store()
    if not folder.is_dir():
        raise InputError(folder, ["no such store"], fix="`binlj campaign run` makes one")
    return folder


def _results(store: Path, workers: int, state_ids: Iterable[str] = ()) -> list[StateResult]:
    from binlj.builders.analysis.assemble import assemble_all
    from binlj.builders.records.store import load_records
    from binlj.grid import parse_state_id

    wanted = {parse_state_id(state_id, exact=False).state_id for state_id in state_ids}
    with progress_bar("reading and assembling records", "states") as progress:
        records: list[SegmentRecord] = load_records(store)
        if wanted:
            records = [record for record in records if record.state_id in wanted]
        missing = sorted(wanted - {record.state_id for record in records}) if wanted else []
        if missing or not records:
            problems = [f"{name} has no records" for name in missing] or ["no segment records"]
            raise InputError(store, problems, fix="`binlj campaign run` or `binlj simulate` makes them")
        return assemble_all(records, workers=workers, progress=progress)


def _mixed_results() -> tuple[list[StateResult], list[StateResult]]:
    """The mixed regime of the grid, and of the off-grid states if all of them have the window."""
    from binlj.builders.campaign import mixed_regime
    from binlj.grid import grid
    from binlj.offgrid import offgrid

    on_grid = [default_store(name) for name in (*mixed_regime.ELSEWHERE, "mixed")]
    with progress_bar("reading and assembling the mixed regime", "states") as progress:
        results, factors = mixed_regime.results(grid(), on_grid, progress=progress)
        off = [default_store("offgrid"), default_store("mixed")]
        off_grid, _ = mixed_regime.results(offgrid(), off, factors=factors)
    return results, off_grid if len(off_grid) == len(offgrid()) else []


def _mixed_summary(results: list[StateResult], off_grid: list[StateResult]) -> None:
    if results:
        _summary(results, "mixed regime: ")
        off = "as well" if off_grid else "left out, since they do not all have the window"
        click.echo(f"mixed regime: off-grid states {off}")


def _snapshots(
    store: Path, dataset: Path, records: Sequence[SegmentRecord], replaced: Mapping[ChainKey, Configuration]
) -> Iterable[Snapshot]:
    """All there is: of the working folders, stored, in the dataset that is being replaced and in the installed one.

    Of the installed dataset, which may have been made from another store, only what this one's records end with.
    """
    from binlj.builders.records import store as stores
    from binlj.builders.records.survey import counted

    ends = {(r.state_id, r.start, r.step_end, r.n_A + r.n_B) for r in records}
    known = [stores.read_configurations(store), replaced]
    if dataset.absolute() != paths.dataset_dir().absolute():
        installed = stores.published_by_chain(paths.dataset_dir(), records).items()
        known.append({key: c for key, c in installed if (*key[:2], c.step, len(c.types)) in ends})
    usable = {r.chain for r in counted(records)}
    other = {r.chain for r in records} - usable
    for key in sorted(usable.union(*known) - other):
        folder = store / "work" / stores.chain_name(key)
        for c in (stores.last_configuration(folder), *(found.get(key) for found in known)):
            if c is not None:
                yield key[0], key[1], c.step, c.box_length, c.types, c.positions.ravel()


def _written(done: Published) -> None:
    info = done.manifest
    click.echo(f"written to {done.folder}: version {info['version']}, data sha256 {info['data_sha256'][:16]}")


def _summary(results: list[StateResult], of: str = "") -> None:
    from binlj.builders.analysis.reconcile import PHASES

    phases = Counter(result.phase for result in results)
    done = sum(result.converged for result in results)
    parts = ", ".join(f"{phases[name]} {name}" for name in PHASES)
    click.echo(f"{of}{len(results)} states ({parts}); {done} converged")


def _push(folder: Path, repo_id: str, *, dry_run: bool) -> None:
    from binlj.builders.release import hub

    planned = hub.plan(folder, repo_id)
    if dry_run:
        click.echo("\n".join(["dry run; nothing is sent:", *(f"  {line}" for line in planned.operations)]))
        return
    click.echo(f"pushed: {hub.push(planned)}")
