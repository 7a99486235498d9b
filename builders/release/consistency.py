"""Checks of published tables: their keys, their values, the splits, and what one table says about another.

Every function returns one line for each problem, and nothing where there is none.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from binlj import schema
from binlj.builders.release.plausibility import curves_of
from binlj.builders.starts.kinds import SHAPES, STARTS
from binlj.grid import PAIRS, State, grid, parse_state_id
from binlj.offgrid import offgrid
from binlj.tracks import split

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_MERGE_RTOL = 1e-5  # g is stored in single precision
_PHASES = {"homogeneous", "demixed", "solid-like"}
_STARTS = {*STARTS, *("+".join(pair) for pair in itertools.combinations(STARTS, 2))}


def check_rdf(key: str, table: pa.Table) -> list[str]:
    """One row for each state and pair, finite curves on the bin centres, an error wherever g is positive."""
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


def check_splits(rdf: dict[str, pa.Table], *, version: str | None, partial: bool) -> list[str]:
    """Every state stands in its track once, on the side of the split where that version has it."""
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


def check_same_curves(rdf: dict[str, pa.Table]) -> list[str]:
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


def check_states(file: str, table: pa.Table, states: Sequence[State], *, partial: bool) -> list[str]:
    """One row for each state: its composition, finite values, known words, and a reason where it is not converged."""
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


def check_snapshots(table: pa.Table, states: pa.Table | None, *, partial: bool) -> list[str]:
    """One snapshot for each state, with as many A and B particles as the ``states`` table says."""
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


def other_starts(table: pa.Table, states: pa.Table | None) -> list[str]:
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
