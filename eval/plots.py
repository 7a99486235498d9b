"""Pictures of one submission: its scores; parity, curves with error bands, error against T* and by phase."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj.eval.metrics import Case
from binlj.eval.scores import Scores
from binlj.files import replacing
from binlj.grid import PAIRS, parse_state_id
from binlj.schema import track_name

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLOURS = {"AA": "#0072B2", "AB": "#009E73", "BB": "#D55E00"}  # Okabe & Ito: told apart by everybody
NAIVE_MARKERS = "sD^v<>ph"
BAND = 2.0  # standard errors in the bands


def write_plots(case: Case, scores: Scores, folder: Path) -> list[Path]:
    """Write parity.png, curves.png, error_by_temperature.png and error_by_phase.png; return their paths."""
    truth = case.truth
    temperature = np.array([f"{T:.1f}" for T in truth.near_T])
    label = "nearest T* of the grid" if track_name(truth.track) == "offgrid" else "T*"
    figures = {
        "parity": parity(case, scores),
        "curves": examples(case),
        "error_by_temperature": error_by(case, temperature, label),
        "error_by_phase": error_by(case, truth.phase.astype(str), "phase of the state"),
    }
    paths = []
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        with replacing(path) as temporary:
            figure.savefig(temporary, format="png", dpi=120)
        paths.append(path)
    return paths


def curve_rmse(case: Case) -> np.ndarray:
    """Root mean squared error of each curve, shape (curves,)."""
    return np.sqrt(case.squared_error / case.g.shape[1])


def _figure(width: float, height: float) -> Figure:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)  # no pyplot: no global state, no display
    return figure


def summary(scores: Scores) -> Figure:
    """Skill per pair, with intervals, noise ceiling and naive baselines; and skill by temperature."""
    if "IPython" in sys.modules:
        import matplotlib.pyplot  # noqa: F401  a notebook shows figures once pyplot is imported
    figure = _figure(10.5, 4.6)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2), sharey=True)
    _skill_by_pair(left, scores)
    _skill_by_temperature(right, scores)
    left.set_ylim(*_skill_limits(scores))
    left.legend(loc="upper left", bbox_to_anchor=(0.0, -0.12), ncols=3, frameon=False, fontsize=8)
    right.legend(loc="lower left", bbox_to_anchor=(0.0, 0.03), ncols=4, frameon=False, fontsize=8)
    states = f"{scores.n_scored_states} scored states"
    if scores.n_states < scores.of_states:
        states += f" ({scores.n_states} of {scores.of_states} are covered)"
    figure.suptitle(f"{scores.track}: {states}, dataset {scores.dataset_version}", fontsize=10)
    return figure


def _skill_limits(scores: Scores) -> tuple[float, float]:
    """From 0 to 1, or further down where a skill or an interval lies below 0."""
    low = [v for bounds in scores.skill_ci95.values() for v in bounds if v is not None]
    low += [v for values in (scores.skill, *scores.naive_skill.values()) for v in values.values() if v is not None]
    return min(-0.03, min(low, default=0.0) - 0.03), 1.03


def _skill_by_pair(ax: Axes, scores: Scores) -> None:
    names = [*PAIRS, "overall"]
    at = np.arange(len(names))
    skill = _values(scores.skill, names)
    bounds = np.array([scores.skill_ci95[name] for name in names], dtype=float)
    errors = np.abs(bounds - skill[:, None]).T
    colours = [COLOURS.get(name, "0.2") for name in names]
    for x, y, error, colour in zip(at, skill, errors.T, colours, strict=True):
        ax.errorbar([x - 0.15], [y], error[:, None], fmt="o", ms=8, color=colour, capsize=4, zorder=3)
    ax.plot([], [], "o", color="0.2", label="skill, 95 % interval")
    ceiling = _values(scores.skill_ceiling, names)
    ax.hlines(ceiling, at - 0.35, at + 0.4, colors="black", ls="--", lw=1.2, label="noise ceiling")
    for marker, (name, values) in zip(NAIVE_MARKERS, scores.naive_skill.items(), strict=False):
        ax.plot(at + 0.2, _values(values, names), ls="", marker=marker, ms=5, mfc="none", mec="0.45", label=name)
    ax.set_xticks(at, names)
    ax.set(ylabel="skill", xlabel="pair", xlim=(-0.5, len(names) - 0.5))
    ax.grid(axis="y", color="0.9")


def _skill_by_temperature(ax: Axes, scores: Scores) -> None:
    groups = sorted(scores.by["temperature"].items(), key=lambda item: float(item[0]))
    at = np.arange(len(groups))
    for name in (*PAIRS, "overall"):
        values = [group["metrics"]["skill"] for _, group in groups]
        y = np.array([value.get(name) for value in values], dtype=float)
        ax.plot(at, y, "o-", color=COLOURS.get(name, "0.2"), lw=1.2, label=name)
    ax.set_xticks(at, [f"{float(T):g}\n({group['n_states']})" for T, group in groups])
    ax.set(xlabel="T* (scored states)", xlim=(-0.5, len(groups) - 0.5))
    ax.grid(axis="y", color="0.9")


def _values(values: Mapping[str, float | None], names: Sequence[str]) -> np.ndarray:
    """As floats; NaN, which is not drawn, for what is undefined."""
    return np.array([values[name] for name in names], dtype=float)


def parity(case: Case, scores: Scores) -> Figure:
    """Predicted against simulated g(r), one panel a pair, coloured by the number of points."""
    from matplotlib.colors import LogNorm

    figure = _figure(13, 4.3)
    panels = figure.subplots(1, len(PAIRS))
    for code, (pair, ax) in enumerate(zip(PAIRS, panels, strict=True)):
        y, p = case.truth.g[case.truth.pair == code].ravel(), case.g[case.truth.pair == code].ravel()
        low, high = min(y.min(), p.min(), 0.0), 1.03 * max(y.max(), p.max())
        edges = np.linspace(low, high, 71)
        counts, _, _ = np.histogram2d(y, p, bins=(edges, edges))
        shown = np.where(counts > 0, counts, np.nan).T
        mesh = ax.pcolormesh(edges, edges, shown, norm=LogNorm(1, counts.max()), cmap="viridis")
        ax.plot([low, high], [low, high], color="0.35", lw=1, ls="--", label="prediction = simulation")
        (a, b), r2 = scores.r2_ci95[pair], scores.r2[pair]
        value = "undefined" if r2 is None else f"{r2:.3f}"
        bounds = "" if a is None or b is None else f"  (95 %: {a:.3f} to {b:.3f})"
        ax.set_title(f"{pair}: R² = {value}{bounds}", fontsize=10)
        ax.set(xlabel="simulated g(r)", ylabel="predicted g(r)", aspect="equal")
        ax.set(xlim=(low, high), ylim=(low, high))
        ax.legend(loc="upper left", frameon=False, fontsize=8)
        figure.colorbar(mesh, ax=ax, label="points", shrink=0.85)
    return figure


def examples(case: Case) -> Figure:
    """For each pair the best, the median and the worst predicted curve, with error bands."""
    truth, rmse = case.truth, curve_rmse(case)
    figure = _figure(13, 9.5)
    panels = figure.subplots(len(PAIRS), 3)
    for code, pair in enumerate(PAIRS):
        rows = np.flatnonzero(truth.pair == code)
        rows = rows[np.argsort(rmse[rows], kind="stable")]
        for ax, what, i in zip(
            panels[code], ("best", "median", "worst"), (rows[0], rows[len(rows) // 2], rows[-1]), strict=True
        ):
            _overlay(ax, case, int(i))
            s = parse_state_id(truth.keys[i][0])
            ax.set_title(
                f"{pair}, {what}: T* = {s.T:g}, C_B = {s.C_B:g}, S = {s.S:g}, ε_AB = {s.eps_AB:g}\n"
                f"RMSE {rmse[i]:.3g}", fontsize=9,
            )
    panels[0][0].legend(frameon=False, fontsize=8)
    return figure


def _overlay(ax: Axes, case: Case, i: int) -> None:
    truth = case.truth
    r, y, s = truth.r, truth.g[i], truth.g_stderr[i]
    colour = COLOURS[PAIRS[int(truth.pair[i])]]
    band = f"simulation ± {BAND:g} standard errors"
    ax.fill_between(r, y - BAND * s, y + BAND * s, color="0.75", lw=0, label=band)
    ax.plot(r, y, color="black", lw=1.6, label="simulation")
    if case.g_std is not None:
        p, e = case.g[i], case.g_std[i]
        band = f"prediction ± {BAND:g} g_std"
        ax.fill_between(r, p - BAND * e, p + BAND * e, color=colour, alpha=0.25, lw=0, label=band)
    ax.plot(r, case.g[i], color=colour, lw=1.4, ls="--", label="prediction")
    ax.axhline(1.0, color="0.6", lw=0.6, zorder=0)
    ax.set(xlabel="r / σ_AA", ylabel="g(r)", xlim=(0, r[-1]))


def error_by(case: Case, flag: np.ndarray, label: str) -> Figure:
    """Distribution of the curves' RMSE for each value of a per-state flag, pairs side by side."""
    from matplotlib.lines import Line2D

    truth = case.truth
    error = np.maximum(curve_rmse(case), 1e-6)  # an exact curve still has a place on a logarithmic axis
    names = sorted(set(flag.tolist()))
    figure = _figure(float(np.clip(1.6 * len(names) + 2.0, 7.0, 16.0)), 4.5)
    ax = figure.subplots()
    group = flag[truth.state]
    for code, pair in enumerate(PAIRS):
        chosen = [error[(truth.pair == code) & (group == name)] for name in names]
        at = np.arange(len(names)) + 0.25 * (code - 1)
        ax.boxplot(
            chosen, positions=at, widths=0.2, patch_artist=True, whis=(5, 95), manage_ticks=False,
            boxprops={"facecolor": COLOURS[pair], "alpha": 0.6}, medianprops={"color": "black"},
            flierprops={"marker": ".", "markersize": 3, "markerfacecolor": "0.3", "markeredgecolor": "none"},
        )
        pooled = [float(np.sqrt((e**2).mean())) for e in chosen]
        ax.plot(at, pooled, ls="", marker="D", color=COLOURS[pair], markeredgecolor="black", markersize=6)
    counts = [int((flag == name).sum()) for name in names]
    ax.set_xticks(range(len(names)), [f"{n}\n({c} states)" for n, c in zip(names, counts, strict=True)])
    ax.set(yscale="log", xlabel=label, ylabel="RMSE of a curve")
    handles = [Line2D([], [], color=COLOURS[p], lw=7, alpha=0.6, label=p) for p in PAIRS]
    handles.append(
        Line2D([], [], ls="", marker="D", color="white", markeredgecolor="black", label="pooled RMSE")
    )
    ax.legend(
        handles=handles, frameon=False, ncols=4, loc="lower center", bbox_to_anchor=(0.5, 1.0), fontsize=9
    )
    ax.set_title("boxes: quartiles of the curves; whiskers: 5 to 95 %", fontsize=8, loc="right", pad=24)
    return figure
