"""Checks of a dataset's physics: energy, pressure, density, symmetries, far field; the bounds are in ``criteria``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj import schema
from binlj.builders.analysis import criteria
from binlj.builders.analysis.observables import relative_rms
from binlj.grid import PAIRS

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa


def check_physics(folder: Path) -> list[str]:
    """Violations of the bounds in ``criteria``: energy, pressure, density, symmetries, far field."""
    problems = _check_regime(folder, "equilibrium")
    if (folder / "mixed_states").is_dir():
        problems += [f"mixed regime: {problem}" for problem in _check_regime(folder, "mixed")]
    return problems


def _check_regime(folder: Path, regime: str) -> list[str]:
    import pandas as pd
    import pyarrow.parquet as pq

    config, track = schema.in_regime("states", regime), schema.in_regime("offgrid", regime)
    found = [folder / config / f"{split}.parquet" for split in schema.SPLITS[config]]
    states = pd.concat([pq.read_table(file).to_pandas() for file in found if file.is_file()]).set_index("state_id")
    curves: dict[str, tuple[np.ndarray, np.ndarray]] = {}
    files = [folder / name for split in schema.SPLITS[track] for name in schema.split_files(track, split)]
    for file in (file for file in files if file.is_file()):
        table = pq.read_table(file)
        g, error = curves_of(table, "g"), curves_of(table, "g_stderr")
        ids = table["state_id"].to_pylist()
        pairs = table["pair"].to_numpy()
        for state_id in dict.fromkeys(ids):
            mine = np.flatnonzero(np.array(ids, dtype=object) == state_id)
            order = mine[np.argsort(pairs[mine])]
            curves[state_id] = g[order], error[order]
    problems = []
    for state_id, row in states.sort_index().iterrows():
        for problem in (*_thermodynamics(row, regime), *_curve_physics(row, *curves[str(state_id)])):
            problems.append(f"{state_id}: {problem}")
    return problems


def _thermodynamics(row: pd.Series, regime: str) -> Iterable[str]:
    energy, pressure = criteria.tolerances(regime)
    off = row.energy_from_rdf / row.energy - 1
    if abs(off) > energy:
        yield f"energy from g(r) is {100 * off:+.2f} % off LAMMPS's (bound {100 * energy:g} %)"
    if abs(row.pressure_from_rdf - 1) > pressure:
        yield f"pressure from g(r) is {row.pressure_from_rdf:.3f} (bound 1 +- {pressure:g})"
    if criteria.pets_applies(row["T"], row.S, row.eps_AB) and row.density_pets == row.density_pets:
        off = row.density / row.density_pets - 1
        if abs(off) > criteria.PETS_TOLERANCE:
            yield f"density is {100 * off:+.2f} % off PeTS (bound {100 * criteria.PETS_TOLERANCE:g} %)"


def _curve_physics(row: pd.Series, g: np.ndarray, error: np.ndarray) -> Iterable[str]:
    r = schema.bin_centres(g.shape[-1])
    if row.S == 1 and row.eps_AB == 1:
        inside = (r >= criteria.ERROR_RANGE[0]) & (r <= criteria.ERROR_RANGE[1])
        for i, j in ((0, 1), (0, 2), (1, 2)):
            spread = np.hypot(error[i], error[j])[inside]
            chi2 = float(np.mean(((g[i] - g[j])[inside] / np.maximum(spread, 1e-12)) ** 2))
            if chi2 > criteria.SAME_SPECIES_CHI2:
                yield (
                    f"{PAIRS[i]} and {PAIRS[j]} differ though the species are the same (chi-square per bin "
                    f"{chi2:.2f}, bound {criteria.SAME_SPECIES_CHI2:g})"
                )
    if row.S == 1 and row.C_B == 0.5 and row.converged:
        yield from _exchange(g[[0, 2]], error[[0, 2]], np.nan_to_num(float(row.start_gap or 0.0)))
    if row.phase == "homogeneous":
        far = (r >= criteria.FAR_RANGE[0]) & (r <= criteria.FAR_RANGE[1])
        for i, pair in enumerate(PAIRS):
            mean = float(g[i][far].mean())
            noise = float(np.sqrt((error[i][far] ** 2).mean()))
            if abs(mean - 1) > criteria.FAR_TOLERANCE + criteria.FAR_SIGMAS * noise:
                yield f"g of {pair} at 8 to 10 sigma is {mean:.3f} in a homogeneous state, not near 1"


def _exchange(g: np.ndarray, error: np.ndarray, gap: float) -> Iterable[str]:
    """AA and BB of an equimolar mixture of equal sizes: exchanging A and B gives the same mixture.

    The rms difference may be three combined standard errors plus the gap between the starts.
    """
    top = np.array([g.max()])
    off, noise = (float(relative_rms(x[None], top)[0]) for x in (g[0] - g[1], np.hypot(*error)))
    bound = criteria.EXCHANGE_SIGMAS * noise + gap
    if off > bound:
        yield (
            f"AA and BB differ by {100 * off:.2f} % of the maximum though A and B are equivalent (bound "
            f"{100 * bound:.2f} %)"
        )


def curves_of(table: pa.Table, name: str) -> np.ndarray:
    """A column of curves, shape (rows, bins)."""
    n = table.schema.field(name).type.list_size
    return np.asarray(table[name].combine_chunks().flatten().to_numpy(zero_copy_only=False).reshape(-1, n))
