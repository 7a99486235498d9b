"""Sobol indices of the published tables, for the dataset card."""

from __future__ import annotations

from pathlib import Path

from binlj import schema
from binlj.data import read_file
from binlj.grid import PAIRS, grid
from binlj.markdown import markdown_table

NAMES = {"T": "T\\*", "C_B": "C_B", "S": "S", "eps_AB": "ε_AB"}
INCOMPLETE = "Not computed: it needs the complete grid."


def dominance_rows(folder: Path, n_states: int) -> str:
    """A Markdown table of first-order Sobol indices in percent, against r and against r / sigma_ij.

    The grid is a full factorial with equal weights, so the indices are exact; the counting noise is taken
    out, and how much of the variance it was stands in the last row.

    Parameters
    ----------
    folder : Path
        A dataset folder; only its parquet files are read.
    n_states : int
        States it holds.
    """
    if n_states != len(grid()):
        return INCOMPLETE
    from binlj.eval.explain.curves import aligned, merged_curves
    from binlj.eval.explain.sobol import sobol_indices

    # The folder is still being written: it has no README.md for `read_table` yet.
    fine, coarse = aligned(
        read_file(folder / "fine" / "all.parquet"),
        *(read_file(folder / "extrapolation" / f"{split}.parquet") for split in schema.SPLITS["extrapolation"]),
        where=folder,
    )
    columns = []
    for scaled in (False, True):
        curves = merged_curves(fine, coarse, scaled=scaled)
        columns += [sobol_indices(*curves.values()), *(sobol_indices(curves[pair]) for pair in PAIRS)]
    head = [f"{name}, {x}" for x in ("r", "r / σ_ij") for name in ("all", *PAIRS)]
    rows = [
        [NAMES[f], *(f"{100 * i.first[k]:.0f}" for i in columns)] for k, f in enumerate(schema.FEATURES)
    ]
    rows.append(["noise taken out", *(f"{100 * i.noise_share:.0f}" for i in columns)])
    return markdown_table(["% of the variance", *head], rows)
