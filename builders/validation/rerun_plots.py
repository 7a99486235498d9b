"""Figures of the repeatability and finite-size experiments."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.validation.finite_size import Series, expected_difference, thinnest
from binlj.builders.validation.output import PAIR_COLOURS, new_figure
from binlj.builders.validation.repeat import Repetition
from binlj.grid import PAIRS
from binlj.schema import bin_centres

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SHOWN = 3  # best and worst curves
_SIZE_COLOURS = ("#fd8d3c", "#31a354", "#756bb1", "#e6550d", "#636363")


def draw_repeat(done: Sequence[Repetition]) -> Figure:
    """Chi-square of every state and pair on a logarithmic axis; below, the curves that agree worst and best."""
    figure = new_figure(14, 12)
    grid = figure.add_gridspec(3, SHOWN, height_ratios=[1.25, 1, 1])
    _draw_chi_square(figure.add_subplot(grid[0, :]), done)
    values = [
        (chi.value, item, i) for item in done for i, chi in enumerate(item.chi_squares()) if chi.bins and chi.value > 0
    ]
    values.sort(key=lambda entry: entry[0])
    best = sorted(values, key=lambda entry: abs(np.log(entry[0])))
    for row, (title, entries) in enumerate((("largest", values[::-1][:SHOWN]), ("closest to 1", best[:SHOWN]))):
        for column, (value, item, i) in enumerate(entries):
            axis = figure.add_subplot(grid[row + 1, column])
            _draw_overlay(axis, item, i)
            axis.set_title(f"{title}: χ² = {value:.2f}\n{item.state_id} {PAIRS[i]} ({item.row.phase})", fontsize=9)
            if row == column == 0:
                axis.legend(fontsize=7)
    return figure


def _draw_chi_square(axis: Any, done: Sequence[Repetition]) -> None:
    low, high = criteria.CLOSE_TO_ONE
    axis.axhspan(low, high, color="#e5f5e0", zorder=0, label=f"{low:g} … {high:g}")
    axis.axhline(1, color="0.3", lw=1)
    for i, pair in enumerate(PAIRS):
        points = [(x, item.chi_squares()[i]) for x, item in enumerate(done)]
        points = [(x, chi) for x, chi in points if chi.bins and chi.value > 0]
        if not points:
            continue
        places = [x + 0.22 * (i - 1) for x, _ in points]
        bounds = [chi.by_chance() for _, chi in points]
        axis.vlines(places, [b[0] for b in bounds], [b[1] for b in bounds], color=PAIR_COLOURS[pair], alpha=0.25, lw=5)
        axis.scatter(places, [chi.value for _, chi in points], color=PAIR_COLOURS[pair], s=26, zorder=3, label=pair)
    axis.vlines([], [], [], color="0.4", alpha=0.35, lw=5, label="95 % by chance")
    for x, item in enumerate(done):
        if item.row.phase != "homogeneous":
            axis.axvspan(x - 0.5, x + 0.5, color="#fee6ce", alpha=0.6, zorder=-1, lw=0)
    axis.fill_between([], [], color="#fee6ce", label="demixed or solid-like")
    axis.set_yscale("log")
    low, high = axis.get_ylim()
    ticks = [m * 10.0**k for k in range(-4, 6) for m in (1, 2, 5) if low <= m * 10.0**k <= high]
    axis.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    axis.set_yticks([], minor=True)
    axis.set_ylim(low, high)
    axis.set_xlim(-0.6, max(len(done), 1) - 0.4)
    axis.set_xticks(range(len(done)), [item.state_id for item in done], rotation=40, ha="right", fontsize=7)
    axis.set(ylabel="χ² per bin", title="rerun against published, in units of their combined errors")
    axis.legend(fontsize=8, ncol=6)
    axis.grid(axis="y", alpha=0.25)


def _draw_overlay(axis: Any, item: Repetition, i: int) -> None:
    r = bin_centres(item.g.shape[-1])
    g, e, new, new_e = item.g[i], item.g_stderr[i], item.new.g[i], item.new.g_stderr[i]
    axis.fill_between(r, g - 2 * e, g + 2 * e, color="#9ecae1", label="published ± 2 standard errors")
    axis.plot(r, g, color="#08519c", lw=1)
    axis.errorbar(r, new, 2 * new_e, fmt=".", ms=4, lw=0.8, color="#d94801", label="rerun ± 2 standard errors")
    axis.set(xlim=(criteria.ERROR_RANGE[0] - 0.2, criteria.ERROR_RANGE[1] + 0.5), xlabel="r / σ_AA", ylabel="g(r)")
    axis.set_ylim(0, 1.1 * max(g.max(), new.max()))
    axis.grid(alpha=0.25)


def draw_finite_size(found: Sequence[Series]) -> Figure:
    """For each state the differences from the reference size; of two phases also the curves of all sizes."""
    curves = [series.shape != "mixed" for series in found]
    n_rows = max(len(found) + sum(curves), 1)
    figure = new_figure(14, 2.9 * n_rows)
    axes = iter(figure.subplots(n_rows, len(PAIRS), squeeze=False, sharex=True))
    for series, with_curves in zip(found, curves, strict=True):
        above = list(next(axes)) if with_curves else [None] * len(PAIRS)
        below = list(next(axes))
        _draw_sizes(series, above, below)
    for axis in figure.axes:
        axis.grid(alpha=0.25)
        axis.set_xlim(0.5, 10)
    for axis in figure.axes[-len(PAIRS):]:
        axis.set_xlabel("r / σ_AA")
    return figure


def _draw_sizes(series: Series, above: Sequence[Axes | None], below: Sequence[Axes]) -> None:
    """One state; without axes for its curves only the differences."""
    r, by = bin_centres(), series.reference
    for i, (pair, upper, lower) in enumerate(zip(PAIRS, above, below, strict=True)):
        (upper or lower).set_title(f"{series.state.state_id} {pair}, {series.start} start", fontsize=9)
        lower.set_ylabel("difference" + (f" from N = {by:,}" if by else ""))
        lower.axhline(0, color="0.4", lw=0.8)
        if by is None:
            continue
        others = [n for n in series.results if n != by]
        for colour, n in zip(_SIZE_COLOURS, others, strict=False):
            _draw_size(upper, lower, series, i, n, by, colour)
        if upper is not None:
            upper.set_ylabel("g(r)")
            upper.plot(r, series.results[by].g[i], color="#08519c", lw=1.2, label=f"N = {by:,}", zorder=1)
        if i == 0:
            for axis in filter(None, (upper, lower)):
                axis.legend(fontsize=7)


def _draw_size(upper: Axes | None, lower: Axes, series: Series, i: int, n: int, by: int, colour: str) -> None:
    r = bin_centres()
    result, reference = series.results[n], series.results[by]
    if upper is not None:
        upper.plot(r, result.g[i], ".", ms=4, color=colour, label=f"N = {n:,}")
    difference = result.g[i] - reference.g[i]
    error = np.hypot(result.g_stderr[i], reference.g_stderr[i])
    lower.fill_between(r, difference - error, difference + error, color=colour, alpha=0.25, lw=0)
    lower.plot(r, difference, color=colour, lw=1, label=f"N = {n:,} ± standard error")
    expected = expected_difference(series, n, by=by)
    if expected is not None:
        valid = r <= min(thinnest(series, n), thinnest(series, by))
        label = f"N = {n:,}, expected of the interface"
        lower.plot(r[valid], expected[i][valid], color=colour, lw=1.2, ls="--", label=label)
