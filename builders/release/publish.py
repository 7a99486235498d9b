"""Writing the dataset folder: built beside the old one, checked, then put in its place."""

from __future__ import annotations

import contextlib
import datetime
import fcntl
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq

from binlj import paths, schema
from binlj.builders.analysis.assemble import StateResult
from binlj.builders.analysis.solubility import contradictions, families
from binlj.builders.release import card, croissant, tables
from binlj.builders.release.verify import check_structure
from binlj.data import data_hash, dataset_info
from binlj.errors import DataError, InputError, StoreBusyError
from binlj.files import sha256, write_json, write_text
from binlj.grid import State, grid
from binlj.offgrid import offgrid

URL = "https://github.com/binlj-rdf/binlj-rdf"
ABOUT = (
    "Radial distribution functions of binary Lennard-Jones mixtures, with standard errors, "
    "computed by molecular dynamics."
)
FIGURE = "starts.png"  # of the card; docs/starts.py draws it
KEPT = ("__pycache__",)  # what may stand in the folder beside published files


@dataclass(frozen=True)
class Published:
    """What was written: the folder, its manifest, and state ids without a snapshot."""

    folder: Path
    manifest: dict[str, Any]
    without_snapshot: tuple[str, ...]


def publish(
    results: Sequence[StateResult] | None,
    *,
    target: Path,
    version: str,
    snapshots: Iterable[tables.Snapshot] | None,
    released: str | None = None,
    partial: bool = False,
    template: Path | None = None,
    off_grid: Sequence[StateResult] = (),
    mixed: Sequence[StateResult] = (),
    mixed_off_grid: Sequence[StateResult] = (),
) -> Published:
    """Write the dataset; the folder that was there stays whole until the new one is complete.

    Parameters
    ----------
    results : sequence of StateResult, or None
        The states of the grid. None keeps the grid's tables, snapshots included, byte for byte as they are in the
        folder that is being replaced; if there is none, as in the installed dataset.
    target : Path
        The dataset folder.
    version : str
        x.y.z, with an optional suffix.
    snapshots : iterable of Snapshot, or None
        Last configurations; None keeps the ``snapshots`` of the folder that is being replaced.
    released : str, optional
        Date, YYYY-MM-DD. Default: that of the present folder if version and data are the same, else today.
    partial : bool
        Allow an incomplete grid (the card says so).
    template : Path, optional
        The card; default ``dataset_card.md`` of the clone.
    off_grid : sequence of StateResult
        The off-grid states. Without them the folder has no track ``offgrid``.
    mixed, mixed_off_grid : sequence of StateResult
        The states of the grid and the off-grid ones in the mixed regime. Without them the folder has no such tracks.

    Raises
    ------
    InputError
        For an incomplete grid or set of off-grid states, a state twice or of neither, a bad version or date,
        foreign files in the folder.
    DataError
        If tables to be kept are not as they were published, or the new folder does not pass its own structural
        checks; the old one is untouched.
    StoreBusyError
        If another publish is at work on the folder.
    """
    target = target.absolute()
    template = template or _default_template()
    sets = (off_grid, mixed, mixed_off_grid)
    _check_input(results, *sets, target=target, version=version, released=released, partial=partial)
    target.parent.mkdir(parents=True, exist_ok=True)
    with _only_one(target.parent, target.name):
        if not target.exists() and _aside(target).exists():
            _aside(target).rename(target)
        work = target.parent / f".{target.name}.new.tmp"
        shutil.rmtree(work, ignore_errors=True)  # a killed publish's leftovers
        work.mkdir()
        try:
            if results is None:
                _keep_grid(work, target if target.exists() else paths.dataset_dir(), version=version)
                missing = []
            else:
                missing = _write_grid(work, results, snapshots, old=target, version=version)
            _write_further(work, *sets, version=version)
            _write_documents(work, target, version=version, released=released, template=template)
            problems = check_structure(work, partial=partial or bool(missing))
            if problems:
                raise DataError(
                    target, problems, fix="the old dataset is untouched; this is a defect of the builder"
                )
            swap(work, target)
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return Published(target, dataset_info(path=target), tuple(missing))


def rewrite_documents(target: Path, *, template: Path | None = None) -> Published:
    """Render the card, ``croissant.json`` and the manifest of a published folder again; its tables stay.

    Raises
    ------
    DataError
        If the folder is not as it was published.
    """
    target = target.absolute()
    template = template or _default_template()
    with _only_one(target.parent, target.name):
        problems = check_structure(target)
        if problems:
            raise DataError(target, problems, fix="publish again from the records")
        info = dataset_info(path=target)
        _write_documents(
            target, target, version=info["version"], released=info["released"], template=template,
        )  # fmt: skip
    return Published(target, dataset_info(path=target), ())


def swap(new: Path, target: Path) -> None:
    """Put the folder `new` in the place of `target` and delete what was there; if that fails, `target` is put back."""
    aside = _aside(target)
    shutil.rmtree(aside, ignore_errors=True)
    if target.exists():
        target.rename(aside)
    try:
        new.rename(target)
    except OSError:
        if aside.exists():
            aside.rename(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)


def _aside(target: Path) -> Path:
    """Where the old folder stands between the two renames; a publish killed there leaves it to the next one."""
    return target.parent / f".{target.name}.old.tmp"


@contextlib.contextmanager
def _only_one(folder: Path, name: str) -> Iterator[None]:
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreBusyError(
                f"{folder / name}: another `binlj publish` is writing it; wait for it"
            ) from None
        yield
    finally:
        os.close(handle)


def _check_input(
    results: Sequence[StateResult] | None, off_grid: Sequence[StateResult], mixed: Sequence[StateResult],
    mixed_off_grid: Sequence[StateResult], *, target: Path, version: str, released: str | None, partial: bool,
) -> None:  # fmt: skip
    problems = []
    if results is not None:
        problems += _check_set(results, grid(), "a state of the grid", "states", partial=partial)
    for several, found, wanted, one in (
        ("off-grid states", off_grid, offgrid(), "an off-grid state"),
        ("states of the mixed regime", mixed, grid(), "a state of the grid"),
        ("off-grid states of the mixed regime", mixed_off_grid, offgrid(), "an off-grid state"),
    ):
        if found:
            problems += _check_set(found, wanted, one, several, partial=partial)
    if mixed_off_grid and not mixed:
        problems.append("off-grid states of the mixed regime without its grid, which their track is trained on")
    if not (results or off_grid or mixed):
        problems.append("nothing to publish")
    if re.fullmatch(r"\d+\.\d+\.\d+([.+-][0-9A-Za-z.+-]+)?", version) is None:
        problems.append(f"version {version!r} is not of the form 1.2.3")
    if released is not None:
        try:
            datetime.date.fromisoformat(released)
        except ValueError:
            problems.append(f"date {released!r} is not of the form 2025-12-31")
    problems += [f"{name} in {target} was not written by publish" for name in _foreign(target)]
    if problems:
        raise InputError(
            "publish",
            problems,
            fix="finish the campaign (or give --partial for a development copy, or --no-mixed to leave that regime "
            "out), and keep nothing else in the dataset's folder",
        )


def _check_set(
    results: Sequence[StateResult], wanted: Sequence[State], one: str, several: str, *, partial: bool
) -> list[str]:
    """What is wrong with the choice of states."""
    ids = [result.state.state_id for result in results]
    known = {state.state_id for state in wanted}
    twice = sorted({i for i in ids if ids.count(i) > 1}) if len(set(ids)) < len(ids) else []
    problems = [f"{i} comes twice" for i in twice]
    problems += [f"{i} is not {one}" for i in ids if i not in known]
    missing = sorted(known - set(ids))
    if missing and not partial:
        shown = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        problems.append(f"{len(missing)} of {len(wanted)} {several} have no records: {shown}")
    return problems


def _foreign(folder: Path) -> list[str]:
    """Files of an existing folder that a swap would lose and that no publish wrote."""
    if not folder.is_dir():
        return []
    ours = {"README.md", FIGURE, "croissant.json", "manifest.json", *schema.FILES}
    found = [p.relative_to(folder) for p in sorted(folder.rglob("*")) if p.is_file()]
    return [
        str(p) for p in found if p.as_posix() not in ours and p.parts[0] not in KEPT and p.name != ".gitkeep"
    ]


def _write_further(
    work: Path, off_grid: Sequence[StateResult], mixed: Sequence[StateResult],
    mixed_off_grid: Sequence[StateResult], *, version: str,
) -> None:  # fmt: skip
    """The tables beside those of the grid in equilibrium."""
    found = tables.off_grid_tables(off_grid, version=version)
    if mixed:
        found |= tables.grid_tables(mixed, version=version, regime="mixed")
        found |= tables.off_grid_tables(mixed_off_grid, version=version, regime="mixed")
    for name, table in found.items():
        tables.write_table(work / name, table)


def _write_grid(
    work: Path, results: Sequence[StateResult], snapshots: Iterable[tables.Snapshot] | None,
    *, old: Path, version: str,
) -> list[str]:  # fmt: skip
    file = work / "snapshots" / "all.parquet"
    missing = _write_snapshots(file, results, snapshots, old=old, version=version)
    if schema.major(version) >= 2:
        results = without_contradictions(results, file)
    for name, table in tables.grid_tables(results, version=version).items():
        tables.write_table(work / name, table)
    return missing


def without_contradictions(results: Sequence[StateResult], snapshots: Path) -> list[StateResult]:
    """Take the flag `converged` from droplets whose solubility contradicts larger bodies of the same T*, S and eps_AB.

    Parameters
    ----------
    results : sequence of StateResult
    snapshots : Path
        Table of their last configurations (:mod:`binlj.builders.analysis.solubility`).
    """
    demixed = {r.state.state_id for r in results if r.phase == "demixed"}
    last = {row.state_id: row for row in pq.read_table(snapshots).to_pandas().itertuples() if row.state_id in demixed}
    rows = (SimpleNamespace(**vars(result), state_id=result.state.state_id) for result in results)
    said = contradictions(families(rows, last))
    return [
        replace(r, converged=False, reason="; ".join(filter(None, [r.reason, said[r.state.state_id]])))
        if r.state.state_id in said else r
        for r in results
    ]  # fmt: skip


def _write_snapshots(
    file: Path, results: Sequence[StateResult], snapshots: Iterable[tables.Snapshot] | None, *, old: Path, version: str
) -> list[str]:
    """Write or keep the table of last configurations; return the states that have none."""
    if snapshots is not None:
        return tables.write_snapshots(file, snapshots, {r.state.state_id: r.start for r in results})
    previous = old / "snapshots" / "all.parquet"
    if not previous.is_file():
        raise InputError("snapshots", [f"{previous} is not there to be kept"], fix="give --snapshots refresh")
    file.parent.mkdir(parents=True)
    shutil.copyfile(previous, file)
    kept = pq.read_table(file, columns=["state_id", "start"])
    have = dict(zip(*(kept[name].to_pylist() for name in kept.column_names), strict=True))
    other = [r.state.state_id for r in results if have.get(r.state.state_id, r.start) not in r.start.split("+")]
    if other and schema.major(version) >= 2:  # before, `binlj verify` only notes them
        raise InputError(
            "snapshots", [f"{state_id}: those kept are not of the published start" for state_id in other],
            fix="give --snapshots refresh",
        )  # fmt: skip
    return sorted({r.state.state_id for r in results} - set(have))


def _keep_grid(work: Path, source: Path, *, version: str) -> None:
    """Copy the grid's tables of a published folder."""
    info = dataset_info(path=source)
    if schema.major(str(info["version"])) < 2 <= schema.major(version):
        raise InputError(
            "--grid keep", [f"the grid's tables are of version {info['version']}, without the columns of {version}"],
            fix="assemble the grid from its records",
        )  # fmt: skip
    listed = info["files"]
    problems = []
    for name in schema.ALWAYS:
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(source / name, work / name)
        if not (work / name).is_file():
            problems.append(f"{name} is missing")
        elif sha256(work / name) != listed.get(name):
            problems.append(f"{name} was changed after it was published (SHA-256 differs from the manifest)")
    if problems:
        raise DataError(source, problems, fix="fetch the dataset again, or publish it again from the records")


def _write_documents(work: Path, target: Path, *, version: str, released: str | None, template: Path) -> None:
    files = {p.relative_to(work).as_posix(): sha256(p) for p in sorted(work.rglob("*.parquet"))}
    digest = data_hash(files)
    _refuse_other_data(target, version, digest)
    released = released or _released(target, version, digest)
    states = {
        (config, split): read_table_at(work, config, split)
        for config in ("states", "mixed_states") for split in schema.SPLITS[config]
        if f"{config}/{split}.parquet" in files
    }  # fmt: skip
    values = card.card_values(work, states, version=version, released=released, data_sha256=digest)
    write_text(work / "README.md", card.render(template.read_text(encoding="utf-8"), values))
    documents = ["README.md", "croissant.json"]
    figure = template.parent / "docs" / FIGURE
    if figure.is_file():
        shutil.copyfile(figure, work / FIGURE)
        documents.append(FIGURE)
    croissant.write(
        work,
        version=version,
        released=released,
        name="binlj-rdf",
        description=ABOUT,
        url=URL,
        cite_as=card.citation(version),
    )
    for name in documents:
        files[name] = sha256(work / name)
    manifest = {"version": version, "released": released, "data_sha256": digest, "files": files}
    write_json(work / "manifest.json", manifest)


def read_table_at(folder: Path, config: str, split: str = "all") -> Any:
    """A table of a folder that has no README.md yet."""
    return pq.read_table(folder / config / f"{split}.parquet").to_pandas()


def _refuse_other_data(target: Path, version: str, digest: str) -> None:
    """A version names one set of data: that in the folder, and that of the installed dataset."""
    for folder in dict.fromkeys((target, paths.dataset_dir())):
        with contextlib.suppress(DataError):
            old = dataset_info(path=folder)
            if old["version"] == version and old["data_sha256"] != digest:
                raise InputError(
                    "publish",
                    [
                        f"version {version} is in {folder} with other data "
                        f"(sha256 {old['data_sha256'][:16]}, these {digest[:16]})"
                    ],
                    fix="give another --version",
                )


def _released(target: Path, version: str, digest: str) -> str:
    with contextlib.suppress(DataError):
        old = dataset_info(path=target)
        if (old.get("version"), old.get("data_sha256")) == (version, digest) and "released" in old:
            return str(old["released"])
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def _default_template() -> Path:
    root = paths.clone_root()
    if root is None:
        raise InputError("dataset card", ["dataset_card.md comes with a clone only"], fix="publish from a clone")
    return root / "dataset_card.md"
