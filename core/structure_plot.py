"""A picture of predicted RDFs: three curves with bands, the nearest published states in grey."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.grid import PAIRS
from binlj.structure import INPUTS, RANGES

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

COLOURS = {"AA": "#1f6f8b", "AB": "#b3651d", "BB": "#7a3b8f"}
N_NEAREST = 3
LINES = ("-", "--", ":")  # of the nearest states


def figure(curves: pd.DataFrame, facts: pd.Series) -> Figure:
    """Draw the three curves of one state.

    Parameters
    ----------
    curves : DataFrame
        Rows of :func:`binlj.rdf` for one state.
    facts : Series
        Its row of :func:`binlj.thermo`.
    """
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(10.5, 3.9), layout="constrained")
    axes = drawn.subplots(1, 3)
    near = nearest(facts)
    for ax, pair in zip(axes, PAIRS, strict=True):
        row = curves[curves["pair"] == pair].iloc[0]
        r, g, std = (np.asarray(row[name], dtype=float) for name in ("r", "g", "g_std"))
        highest = float((g + std).max())
        for other, line in zip(near[near["pair"] == pair].to_dict("records"), LINES, strict=True):
            ax.plot(other["r"], other["g"], color="0.6", lw=0.9, ls=line, label=f"simulated: {_where(other)}")
            # A much higher neighbour is cut off, so that the prediction stays readable.
            highest = max(highest, min(float(other["g"].max()), 1.5 * float(g.max())))
        ax.fill_between(r, np.maximum(g - std, 0.0), g + std, color=COLOURS[pair], alpha=0.25, lw=0)
        ax.plot(r, g, color=COLOURS[pair], lw=1.6)
        ax.axhline(1.0, color="0.5", lw=0.6, ls=":")
        ax.set(xlabel="r / σ$_{AA}$", title=f"g$_{{{pair}}}$(r)", xlim=(0.0, 10.0))
        ax.set_ylim(0.0, 1.08 * max(highest, 1.5))
    grey = axes[0].get_legend_handles_labels()
    drawn.legend(*grey, loc="outside lower center", ncols=N_NEAREST, frameon=False, fontsize=7.5)
    drawn.suptitle(f"{_where(facts)}: {facts['phase']} (probability of demixing {facts['p_demixed']:.2f})", fontsize=11)
    return drawn


def _where(state: Any) -> str:
    return f"T* = {state['T']:g}, C$_B$ = {state['C_B']:g}, S = {state['S']:g}, ε$_{{AB}}$ = {state['eps_AB']:g}"


def nearest(facts: pd.Series) -> pd.DataFrame:
    """Published curves of the states nearest to one, by distance in units of the grid's ranges."""
    import pandas as pd

    from binlj.data import read_table

    table = pd.concat([read_table("extrapolation", split) for split in ("train", "test")])
    states = table.drop_duplicates("state_id")
    names = list(INPUTS)
    scale = [high - low for low, high in (RANGES[name] for name in names)]
    distance = (((states[names] - facts[names].astype(float)) / scale) ** 2).sum(axis=1)
    chosen = states["state_id"].iloc[np.argsort(distance.to_numpy())[:N_NEAREST]]
    return table[table["state_id"].isin(chosen)]


def write_plot(curves: pd.DataFrame, facts: pd.Series, file: Path) -> None:
    """Draw the curves of one state into a file; its suffix names the format."""
    from binlj.errors import InputError
    from binlj.files import replacing

    kind = file.suffix.lstrip(".").lower() or "png"
    if kind not in ("png", "svg", "pdf"):
        raise InputError(file, [f"{file.suffix} is not a format for pictures"], fix="use .png, .svg or .pdf")
    with replacing(file) as temporary:
        figure(curves, facts).savefig(temporary, format=kind, dpi=140)
