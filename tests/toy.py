"""A toy dataset with the published schema, for tests of the rooms above the data.

The curves are analytic and smooth in the state: exp(-u/T) times a decaying packing wave, plus a
1/C_B rise of BB where a toy demixing parameter is positive. Not physics to cite: it only has the right
shape, the right columns, a size ratio that moves peaks, and noise of the size it claims.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binlj import schema
from binlj.data import data_hash
from binlj.files import sha256, write_json
from binlj.grid import PAIRS, State, grid
from binlj.offgrid import offgrid
from binlj.tracks import split


def toy_g(state: State, pair: str, r: np.ndarray) -> np.ndarray:
    """Noise-free toy g(r), shape of `r`."""
    s, e = state.sigma(pair), state.epsilon(pair)
    x = np.maximum(r / s, 1e-3)
    u = np.minimum(4 * e * (x**-12 - x**-6), 200.0)
    wave = 1 + 0.5 * np.cos(2 * np.pi * (x - 1.05)) * np.exp(-(x - 1) / 1.5) / state.T
    demix = max(0.0, 1.1 - state.T - 0.6 * state.eps_AB)
    rise = {"AA": 0.1, "AB": -0.6, "BB": min(1 / state.C_B, 20)}[pair] * demix * np.exp(-r / 4)
    return np.exp(-u / state.T) * np.maximum(wave, 0) * np.maximum(1 + rise, 0.05)


def toy_stderr(state: State, pair: str, r: np.ndarray) -> np.ndarray:
    """Toy standard error, larger for rare pairs."""
    rare = {"AA": 1.0, "AB": 1.0 / (state.C_B * 10 + 0.1), "BB": 1.0 / (state.C_B * 5)}[pair]
    return 0.002 * rare * np.sqrt(0.05 + toy_g(state, pair, r))


def write_toy_dataset(folder: Path, *, seed: int = 0, noise: bool = True, off_grid: bool = False) -> Path:
    """Write extrapolation, interpolation, fine, states and the manifest under `folder`; return it.

    As versions before 1.2.0 do, it leaves out the off-grid states unless told otherwise.
    """
    rng = np.random.default_rng(seed)
    tables: dict[int, dict[tuple[str, str], tuple[np.ndarray, np.ndarray]]] = {}
    for n in (schema.N_FINE, schema.N_BINS):
        r = schema.bin_centres(n)
        tables[n] = {}
        for state in (*grid(), *(offgrid() if off_grid and n == schema.N_BINS else ())):
            for pair in PAIRS:
                err = toy_stderr(state, pair, r)
                g = toy_g(state, pair, r)
                if noise:
                    g = np.maximum(g + err * rng.standard_normal(n) * (g > 1e-8), 0.0)
                tables[n][state.state_id, pair] = (g, err)

    def rdf(states: tuple[State, ...], n: int) -> pa.Table:
        keys = [(s, p) for s in states for p in PAIRS]
        r = schema.bin_centres(n).tolist()
        got = [tables[n][s.state_id, p] for s, p in keys]
        return pa.table(
            {
                "state_id": [s.state_id for s, _ in keys],
                **{name: [getattr(s, name) for s, _ in keys] for name in schema.FEATURES},
                "pair": [PAIRS.index(p) for _, p in keys],
                "r": [r] * len(keys),
                "g": [g.tolist() for g, _ in got],
                "g_stderr": [e.tolist() for _, e in got],
            },
            schema=schema.rdf_schema(n),
        )

    def put(table: pa.Table, config: str, name: str) -> None:
        (folder / config).mkdir(parents=True, exist_ok=True)
        pq.write_table(table, folder / config / f"{name}.parquet")

    for track in ("extrapolation", "interpolation"):
        train, test = split(track, version="0.0.0+toy")
        put(rdf(train, schema.N_BINS), track, "train")
        put(rdf(test, schema.N_BINS), track, "test")
    put(rdf(grid(), schema.N_FINE), "fine", "all")
    put(_states_table(grid()), "states", "all")
    if off_grid:
        put(rdf(offgrid(), schema.N_BINS), "offgrid", "test")
        put(_states_table(offgrid()), "states", "offgrid")
    write_manifest(folder)
    (folder / "README.md").write_text("toy\n", encoding="utf-8")
    return folder


def write_manifest(folder: Path) -> None:
    """A manifest for the tables as they are now."""
    files = {p.relative_to(folder).as_posix(): sha256(p) for p in folder.rglob("*.parquet")}
    write_json(
        folder / "manifest.json", {"version": "0.0.0+toy", "data_sha256": data_hash(files), "files": files}
    )


def _states_table(states: tuple[State, ...]) -> pa.Table:
    rows = []
    for s in states:
        n_a, n_b = s.counts()
        demixed = 1.1 - s.T - 0.6 * s.eps_AB > 0
        unsettled = demixed and s.C_B <= 0.02
        rows.append(
            {
                "state_id": s.state_id,
                "T": s.T,
                "C_B": s.C_B,
                "S": s.S,
                "eps_AB": s.eps_AB,
                "n_A": n_a,
                "n_B": n_b,
                "density": 0.8 / (1 - s.C_B + s.C_B * s.S**3),
                "density_stderr": 1e-4,
                "energy": -4.0 / s.T,
                "energy_stderr": 1e-3,
                "pressure": 1.0,
                "pressure_stderr": 0.005,
                "energy_from_rdf": -4.0 / s.T,
                "pressure_from_rdf": 1.0,
                "density_pets": 0.8,
                "n_eff": 20.0,
                "drift": 0.1,
                "equilibration_steps": 2000,
                "production_steps": 2000,
                "start": "mixed",
                "geometry": "mixed",
                "start_gap": None,
                "start_gap_stderr": None,
                "start_pairs": 0,
                "exchanges": 0,
                "compared_with": "",
                "phase": "demixed" if demixed else "homogeneous",
                "composition_fluctuation": 5.0 if demixed else 1.0,
                "solid_fraction": 0.0,
                "g_relative_error_AA": 0.004,
                "g_relative_error_AB": 0.008,
                "g_relative_error_BB": 0.02,
                "converged": not unsettled,
                "reason": "toy" if unsettled else "",
                "engine": "toy",
                "deck_sha256": "0" * 64,
                "seeds": [1],
                "atom_steps": 40_000_000,
            }
        )
    return pa.Table.from_pylist(rows, schema=schema.states_schema())


def add_mixed_regime(folder: Path) -> Path:
    """Give a toy dataset the mixed regime of its grid: the same curves times 0.9, and nothing demixed; return it."""
    for name in schema.MIXED.files:
        table = pq.read_table(folder / name.removeprefix("mixed_"))
        if "g" in table.column_names:
            column = table.schema.get_field_index("g")
            curves = [[0.9 * x for x in g] for g in table["g"].to_pylist()]
            table = table.set_column(column, table.field("g"), pa.array(curves, table.field("g").type))
        else:
            column = table.schema.get_field_index("phase")
            table = table.set_column(column, table.field("phase"), pa.array(["homogeneous"] * len(table)))
        (folder / name).parent.mkdir(exist_ok=True)
        pq.write_table(table, folder / name)
    write_manifest(folder)
    return folder
