"""Convergence report: what each state lacks, and how many steps it may still need.

For a state that lacks production steps or has too large errors, the steps follow from the criteria: errors fall as one
over the square root of the steps. For a state whose starts differ, they are an estimate. The share of the gap that a
start closes from the first half of its equilibrated part to the second, over half of that part's steps, is taken as a
rate. The gap is assumed to decay exponentially at the sum of the two starts' rates until it counts as closed.
Coarsening and dissolution slow down towards their end, so this is a lower bound. No estimate is made where neither
start is seen to move.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import criteria, reconcile
from binlj.builders.analysis.assemble import StateResult, assemble_state, by_state
from binlj.builders.analysis.chains import ChainPart, chains_by_start, equilibrated_parts
from binlj.builders.analysis.quality import quality
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.survey import counted
from binlj.builders.starts.kinds import STARTS
from binlj.builders.validation.output import new_figure, number
from binlj.grid import GRID_C_B, GRID_EPS_AB, GRID_S, GRID_T, PAIRS
from binlj.markdown import markdown_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.figure import Figure

BINS = (20_000, 50_000, 120_000)
LACKS = ("production steps", "error", "drift", "start gap", "other")


@dataclass(frozen=True)
class Distance:
    """One state's distance from converged.

    Attributes
    ----------
    result : StateResult
    gap : float or None
        Largest difference between the starts as a share of the curve's maximum; None with one start.
    closing : dict
        The published start and its rival -> share of the gap each closes from half to half; empty without a gap.
    moving : str
        The start that closes more; empty like `closing`.
    steps : float
        Further steps: of the published start for what it lacks, and of the moving one until the gap is closed;
        infinite where it is not seen to close.
    agreement : tuple of float, optional
        Of two starts that agree: their rms difference over 0.9 to 5 sigma over its standard error, for AA, AB, BB.
    """

    result: StateResult
    gap: float | None
    closing: dict[str, float]
    moving: str
    steps: float
    agreement: tuple[float, ...] | None = None

    @property
    def lacks(self) -> tuple[str, ...]:
        """What is missing, by kind."""
        reasons = self.result.reason.split("; ") if self.result.reason else []
        kinds = {
            "production steps" if "production steps" in r else "error" if r.startswith("error of")
            else "drift" if " drifts (" in r else "start gap" if r.startswith(reconcile.OPEN_GAP) else "other"
            for r in reasons
        }  # fmt: skip
        return tuple(kind for kind in LACKS if kind in kinds)


def distances(
    records: Sequence[SegmentRecord], *, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Distance]:
    """Every state that has records, sorted."""
    groups = by_state(records)
    done = []
    for i, (state, everything) in enumerate(groups.items()):
        mine = counted(everything)
        result = assemble_state(state, mine)
        parts = {start: equilibrated_parts(chains) for start, chains in chains_by_start(mine).items()}
        missing = _missing(result)
        if not result.rival:
            agreement = _agreement(result, parts) if result.compared_with else None
            done.append(Distance(result, result.start_gap, {}, "", missing, agreement))
        else:
            apart = {start: parts[start] for start in (result.start, result.rival)}
            closing = reconcile.closing(apart)
            halves = {start: sum(p.production_steps for p in chains) / 2 for start, chains in apart.items()}
            rate = sum(closing[start] / halves[start] for start in apart if closing[start] >= criteria.CLOSING_SEEN)
            gap = result.start_gap or 0.0
            wait = math.log(max(gap / criteria.GAP_RELATIVE, 1.0)) / rate if rate else math.inf
            moving = max(closing, key=lambda start: closing[start])
            done.append(Distance(result, gap, closing, moving, missing + wait))
        progress(i + 1, len(groups))
    return done


def _agreement(result: StateResult, parts: Mapping[str, Sequence[ChainPart]]) -> tuple[float, ...]:
    first = result.start.split("+")[0]  # of two published together, the other one is `compared_with`
    gap = reconcile.start_gap(result.state, parts[first], parts[result.compared_with])
    return tuple(float(x) for x in gap.rms / gap.stderr)


def _missing(result: StateResult) -> float:
    """Further steps of the published start until its length and errors meet the criteria."""
    if result.converged:
        return 0.0
    share = max(1.0, quality(result).error) ** 2
    wanted = max(criteria.MIN_PRODUCTION_STEPS, share * result.min_production_steps)
    return max(0.0, wanted - result.min_production_steps)


def report(done: Sequence[Distance]) -> tuple[str, dict[str, Any]]:
    """Counts, estimates and every state that is not converged: Markdown and data."""
    left = sorted((d for d in done if not d.result.converged), key=lambda d: (d.steps, d.result.state))
    apart = [d for d in left if d.closing]
    lines = [
        "# Which states have converged, and how far are the others?", "",
        f"{len(done) - len(left)} of {len(done)} states meet every criterion. Of the other {len(left)}:", "",
        markdown_table(
            ["lacks (a state may lack several)", "states"],
            [[kind, str(sum(kind in d.lacks for d in left))] for kind in LACKS if any(kind in d.lacks for d in left)],
        ), "",
        f"## The gap between the starts: {len(apart)} states", "",
        "Which start moves, and by how much it closes the gap from the first half of its equilibrated part to the "
        "second:", "",
        markdown_table(
            ["moving start", "states", "median gap", "median share closed"],
            [[name, str(len(mine)), number(float(np.median([d.gap or 0.0 for d in mine])), 1, scale=100) + " %",
              number(float(np.median([d.closing[d.moving] for d in mine])), 1, scale=100) + " %"]
             for name in STARTS if (mine := [d for d in apart if d.moving == name])],
        ), "",
        *_errors(done),
        "## Steps still needed", "",
        f"For length and errors they follow from the criteria. For a gap they are a lower bound: it is taken to fall "
        f"exponentially at the rate seen, to {100 * criteria.GAP_RELATIVE:g} % of the curve's maximum; where less "
        f"than {100 * criteria.CLOSING_SEEN:g} % of it closes from half to half, nothing is said.", "",
        markdown_table(["further steps", "states", "together, 10⁶ steps"], _bins(left)), "",
        "## All states that are not converged", "",
        markdown_table(
            ["state", "phase", "published", "production steps", "worst error / target", "gap", "from", "it closes",
             "published closes", "further steps", "lacks"],
            [_row(d) for d in left],
        ),
    ]  # fmt: skip
    return "\n".join(lines), {"states": [_data(d) for d in done]}


def _errors(done: Sequence[Distance]) -> list[str]:
    """Two starts that agree are a repetition of each other: what their difference says of the errors."""
    twice = [d for d in done if d.agreement]
    if not twice:
        return []
    groups = [("all", twice)] + [(f"T* = {T:g}", [d for d in twice if d.result.state.T == T]) for T in GRID_T]
    rows = []
    for name, mine in groups:
        if mine:
            values = np.array([d.agreement for d in mine])
            spread = (np.median(values, axis=0), np.quantile(values, 0.9, axis=0))
            rows.append([name, str(len(mine)), *(number(float(x)) for pair in zip(*spread, strict=True) for x in pair)])
    return [
        f"## Where two starts agree: {len(twice)} states", "",
        "Two runs that began apart and agree are a repetition of each other, so their difference tests the published "
        "errors. Its rms over 0.9 to 5 σ, over its standard error (1 if the errors are right; a gap of at most "
        f"{100 * criteria.GAP_RELATIVE:g} % of the curve's maximum, its noise subtracted, counts as closed):", "",
        markdown_table(
            ["states", "number", *(f"{p}: {what}" for p in PAIRS for what in ("median", "90 % below"))], rows
        ),
        "",
    ]  # fmt: skip


def _bins(left: Sequence[Distance]) -> list[list[str]]:
    rows, low = [], -1.0
    for high in (*BINS, math.inf):
        mine = [d.steps for d in left if low < d.steps <= high and math.isfinite(d.steps)]
        name = f"at most {high:,}" if math.isfinite(high) else f"more than {BINS[-1]:,}"
        rows.append([name, str(len(mine)), number(sum(mine) / 1e6)])
        low = high
    rows.append(["not seen to close", str(sum(math.isinf(d.steps) for d in left)), "–"])
    return rows


def _row(d: Distance) -> list[str]:
    r = d.result

    def share(value: float | None) -> str:
        return "–" if value is None else f"{number(value, 1, scale=100)} %"

    return [
        r.state.state_id, r.phase, r.start, f"{r.production_steps:,}", number(quality(r).error), share(d.gap),
        r.rival or "–", share(d.closing.get(r.rival)), share(d.closing.get(r.start)), number(d.steps, 0),
        ", ".join(d.lacks),
    ]  # fmt: skip


def _data(d: Distance) -> dict[str, Any]:
    r = d.result
    return {
        "state_id": r.state.state_id, "converged": r.converged, "start": r.start, "rival": r.rival, "phase": r.phase,
        "gap": d.gap, "min_production_steps": r.min_production_steps, "error_over_target": quality(r).error,
        "closing": d.closing, "moving": d.moving, "further_steps": d.steps, "lacks": list(d.lacks),
        "compared_with": r.compared_with, "difference_over_error": d.agreement,
    }  # fmt: skip


def draw(done: Sequence[Distance]) -> Figure:
    """The grid: converged states, those that only lack steps, and the gap between the starts of the others."""
    from matplotlib.colors import LogNorm
    from matplotlib.patches import Patch

    figure = new_figure(11, 9.2)
    axes = figure.subplots(len(GRID_T), len(GRID_S), sharex=True, sharey=True)
    by_place = {(d.result.state.T, d.result.state.S, d.result.state.C_B, d.result.state.eps_AB): d for d in done}
    norm, image = LogNorm(0.02, 0.6), None
    for i, t in enumerate(GRID_T):
        for j, s in enumerate(GRID_S):
            axis = axes[i, j]
            gap = np.full((len(GRID_C_B), len(GRID_EPS_AB)), np.nan)
            for k, c in enumerate(GRID_C_B):
                for m, e in enumerate(GRID_EPS_AB):
                    d = by_place.get((t, s, c, e))
                    if d is None:
                        continue
                    if d.closing:
                        gap[k, m] = max(d.gap or 0.0, 0.02)
                    else:
                        colour = "#31a354" if d.result.converged else "#c7e9c0"
                        axis.add_patch(_cell(m, k, colour))
            image = axis.imshow(gap, cmap="OrRd", norm=norm, origin="lower", aspect="auto", zorder=2)
            axis.set_xticks(range(len(GRID_EPS_AB)), [f"{e:g}" for e in GRID_EPS_AB], fontsize=8)
            axis.set_yticks(range(len(GRID_C_B)), [f"{c:g}" for c in GRID_C_B], fontsize=8)
            axis.set_title(f"T* = {t:g}, S = {s:g}", fontsize=9)
            if j == 0:
                axis.set_ylabel("C_B")
            if i == len(GRID_T) - 1:
                axis.set_xlabel("ε_AB")
    assert image is not None
    figure.colorbar(image, ax=axes, label="gap between the starts, share of the curve's maximum", shrink=0.6)
    figure.legend(
        handles=[Patch(color="#31a354", label="converged"), Patch(color="#c7e9c0", label="no gap, lacks steps")],
        loc="outside lower center", ncols=2, frameon=False,
    )  # fmt: skip
    return figure


def _cell(x: int, y: int, colour: str) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.5, y - 0.5), 1, 1, color=colour, lw=0, zorder=1)
