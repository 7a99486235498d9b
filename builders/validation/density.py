"""Density of all published states against the PeTS equation of state, with the causes of large deviations."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import criteria
from binlj.builders.validation.output import COLOURS, new_figure, number
from binlj.data import data_line, read_table
from binlj.grid import PRESSURE, State, parse_state_id
from binlj.markdown import markdown_table
from binlj.pets import pets_density, pets_stable

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

LARGEST = 15
STABILITY = {True: "stable", False: "not stable", None: "unknown"}
STABILITY_ORDER = ("stable", "not stable", "unknown")


def deviations(dataset: Path | None = None) -> pd.DataFrame:
    """The ``states`` table with what PeTS says of each state.

    Returns
    -------
    DataFrame
        Added columns: ``deviation`` (density / PeTS - 1, per cent; NaN where PeTS has no solution),
        ``stability`` (of the homogeneous mixture, by PeTS), ``density_pure`` (two pure fluids side by side,
        by PeTS), ``deviation_pure``, ``in_range`` (T* within PeTS's range).
    """
    frame = read_table("states", path=dataset)
    states = [parse_state_id(state_id) for state_id in frame.state_id]
    frame["deviation"] = 100 * (frame.density / frame.density_pets.astype(float) - 1)
    frame["stability"] = [STABILITY[pets_stable(state)] for state in states]
    frame["density_pure"] = [pure_phases_density(state) for state in states]
    frame["deviation_pure"] = 100 * (frame.density / frame.density_pure - 1)
    frame["in_range"] = frame["T"] >= criteria.PETS_MIN_T
    return frame


def pure_phases_density(state: State) -> float:
    """Number density of pure A beside pure B, each a PeTS fluid at the state's T* and P*; NaN without a solution.

    This is what complete demixing leads to but for the interfaces. B is A scaled by S: it has A's density at
    P* S^3, divided by S^3.
    """
    a, b = _pure(state.T, PRESSURE), _pure(state.T, PRESSURE * state.S**3)
    if a is None or b is None:
        return float("nan")
    return 1.0 / ((1 - state.C_B) / a + state.C_B * state.S**3 / b)


@cache
def _pure(T: float, pressure: float) -> float | None:
    return pets_density(State(T, 0.5, 1.0, 1.0), pressure=pressure)[0]


def explain(row: pd.Series, frame: pd.DataFrame) -> str:
    """Why a state's density deviates, from its own numbers; several causes may be named."""
    causes = []
    if row.phase == "demixed":
        pure = f"; pure A beside pure B would have {number(row.density_pure, 3)}" if row.density_pure > 0 else ""
        causes.append(f"demixed (composition varies {row.composition_fluctuation:.0f} times as at random{pure})")
    elif row.phase == "solid-like":
        causes.append(f"solid-like ({100 * row.solid_fraction:.0f} % of the particles), PeTS is a fluid's equation")
    elif row.stability == "not stable":
        causes.append("PeTS itself calls the homogeneous mixture not stable")
    if not row.in_range:
        causes.append(f"T* = {row['T']:g} is below PeTS's range ({criteria.PETS_MIN_T:g})")
    if row.phase == "homogeneous" and (row.S != 1 or row.eps_AB != 1):
        alike = frame[(frame.phase == "homogeneous") & (frame.S == row.S) & (frame.eps_AB == row.eps_AB)]
        typical = alike.deviation.abs().median()
        what = "unequal sizes" if row.S != 1 else "ε_AB ≠ 1"
        causes.append(f"{what}: mixing rule (median |deviation| at this S and ε_AB {number(typical, 1)} %)")
    if row.production_steps < criteria.MIN_PRODUCTION_STEPS:
        causes.append(f"short run ({row.production_steps:,} production steps)")
    error = 100 * row.density_stderr / row.density if row.density_stderr == row.density_stderr else float("nan")
    if abs(row.deviation) < criteria.DIFFERENT_SIGMAS * error:
        causes.append(f"within {criteria.DIFFERENT_SIGMAS:g} standard errors ({number(error, 1)} % each)")
    return "; ".join(causes) or "not explained"


def largest(frame: pd.DataFrame, count: int = LARGEST) -> list[dict[str, Any]]:
    """The states that deviate most, with their causes."""
    order = frame.deviation.abs().sort_values(ascending=False, kind="stable").index
    rows = []
    for _, row in frame.loc[order].head(count).iterrows():
        rows.append(
            {
                "state_id": row.state_id, "density": row.density, "density_pets": row.density_pets,
                "deviation": row.deviation, "deviation_pure": row.deviation_pure, "phase": row.phase,
                "stability": row.stability, "start": row.start, "why": explain(row, frame),
            }
        )
    return rows


def medians(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Count and deviations of every class (phase flag, PeTS stability, PeTS's range) that has states."""
    rows = []
    for phase in COLOURS:
        for stability in STABILITY_ORDER:
            for in_range in (True, False):
                mine = frame[
                    (frame.phase == phase) & (frame.stability == stability) & (frame.in_range == in_range)
                ].deviation.dropna()
                if len(mine):
                    rows.append(
                        {
                            "phase": phase, "stability": stability, "in_range": in_range, "states": len(mine),
                            "median": mine.median(), "median_abs": mine.abs().median(),
                            "p95_abs": mine.abs().quantile(0.95), "max_abs": mine.abs().max(),
                        }
                    )
    return rows


def same_particles(frame: pd.DataFrame) -> pd.DataFrame:
    """The states in which A and B are the same substance (S = eps_AB = 1), sorted."""
    return frame[(frame.S == 1) & (frame.eps_AB == 1)].sort_values(["T", "C_B"])


def report(frame: pd.DataFrame, dataset: Path | None = None) -> tuple[str, dict[str, Any]]:
    """The check as Markdown and as data."""
    classes, worst, same = medians(frame), largest(frame), same_particles(frame)
    bound = 100 * criteria.PETS_TOLERANCE
    asked = same[same.in_range]
    outside = asked[~(asked.deviation.abs() <= bound)]
    demixed = frame[(frame.phase == "demixed") & frame.in_range]
    compositions = sorted(same.C_B.unique())
    grid_rows = []
    for temperature, group in same.groupby("T"):
        cells = group.set_index("C_B").deviation
        name = f"{temperature:g}" + ("" if group.in_range.all() else " (below PeTS's range)")
        grid_rows.append([name, *(number(cells.get(c), 2, sign=True) for c in compositions)])
    unsolved = int(frame.deviation.isna().sum())
    lines = [
        "# Density against the PeTS equation of state", "", data_line(dataset),
        "Deviation = simulated density / PeTS density of the homogeneous fluid − 1, in per cent.", "",
        markdown_table(
            ["phase flag", "mixture by PeTS", "T* in PeTS's range", "states", "median", "median of \\|dev.\\|",
             "95 % of \\|dev.\\| below", "largest"],
            [[c["phase"], c["stability"], "yes" if c["in_range"] else "no", str(c["states"]),
              number(c["median"], 2, sign=True), number(c["median_abs"]), number(c["p95_abs"]), number(c["max_abs"])]
             for c in classes],
        ),
        "", f"PeTS has no solution for {unsolved} of {len(frame)} states." if unsolved else
        f"PeTS has a solution for all {len(frame)} states.",
    ]
    if len(demixed):
        lines.append(
            f"The {len(demixed)} demixed states within PeTS's range deviate by a median of "
            f"{number(demixed.deviation.median(), 2, sign=True)} % from the homogeneous mixture and by "
            f"{number(demixed.deviation_pure.median(), 2, sign=True)} % from pure A beside pure B."
        )
    lines += [
        "", f"## A and B the same substance (S = ε_AB = 1): deviation in per cent, bound {bound:g} %", "",
        markdown_table(["T*", *(f"C_B = {c:g}" for c in compositions)], grid_rows), "",
        f"{len(asked) - len(outside)} of {len(asked)} states within PeTS's range are within the bound"
        + (f"; outside: {', '.join(outside.state_id)}." if len(outside) else "."),
        "", f"## The {len(worst)} largest deviations", "",
        markdown_table(
            ["state", "density", "PeTS", "deviation %", "from pure A beside B %", "why"],
            [[w["state_id"], number(w["density"], 4), number(w["density_pets"], 4),
              number(w["deviation"], 1, sign=True), number(w["deviation_pure"], 1, sign=True), w["why"]]
             for w in worst],
        ),
    ]  # fmt: skip
    columns = ["state_id", "T", "C_B", "S", "eps_AB", "density", "density_stderr", "density_pets", "deviation",
               "density_pure", "deviation_pure", "stability", "phase", "start", "in_range"]  # fmt: skip
    data = {
        "states": frame[columns].to_dict("records"), "classes": classes, "largest": worst,
        "same_particles": {"bound_percent": bound, "checked": len(asked), "outside": outside.state_id.tolist()},
    }
    return "\n".join(lines), data


def draw(frame: pd.DataFrame) -> Figure:
    """Parity, deviation of every state by temperature and size ratio, and the states of one substance."""
    figure = new_figure(13, 9)
    grid = figure.add_gridspec(2, 2, width_ratios=[1, 1.55], height_ratios=[1.15, 1])
    parity, strip = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
    same_axis, pure = figure.add_subplot(grid[1, 0]), figure.add_subplot(grid[1, 1])
    known = frame[frame.deviation.notna()]
    _draw_parity(parity, known)
    _draw_strip(strip, known, "deviation")
    strip.set_title("every state: from the homogeneous mixture by PeTS", pad=16)
    _draw_same(same_axis, same_particles(known))
    demixed = known[(known.phase == "demixed") & known.deviation_pure.notna()]
    _draw_strip(pure, demixed, "deviation_pure")
    pure.set_title("the demixed ones: from pure A beside pure B by PeTS", pad=16)
    return figure


def _draw_parity(axis: Any, frame: pd.DataFrame) -> None:
    low, high = 0.9 * min(frame.density.min(), frame.density_pets.min()), 1.05 * frame.density.max()
    axis.plot([low, high], [low, high], color="0.4", lw=1, zorder=1)
    for phase, colour in COLOURS.items():
        for in_range, marker in ((True, "o"), (False, "x")):
            mine = frame[(frame.phase == phase) & (frame.in_range == in_range)]
            if len(mine):
                label = f"{phase} ({(frame.phase == phase).sum()})" if in_range else None
                axis.scatter(mine.density_pets, mine.density, s=16, marker=marker, color=colour, alpha=0.75, lw=1,
                             label=label, zorder=2)  # fmt: skip
    axis.scatter([], [], marker="x", color="0.3", s=16, label="T* below PeTS's range")
    axis.set(xlabel="density by PeTS, homogeneous mixture", ylabel="density simulated", xlim=(low, high),
             ylim=(low, high), title="parity")  # fmt: skip
    axis.legend(fontsize=8)
    axis.grid(alpha=0.25)


def _draw_strip(axis: Any, frame: pd.DataFrame, column: str) -> None:
    """Strips of T*, in each one lane for every S, within a lane ordered by eps_AB, then C_B."""
    temperatures, sizes = sorted(frame["T"].unique()), sorted(frame.S.unique())
    lane = 1.0 / (len(sizes) + 0.5)
    for i, temperature in enumerate(temperatures):
        if temperature < criteria.PETS_MIN_T:
            axis.axvspan(i - 0.5, i + 0.5, color="0.92", zorder=0)
            axis.text(i, 0.985, "below PeTS's range", transform=axis.get_xaxis_transform(), ha="center", va="top",
                      fontsize=8, color="0.35")  # fmt: skip
        for j, size in enumerate(sizes):
            mine = frame[(frame["T"] == temperature) & (size == frame.S)].sort_values(["eps_AB", "C_B"])
            left = i - 0.5 + lane * (j + 0.3)
            x = left + 0.85 * lane * (np.arange(len(mine)) + 0.5) / max(len(mine), 1)
            axis.scatter(x, mine[column], s=12, color=[COLOURS[p] for p in mine.phase], alpha=0.8, lw=0)
            axis.text(left + 0.42 * lane, 1.01, f"{size:g}", transform=axis.get_xaxis_transform(), ha="center",
                      va="bottom", fontsize=7, color="0.35")  # fmt: skip
        if i:
            axis.axvline(i - 0.5, color="0.8", lw=0.8)
    axis.axhline(0, color="0.4", lw=1)
    axis.set_xticks(range(len(temperatures)), [f"T* = {t:g}" for t in temperatures])
    axis.set_xlim(-0.5, max(len(temperatures), 1) - 0.5)
    axis.set_ylabel("deviation, %")
    axis.set_xlabel("lanes: S (numbers above); in each lane ε_AB rises from left to right, then C_B")
    axis.grid(axis="y", alpha=0.25)


def _draw_same(axis: Any, frame: pd.DataFrame) -> None:
    bound = 100 * criteria.PETS_TOLERANCE
    axis.axhspan(-bound, bound, color="#deebf7", zorder=0, label=f"bound, ± {bound:g} %")
    compositions = sorted(frame.C_B.unique())
    shades = ["#08306b", "#2171b5", "#41ab5d", "#fd8d3c", "#cb181d"]
    for i, (temperature, group) in enumerate(frame.groupby("T")):
        x = [compositions.index(c) + 0.12 * (i - 2) for c in group.C_B]
        error = (100 * group.density_stderr / group.density_pets).fillna(0.0)
        below = float(str(temperature)) < criteria.PETS_MIN_T
        axis.errorbar(x, group.deviation, error, fmt="x" if below else "o", ms=5, lw=1, color=shades[i % 5],
                      label=f"T* = {temperature:g}" + (" (below range)" if below else ""))  # fmt: skip
    axis.axhline(0, color="0.4", lw=1)
    axis.set_xticks(range(len(compositions)), [f"{c:g}" for c in compositions])
    axis.set(xlabel="C_B", ylabel="deviation, % (± standard error)", title="A and B the same substance: S = ε_AB = 1")
    low, high = axis.get_ylim()
    axis.set_ylim(low, high + 0.3 * (high - low))  # room for the legend
    axis.legend(fontsize=7, ncol=2, loc="upper center")
    axis.grid(axis="y", alpha=0.25)
