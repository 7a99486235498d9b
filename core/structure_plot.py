"""A picture of predicted RDFs: three curves with bands, the nearest published states in grey."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
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


@dataclass(frozen=True)
class Panel:
    """What the picture of one pair shows.

    Attributes
    ----------
    pair : str
    r, g, std : ndarray, shape (100,)
    near : tuple of ndarray, shape (100,)
        Curves of the nearest published states, the nearest first.
    top : float
        Upper end of the g axis. A much higher neighbour is cut off, so that the prediction stays readable.
    """

    pair: str
    r: np.ndarray
    g: np.ndarray
    std: np.ndarray
    near: tuple[np.ndarray, ...]
    top: float


def panels(curves: pd.DataFrame, near: pd.DataFrame) -> tuple[Panel, ...]:
    """The panels AA, AB and BB of one state, from its rows of :func:`binlj.rdf` and those of :func:`nearest`."""
    out = []
    for pair in PAIRS:
        row = curves[curves["pair"] == pair].iloc[0]
        r, g, std = (np.asarray(row[name], dtype=float) for name in ("r", "g", "g_std"))
        others = tuple(np.asarray(other, dtype=float) for other in near.loc[near["pair"] == pair, "g"])
        highest = [float((g + std).max()), *(min(float(o.max()), 1.5 * float(g.max())) for o in others)]
        out.append(Panel(pair, r, g, std, others, 1.08 * max(1.5, *highest)))
    return tuple(out)


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
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    drawn = Figure(figsize=(10.5, 3.9), layout="constrained")
    near = nearest(facts)
    for ax, panel in zip(drawn.subplots(1, 3), panels(curves, near), strict=True):
        colour = COLOURS[panel.pair]
        for other, line in zip(panel.near, LINES, strict=True):
            ax.plot(panel.r, other, color="0.6", lw=0.9, ls=line)
        ax.fill_between(
            panel.r, np.maximum(panel.g - panel.std, 0.0), panel.g + panel.std, color=colour, alpha=0.25, lw=0
        )
        ax.plot(panel.r, panel.g, color=colour, lw=1.6)
        ax.axhline(1.0, color="0.5", lw=0.6, ls=":")
        ax.set(xlabel="r / σ$_{AA}$", ylabel=f"g$_{{{panel.pair}}}$(r)", xlim=(0.0, 10.0), ylim=(0.0, panel.top))
    simulated = [
        (Line2D([], [], color="0.6", lw=0.9, ls=line), f"simulated: {_where(state)}")
        for state, line in zip(near.drop_duplicates("state_id").to_dict("records"), LINES, strict=True)
    ]
    keys = [
        (Line2D([], [], color="0.2", lw=1.6), "predicted"),
        (Patch(color="0.2", alpha=0.25, lw=0), "± one standard deviation"),
        *simulated,
    ]
    drawn.legend(*zip(*keys, strict=True), loc="outside lower center", ncols=3, frameon=False, fontsize=8)
    drawn.suptitle(f"{_where(facts)}: {facts['phase']} (probability of demixing {facts['p_demixed']:.2f})", fontsize=11)
    return drawn


def _where(state: Mapping[Any, Any] | pd.Series) -> str:
    return f"T* = {state['T']:g}, C$_B$ = {state['C_B']:g}, S = {state['S']:g}, ε$_{{AB}}$ = {state['eps_AB']:g}"


def nearest(facts: pd.Series) -> pd.DataFrame:
    """Published curves of the states nearest to one, by distance in units of the grid's ranges, the nearest first."""
    table = _published()
    states = table.drop_duplicates("state_id")
    names = list(INPUTS)
    scale = [high - low for low, high in (RANGES[name] for name in names)]
    distance = (((states[names] - facts[names].astype(float)) / scale) ** 2).sum(axis=1)
    chosen = states["state_id"].iloc[np.argsort(distance.to_numpy(), kind="stable")[:N_NEAREST]]
    return table.set_index("state_id").loc[chosen].reset_index()


@cache
def _published() -> pd.DataFrame:
    import pandas as pd

    from binlj.data import read_table

    return pd.concat([read_table("extrapolation", split) for split in ("train", "test")])


def write_plot(curves: pd.DataFrame, facts: pd.Series, file: Path) -> None:
    """Draw the curves of one state into a file; its suffix names the format."""
    from binlj.errors import InputError
    from binlj.files import replacing

    kind = file.suffix.lstrip(".").lower() or "png"
    if kind not in ("png", "svg", "pdf"):
        raise InputError(file, [f"{file.suffix} is not a format for pictures"], fix="use .png, .svg or .pdf")
    with replacing(file) as temporary:
        figure(curves, facts).savefig(temporary, format=kind, dpi=140)
