"""Checks of a published dataset folder; all problems are listed at once.

Structural problems (a changed file, a wrong column, a missing row, a state on both sides of a split) always
fail. Violations of a physical bound are statements about the data's quality: they are listed, and fail only
under ``strict``. What is wrong with 1.x and known is noted; from 2.0.0 on it fails.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from binlj import schema
from binlj.builders.release import consistency
from binlj.builders.release.plausibility import check_physics
from binlj.data import data_hash, dataset_info
from binlj.errors import DataError
from binlj.files import sha256
from binlj.grid import grid
from binlj.offgrid import offgrid

if TYPE_CHECKING:
    import pyarrow as pa

_SETS = {f"{config}/{name}.parquet": states for config in ("states", "mixed_states")
         for name, states in (("all", grid), ("offgrid", offgrid))}


@dataclass(frozen=True)
class Report:
    """What was found, one line each: problems of structure and physics, and notes on what is known to be wrong."""

    folder: Path
    structure: tuple[str, ...]
    physics: tuple[str, ...]
    checked: tuple[str, ...]
    notes: tuple[str, ...] = ()


def verify(folder: Path, *, partial: bool = False, without_snapshots: bool = False) -> Report:
    """Check a dataset folder.

    Parameters
    ----------
    folder : Path
    partial : bool
        Accept an incomplete grid.
    without_snapshots : bool
        Accept that the ``snapshots`` folder is absent (it is not part of an installed package).
    """
    structure, notes = _inspect(folder, partial=partial, without_snapshots=without_snapshots)
    physics: list[str] = []
    if not structure:
        physics = check_physics(folder)
    checked = tuple(t for t in schema.FILES if (folder / t).is_file())
    return Report(folder, tuple(structure), tuple(physics), checked, tuple(notes))


def check_structure(folder: Path, *, partial: bool = False, without_snapshots: bool = False) -> list[str]:
    """Problems with hashes, schemas, keys, splits and values; empty if there are none."""
    return _inspect(folder, partial=partial, without_snapshots=without_snapshots)[0]


def _inspect(folder: Path, *, partial: bool, without_snapshots: bool) -> tuple[list[str], list[str]]:
    """Problems of the structure, and notes."""
    if not folder.is_dir():
        return [f"no folder {folder}"], []
    skip = {"snapshots/all.parquet"} if without_snapshots and not (folder / "snapshots").is_dir() else set()
    problems = _check_manifest(folder, skip)
    notes: list[str] = []
    version = _version(folder)
    tables: dict[str, pa.Table] = {}
    for key in schema.FILES:
        if key not in skip:
            table, found = _read(folder, key, version)
            problems += found
            if table is not None:
                tables[key] = table
    rdf = {k: table for k, table in tables.items() if k.split("/")[0] in ("fine", "mixed_fine", *schema.TRACKS)}
    for key, table in rdf.items():
        problems += consistency.check_rdf(key, table)
    problems += consistency.check_splits(rdf, version=version, partial=partial)
    for regime in schema.REGIMES:
        problems += consistency.check_same_curves({k: t for k, t in rdf.items() if schema.regime_of(k) == regime})
    for key, states_of in _SETS.items():
        if key in tables:
            problems += consistency.check_states(key, tables[key], states_of(), partial=partial)
    if "snapshots/all.parquet" in tables:
        states = tables.get("states/all.parquet")
        problems += consistency.check_snapshots(tables["snapshots/all.parquet"], states, partial=partial)
        other = consistency.other_starts(tables["snapshots/all.parquet"], states)
        (problems if schema.major(version or schema.LAYOUT) >= 2 else notes).extend(other)
    return problems, notes


def _version(folder: Path) -> str | None:
    """The dataset's version; None where the manifest does not tell."""
    try:
        return str(dataset_info(path=folder)["version"])
    except DataError:
        return None


def _check_manifest(folder: Path, skip: set[str]) -> list[str]:
    path = folder / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        listed = {str(k): str(v) for k, v in manifest["files"].items()}
        version, digest = str(manifest["version"]), str(manifest["data_sha256"])
    except FileNotFoundError:
        return ["manifest.json is missing"]
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        return [f"manifest.json is not a manifest: {type(error).__name__} {error}"]
    problems = []
    for name, want in sorted(listed.items()):
        file = folder / name
        if name in skip:
            continue
        if Path(name).is_absolute() or ".." in Path(name).parts:
            problems.append(f"manifest.json lists a file outside the folder: {name}")
        elif not file.is_file():
            problems.append(f"{name} is missing")
        elif sha256(file) != want:
            problems.append(f"{name} was changed after it was published (SHA-256 differs from the manifest)")
    if data_hash(listed) != digest:
        problems.append("manifest.json: data_sha256 does not belong to the files it lists")
    expected = {*schema.FILES, "README.md", "croissant.json"}
    for part in schema.PARTS:
        if not set(part.files) & set(listed):
            expected -= set(part.files)  # older versions do not have it
    problems += [f"manifest.json does not list {name}" for name in sorted(expected - set(listed) - skip)]
    present = {p.relative_to(folder).as_posix() for p in folder.rglob("*.parquet")}
    problems += [f"{name} is not in the manifest" for name in sorted(present - set(listed))]
    card = folder / "README.md"
    if card.is_file() and (digest not in card.read_text(encoding="utf-8", errors="replace")):
        problems.append(
            f"README.md does not carry the data's hash, so caches would serve older data (version {version})"
        )
    return problems


def _read(folder: Path, key: str, version: str | None) -> tuple[pa.Table | None, list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    config, path = key.split("/")[0], folder / key
    want = {
        "states": lambda: schema.states_schema(version or _layout(path)),
        "snapshots": schema.snapshots_schema,
        "fine": lambda: schema.rdf_schema(schema.N_FINE),
    }.get(config.removeprefix("mixed_"), lambda: schema.rdf_schema(schema.N_BINS))()
    if not path.is_file():
        return None, []  # the manifest's check says so
    try:
        table = pq.read_table(path)
    except (OSError, pa.ArrowException, ValueError) as error:
        return None, [f"{key} is not readable: {str(error).splitlines()[0]}"]
    got = table.schema
    missing = [name for name in want.names if name not in got.names]
    problems = [f"{key}: column {name} is missing" for name in missing]
    problems += [f"{key}: column {name} is unknown" for name in got.names if name not in want.names]
    problems += [
        f"{key}: column {name} is {got.field(name).type}, not {want.field(name).type}"
        for name in want.names
        if name in got.names and got.field(name).type != want.field(name).type
    ]
    return (None if problems else table), problems


def _layout(path: Path) -> str:
    """Version that a ``states`` table looks like, where the manifest does not tell."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return schema.LAYOUT if "start_pairs" in pq.read_schema(path).names else "1.0.0"
    except (OSError, pa.ArrowException, ValueError):
        return schema.LAYOUT
