"""Pictures of the paper's kind: loss, parity, overlays, learning curve. No pyplot, so no global state."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.files import replacing
from binlj.schema import bin_centres

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ACTUAL, PREDICTED, OTHER = "#0072B2", "#D55E00", "#009E73"  # Okabe & Ito: told apart by everybody
WIDE = 30.0  # largest g shown on linear axes
LEAST_R2 = -1.0  # lower end of the axes of a learning curve; values below are not shown


def figure(width: float, height: float) -> Figure:
    """An empty figure with constrained layout."""
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def write(drawn: Figure, file: Path) -> Path:
    """Write a figure as PNG, atomically."""
    with replacing(file) as temporary:
        drawn.savefig(temporary, format="png", dpi=150)
    return file


def loss_curves(losses: Mapping[str, Sequence[float]], *, title: str, file: Path) -> Path:
    """Training loss against the epoch, one line a seed (Fig. 2A, 3A)."""
    drawn = figure(5, 3.6)
    axes = drawn.subplots()
    for label, loss in losses.items():
        axes.plot(np.arange(1, len(loss) + 1), loss, lw=1, label=label)
    axes.set(xlabel="epoch", ylabel="loss (mean squared error of g)", yscale="log", title=title)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return write(drawn, file)


def parity(
    panels: Sequence[tuple[str, np.ndarray, np.ndarray, float | None]], *, title: str, file: Path
) -> Path:
    """Predicted against actual g(r), one panel each (title, actual, predicted, R2).

    Where g exceeds `WIDE`, both axes are scaled by arcsinh (linear below 1, logarithmic far above), or all but a few
    points of a dilute demixed g_BB would lie in one corner.
    """
    from matplotlib.colors import LogNorm

    drawn = figure(3.3 * len(panels) + 0.6, 3.4)
    axes_row = np.atleast_1d(drawn.subplots(1, len(panels)))
    for axes, (name, g, predicted, r2) in zip(axes_row, panels, strict=True):
        top = float(max(g.max(), predicted.max()))
        scale = np.arcsinh if top > WIDE else np.positive
        low, high = 0.0, 1.03 * float(scale(top))
        hexes = axes.hexbin(
            scale(g.ravel()),
            scale(predicted.ravel()),
            gridsize=60,
            extent=(low, high, low, high),
            mincnt=1,
            norm=LogNorm(),
            cmap="viridis",
        )
        axes.plot([low, high], [low, high], color="black", lw=0.8, ls="--")
        text = name if r2 is None else f"{name}, R² = {r2:.3f}"
        axes.set(xlim=(low, high), ylim=(low, high), xlabel="actual g(r)", title=text, aspect="equal")
        if top > WIDE:
            ticks = [t for t in (0, 1, 3, 10, 30, 100, 300, 1000, 3000, 10_000) if t <= top]
            axes.set_xticks(np.arcsinh(ticks), [str(t) for t in ticks])
            axes.set_yticks(np.arcsinh(ticks), [str(t) for t in ticks])
        drawn.colorbar(hexes, ax=axes, label="points", shrink=0.8)
    axes_row[0].set_ylabel("predicted g(r)")
    drawn.suptitle(title)
    return write(drawn, file)


def overlay(
    axes: Axes, g: np.ndarray, stderr: np.ndarray, predicted: dict[str, np.ndarray], *, title: str
) -> None:
    """Actual and predicted g(r) in one panel, with two standard errors around the actual one."""
    r = bin_centres()
    axes.plot(r, g, color=ACTUAL, lw=1.6, label="actual")
    axes.fill_between(r, g - 2 * stderr, g + 2 * stderr, color=ACTUAL, alpha=0.25, lw=0)
    for (label, curve), colour, style in zip(
        predicted.items(), (PREDICTED, OTHER), (":", "--"), strict=False
    ):
        axes.plot(r, curve, color=colour, lw=1.6, ls=style, label=label)
    axes.axhline(1.0, color="grey", lw=0.5)
    axes.set(xlim=(0, 10), title=title)
    axes.set_ylim(bottom=0)


def grid_of_overlays(rows: Sequence[Sequence[dict[str, Any]]], *, title: str, file: Path) -> Path:
    """Panels of :func:`overlay` in a grid; each entry holds its arguments."""
    drawn = figure(3.6 * len(rows[0]), 2.8 * len(rows) + 0.4)
    axes = np.atleast_2d(drawn.subplots(len(rows), len(rows[0]), squeeze=False))
    for i, row in enumerate(rows):
        for j, panel in enumerate(row):
            overlay(axes[i, j], **panel)
            if i == len(rows) - 1:
                axes[i, j].set_xlabel("r / σ")
        axes[i, 0].set_ylabel("g(r)")
    axes[0, 0].legend(frameon=False, fontsize=9)
    drawn.suptitle(title)
    return write(drawn, file)


def learning_curves(
    regimes: Mapping[str, Mapping[str, Sequence[Mapping[str, float]]]], paper: Mapping[int, float], *, file: Path
) -> Path:
    """Test R2 and skill against the number of training points (Fig. 6A), one row for each regime.

    Parameters
    ----------
    regimes : mapping
        Regime -> way of drawing the points -> measurements with the keys "points", "r2" and "skill".
    paper : mapping
        Points -> the paper's R2.
    file : Path
        Where the picture goes.
    """
    drawn = figure(8.6, 3.4 * len(regimes))
    grid = drawn.subplots(len(regimes), 2, squeeze=False, sharex=True)
    for (regime, lines), row in zip(regimes.items(), grid, strict=True):
        for axes, key, label in zip(row, ("r2", "skill"), ("R²", "skill"), strict=True):
            for (way, found), colour in zip(lines.items(), (ACTUAL, PREDICTED, OTHER), strict=False):
                x, y = [p["points"] for p in found], [p[key] for p in found]
                axes.plot(x, y, marker="o", ms=4, lw=1.2, color=colour, label=way)
            lowest = min(p[key] for found in lines.values() for p in found)
            bottom = max(LEAST_R2, min(0.0, lowest) - 0.05)
            axes.set(title=f"{regime}: {label} at T* = 0.6 and 1.4", ylabel=label, ylim=(bottom, 1.05))
            axes.grid(alpha=0.3)
        row[0].plot(list(paper), list(paper.values()), "k*", ms=10, label="paper (read from its text)")
    for axes in grid[-1]:
        axes.set_xlabel("training points")
    shown = grid[0, 0].get_legend_handles_labels()
    drawn.legend(*shown, loc="outside lower center", ncols=4, frameon=False, fontsize=9)
    return write(drawn, file)
