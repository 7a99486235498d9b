"""Checks of a published dataset folder; all problems are listed at once.

Structural problems (a changed file, a wrong column, a missing row, a state on both sides of a split) always
fail. Violations of a physical bound are statements about the data's quality: they are listed, and fail only
under ``strict``. What is wrong with 1.x and known is noted; from 2.0.0 on it fails.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj import schema
from binlj.builders.release.plausibility import check_physics, curves_of
from binlj.builders.starts.kinds import SHAPES, STARTS
from binlj.data import data_hash, dataset_info
from binlj.errors import DataError
from binlj.files import sha256
from binlj.grid import PAIRS, State, grid, parse_state_id
from binlj.offgrid import offgrid
from binlj.tracks import split

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MERGE_RTOL = 1e-5  # g is stored in single precision
_PHASES = {"homogeneous", "demixed", "solid-like"}
_SETS = {f"{config}/{name}.parquet": states for config in ("states", "mixed_states")
         for name, states in (("all", grid), ("offgrid", offgrid))}
_STARTS = {*STARTS, *("+".join(pair) for pair in itertools.combinations(STARTS, 2))}


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
        problems += _check_rdf(key, table)
    problems += _check_splits(rdf, version=version, partial=partial)
    for regime in schema.REGIMES:
        problems += _check_same_curves({k: t for k, t in rdf.items() if schema.regime_of(k) == regime})
    for key, states_of in _SETS.items():
        if key in tables:
            problems += _check_states(key, tables[key], states_of(), partial=partial)
    if "snapshots/all.parquet" in tables:
        states = tables.get("states/all.parquet")
        problems += _check_snapshots(tables["snapshots/all.parquet"], states, partial=partial)
        other = _other_starts(tables["snapshots/all.parquet"], states)
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


def _check_rdf(key: str, table: pa.Table) -> list[str]:
    problems = [
        f"{key}: column {n} has {table[n].null_count} nulls"
        for n in table.column_names
        if table[n].null_count
    ]
    if problems:
        return problems
    rows = list(zip(table["state_id"].to_pylist(), table["pair"].to_pylist(), strict=True))
    problems += [
        f"{key}: {i} pair {p} comes {n} times" for (i, p), n in sorted(Counter(rows).items()) if n > 1
    ]
    problems += _bad_parameters(key, table)
    pairs = table["pair"].to_numpy()
    bad = np.flatnonzero((pairs < 0) | (pairs >= len(PAIRS)))
    problems += [f"{key}: row {i} has pair {pairs[i]}" for i in bad]
    width = table.schema.field("r").type.list_size
    r, g, error = (curves_of(table, name) for name in ("r", "g", "g_stderr"))
    if not np.allclose(r, schema.bin_centres(width)[None, :], rtol=0, atol=1e-9):
        problems.append(f"{key}: r is not the {width} bin centres")
    for what, wrong in (
        ("g is not finite", ~np.isfinite(g)),
        ("g_stderr is not finite", ~np.isfinite(error)),
        ("g is negative", g < 0),
        ("g_stderr is negative", error < 0),
        ("g_stderr is zero where pairs were found", (g > 0) & (error == 0)),
    ):
        problems += [f"{key}: {rows[i][0]} {_pair(rows[i][1])}: {what}" for i in np.flatnonzero(wrong.any(1))]
    problems += [
        f"{key}: {rows[i][0]} {_pair(rows[i][1])}: g is zero everywhere"
        for i in np.flatnonzero(~(g > 0).any(1))
    ]
    return problems


def _check_splits(rdf: dict[str, pa.Table], *, version: str | None, partial: bool) -> list[str]:
    problems = []
    for config in (*schema.TRACKS, "fine", "mixed_fine"):
        names = [name for name in schema.SPLITS[config] if f"{config}/{name}.parquet" in schema.FILES]
        have: dict[str, set] = {}
        for name in names:
            key = f"{config}/{name}.parquet"
            if key in rdf:
                table = rdf[key]
                have[name] = set(zip(table["state_id"].to_pylist(), table["pair"].to_pylist(), strict=True))
        if len(have) != len(names):
            continue
        union = set().union(*have.values())
        of, states_of = ("off-grid states", offgrid) if "offgrid" in config else ("grid", grid)
        everything = {(state.state_id, i) for state in states_of() for i in range(len(PAIRS))}
        problems += [f"{config}: {i} {_pair(p)} is not of the {of}" for i, p in sorted(union - everything)]
        states = {i for i, _ in union}
        wanted = {k for k in everything if k[0] in states} if partial else everything
        problems += _listed(f"{config}: {{}} is missing", sorted(wanted - union))
        if {"train", "test"} <= set(names):
            train, test = ({i for i, _ in have[name]} for name in names)
            problems += [f"{config}: {i} is on both sides of the split" for i in sorted(train & test)]
            if version is None:  # it says which states belong where
                continue
            want_train, want_test = ({s.state_id for s in side} for side in split(config, version=version))
            problems += [
                f"{config}: {i} belongs to test, not train" for i in sorted((train & want_test) - test)
            ]
            problems += [
                f"{config}: {i} belongs to train, not test" for i in sorted((test & want_train) - train)
            ]
    return problems


def _check_same_curves(rdf: dict[str, pa.Table]) -> list[str]:
    """The tracks and the fine table hold the same curves: each merge of five fine bins is the coarse bin."""
    fine = next((table for name, table in rdf.items() if "fine/" in name), None)
    if fine is None:
        return []
    keys = list(zip(fine["state_id"].to_pylist(), fine["pair"].to_pylist(), strict=True))
    merged = dict(zip(keys, schema.merge_bins(curves_of(fine, "g")), strict=True))
    problems = []
    for name, table in rdf.items():
        if table is fine:
            continue
        g = curves_of(table, "g")
        for i, key in enumerate(zip(table["state_id"].to_pylist(), table["pair"].to_pylist(), strict=True)):
            if key in merged and not np.allclose(g[i], merged[key], rtol=_MERGE_RTOL, atol=1e-9):
                problems.append(
                    f"{name}: {key[0]} {_pair(key[1])}: g is not the merge of the fine table's bins"
                )
    return problems


def _checks_of_starts(frame: pd.DataFrame) -> list[tuple[str, pd.Series]]:
    """A gap is one between two starts, and the other one is named; every start has its geometry."""
    import pandas as pd

    other = frame.compared_with
    wrong = [not _shapes_fit(str(a), str(b)) for a, b in zip(frame.start, frame.geometry, strict=True)]
    of_gap = []
    if "start_pairs" in frame:
        one = frame.start_gap.isna()
        of_gap = [
            ("start gap without its standard error, or the other way round", frame.start_gap_stderr.isna() != one),
            ("start_gap_stderr is negative", frame.start_gap_stderr < 0),
            ("start gap without a pair of starts, or the other way round", (frame.start_pairs > 0) == one),
        ]
    return [
        *of_gap,
        ("start gap without the start it is against, or the other way round", frame.start_gap.isna() != (other == "")),
        ("compared with an unknown start", ~other.isin(["", *STARTS])),
        ("geometry is not one of the start", pd.Series(wrong, index=frame.index, dtype=bool)),
    ]


def _shapes_fit(start: str, shape: str) -> bool:
    starts, shapes = start.split("+"), shape.split("+")
    return len(starts) == len(shapes) and all(
        b in SHAPES and (a == "mixed") == (b == "mixed") for a, b in zip(starts, shapes, strict=True)
    )


def _check_states(file: str, table: pa.Table, states: Sequence[State], *, partial: bool) -> list[str]:
    key = "states" if file == "states/all.parquet" else file
    of = "grid" if file.endswith("/all.parquet") else "off-grid states"
    ids = table["state_id"].to_pylist()
    problems = [f"{key}: {i} comes {n} times" for i, n in sorted(Counter(ids).items()) if n > 1]
    problems += _bad_parameters(key, table)
    everything = {state.state_id for state in states}
    problems += [f"{key}: {i} is not of the {of}" for i in sorted(set(ids) - everything)]
    if not partial:
        problems += _listed(f"{key}: {{}} is missing", sorted((i, None) for i in everything - set(ids)))
    frame = table.to_pandas()
    optional = {"density_pets", "start_gap", "start_gap_stderr", "density_stderr", "energy_stderr", "pressure_stderr"}
    for name in table.column_names:
        if name not in optional and table[name].null_count:
            problems.append(f"{key}: column {name} has {table[name].null_count} nulls")
        elif frame[name].dtype == float:
            bad = ~np.isfinite(frame[name]) & ~(frame[name].isna() & (name in optional))
            problems += [f"{key}: {i}: {name} is not finite" for i in frame.state_id[bad]]
    for what, wrong in (
        ("phase is unknown", ~frame.phase.isin(_PHASES)),
        ("start is unknown", ~frame.start.isin(_STARTS)),
        ("density is not positive", ~(frame.density > 0)),
        ("not converged, but no reason is given", ~frame.converged & (frame.reason == "")),
        ("converged, but a reason against it is given", frame.converged & (frame.reason != "")),
        ("no production steps", ~(frame.production_steps > 0)),
        *_checks_of_starts(frame),
    ):
        problems += [f"{key}: {i}: {what}" for i in frame.state_id[wrong]]
    for row in frame.itertuples():
        if row.state_id in everything and (row.n_A, row.n_B) != parse_state_id(row.state_id).counts(
            row.n_A + row.n_B
        ):
            problems.append(
                f"{key}: {row.state_id}: {row.n_A} A and {row.n_B} B particles are not its composition"
            )
    if len(set(frame.n_A + frame.n_B)) > 1:
        problems.append(f"{key}: states of different N: {sorted(set((frame.n_A + frame.n_B).tolist()))}")
    return problems


def _check_snapshots(table: pa.Table, states: pa.Table | None, *, partial: bool) -> list[str]:
    key = "snapshots"
    ids = table["state_id"].to_pylist()
    problems = [f"{key}: {i} comes {n} times" for i, n in sorted(Counter(ids).items()) if n > 1]
    if states is None:
        return problems
    counts = dict(
        zip(
            states["state_id"].to_pylist(),
            zip(states["n_A"].to_pylist(), states["n_B"].to_pylist(), strict=True),
            strict=True,
        )
    )
    problems += [f"{key}: {i} is not in states" for i in sorted(set(ids) - set(counts))]
    if not partial:
        problems += _listed(f"{key}: {{}} is missing", sorted((i, None) for i in set(counts) - set(ids)))
    for i, state_id in enumerate(ids):
        if state_id not in counts:
            continue
        n_a, n_b = counts[state_id]
        types = table["types"][i].values.to_numpy()
        if len(types) != n_a + n_b or int((types == 1).sum()) != n_b or int((types == 0).sum()) != n_a:
            problems.append(f"{key}: {state_id}: types are not {n_a} A and {n_b} B")
        length = len(table["positions"][i].values)
        if length != 3 * (n_a + n_b):
            problems.append(f"{key}: {state_id}: {length} coordinates for {n_a + n_b} particles")
    return problems


def _other_starts(table: pa.Table, states: pa.Table | None) -> list[str]:
    """Snapshots of a start that is not published."""
    columns = [[], []] if states is None else [states[name].to_pylist() for name in ("state_id", "start")]
    published = dict(zip(*columns, strict=True))
    return [
        f"snapshots: {state_id}: is of the {start} start, published is {published[state_id]}"
        for state_id, start in zip(table["state_id"].to_pylist(), table["start"].to_pylist(), strict=True)
        if state_id in published and start not in str(published[state_id]).split("+")
    ]


def _bad_parameters(key: str, table: pa.Table) -> list[str]:
    """Rows whose T, C_B, S, eps_AB are not those their id says."""
    known = {state.state_id: state for state in (*grid(), *offgrid())}
    columns = [table[name].to_pylist() for name in schema.FEATURES]
    problems = []
    for state_id, *values in zip(table["state_id"].to_pylist(), *columns, strict=True):
        state = known.get(state_id)
        if state is not None and tuple(values) != tuple(getattr(state, name) for name in schema.FEATURES):
            problems.append(f"{key}: {state_id}: T, C_B, S, eps_AB are {values}")
    return problems


def _listed(text: str, keys: list[tuple[str, int | None]], most: int = 20) -> list[str]:
    """One line a key, but a count beyond `most`."""
    lines = [text.format(i if p is None else f"{i} {_pair(p)}") for i, p in keys[:most]]
    if len(keys) > most:
        lines.append(text.format(f"(and {len(keys) - most} more)"))
    return lines


def _pair(code: int) -> str:
    return PAIRS[code] if 0 <= code < len(PAIRS) else f"pair {code}"
