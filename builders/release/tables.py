"""Results as the published tables, and parquet files that come out the same byte for byte."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binlj import schema
from binlj.builders.analysis.assemble import StateResult
from binlj.files import replacing
from binlj.grid import PAIRS, State
from binlj.tracks import split

# (state_id, start, step, box length, types int8[N], positions int16[3N]) of a last configuration
Snapshot = tuple[str, str, int, float, np.ndarray, np.ndarray]


def rdf_table(results: Sequence[StateResult], n_bins: int) -> pa.Table:
    """RDF table of some states with 100 or 500 bins, three rows a state.

    ``g`` and ``g_stderr`` are rounded to single precision (a relative 6e-8, far below any error), which
    halves the files.
    """
    fine = n_bins == schema.N_FINE
    rows = [(result, i) for result in results for i in range(len(PAIRS))]
    columns: dict[str, object] = {"state_id": [result.state.state_id for result, _ in rows]}
    columns |= {name: [getattr(result.state, name) for result, _ in rows] for name in schema.FEATURES}
    columns["pair"] = [i for _, i in rows]
    columns["r"] = _lists([schema.bin_centres(n_bins)] * len(rows), n_bins)
    g, error = ("g_fine", "g_fine_stderr") if fine else ("g", "g_stderr")
    for name, attribute in (("g", g), ("g_stderr", error)):
        curves = [getattr(result, attribute)[i].astype(np.float32) for result, i in rows]
        columns[name] = _lists(curves, n_bins)
    return pa.table(columns, schema=schema.rdf_schema(n_bins))


def states_table(results: Sequence[StateResult], *, version: str = schema.LAYOUT) -> pa.Table:
    """The ``states`` table: one row a state, with the columns of a version of the dataset."""
    wanted = schema.states_schema(version)
    rows = []
    for result in results:
        row = {name: getattr(result.state, name) for name in ("state_id", *schema.FEATURES)}
        errors = zip(PAIRS, result.relative_error, strict=True)
        row |= {f"g_relative_error_{pair}": error for pair, error in errors}
        for name in wanted.names:
            if name not in row:
                row[name] = getattr(result, name)
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=wanted)


def grid_tables(
    results: Sequence[StateResult], *, version: str, regime: str = "equilibrium"
) -> dict[str, pa.Table]:
    """The grid's tables of a regime but the snapshots, by path within the dataset folder, e.g. ``fine/all.parquet``.

    The data's `version` decides which states are on which side of the interpolation track, and the columns of states.
    """
    by_state = {result.state: result for result in sorted(results, key=lambda r: r.state)}
    tables = {}
    for name in (name for name in schema.TRACK_NAMES if name != "offgrid"):
        track = schema.in_regime(name, regime)
        for side, states in zip(schema.SPLITS[track], split(track, version=version), strict=True):
            tables[f"{track}/{side}.parquet"] = rdf_table(_present(states, by_state), schema.N_BINS)
    everything = list(by_state.values())
    tables[f"{schema.in_regime('fine', regime)}/all.parquet"] = rdf_table(everything, schema.N_FINE)
    tables[f"{schema.in_regime('states', regime)}/all.parquet"] = states_table(everything, version=version)
    return tables


def off_grid_tables(
    results: Sequence[StateResult], *, version: str, regime: str = "equilibrium"
) -> dict[str, pa.Table]:
    """The tables of the off-grid states in a regime, by path within the dataset folder; none if there are no states."""
    if not results:
        return {}
    ordered = sorted(results, key=lambda r: r.state)
    rdfs, states = (schema.in_regime(name, regime) for name in ("offgrid", "states"))
    return {
        f"{rdfs}/test.parquet": rdf_table(ordered, schema.N_BINS),
        f"{states}/offgrid.parquet": states_table(ordered, version=version),
    }


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table so that the same rows always give the same bytes."""
    with replacing(path) as temporary:
        pq.write_table(table, temporary, **_options(table.schema))


def write_snapshots(path: Path, snapshots: Iterable[Snapshot], starts: Mapping[str, str]) -> list[str]:
    """Write the ``snapshots`` table; return the state ids that have none.

    Parameters
    ----------
    snapshots : iterable of Snapshot
        Last configurations of chains, in any order; several a state are allowed.
    starts : mapping
        state id -> published start, or two joined by a plus sign. The configuration of that start (or of either) with
        the most steps is taken.
    """
    best: dict[str, Snapshot] = {}
    for item in snapshots:
        state_id, start, step = item[:3]
        if start not in starts.get(state_id, "").split("+"):
            continue
        if state_id not in best or (step, start) > (best[state_id][2], best[state_id][1]):
            best[state_id] = item
    with replacing(path) as temporary:
        table_schema = schema.snapshots_schema()
        with pq.ParquetWriter(temporary, table_schema, **_options(table_schema)) as writer:
            for batch in _snapshot_batches([best[key] for key in sorted(best)], table_schema):
                writer.write_table(batch)
    return sorted(set(starts) - set(best))


def _snapshot_batches(
    items: Sequence[Snapshot], table_schema: pa.Schema, size: int = 50
) -> Iterator[pa.Table]:
    for i in range(0, len(items), size):
        part = items[i : i + size]
        columns = [list(column) for column in zip(*part, strict=True)]
        columns[4] = [np.asarray(v, dtype=np.int8) for v in columns[4]]
        columns[5] = [np.asarray(v, dtype=np.int16).ravel() for v in columns[5]]
        yield pa.table(dict(zip(table_schema.names, columns, strict=True)), schema=table_schema)


def _present(states: Iterable[State], by_state: Mapping[State, StateResult]) -> list[StateResult]:
    return [by_state[state] for state in states if state in by_state]


def _lists(rows: Sequence[np.ndarray], n: int) -> pa.Array:
    flat = np.concatenate(rows).astype(np.float64) if rows else np.empty(0)
    return pa.FixedSizeListArray.from_arrays(pa.array(flat), n)


def _options(table_schema: pa.Schema) -> dict:
    """Parquet options: the bytes of noisy numbers stored apart (they compress better), the rest as codes."""
    split_bytes, plain = [], []
    for item in table_schema:
        if item.name in ("g", "g_stderr", "positions"):
            split_bytes.append(f"{item.name}.list.element")
        else:
            plain.append(item.name if not pa.types.is_nested(item.type) else f"{item.name}.list.element")
    return {
        "compression": "zstd",
        "compression_level": 9,
        "use_dictionary": plain,
        "use_byte_stream_split": split_bytes or False,
        "version": "2.6",
        "data_page_version": "1.0",
    }
