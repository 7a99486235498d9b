"""Report on identity exchange: results with it beside those of plain dynamics, for the states that have both.

Both sample the NPT ensemble, so that where plain dynamics has converged the two agree within their errors. Where it has
not, exchange shows which of its starts remembered how it began.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import reconcile
from binlj.builders.analysis.assemble import StateResult, assemble_state, by_state
from binlj.builders.analysis.chains import chains_by_start
from binlj.builders.records.record import SegmentRecord
from binlj.builders.records.survey import counted
from binlj.builders.validation.output import new_figure, number
from binlj.grid import PAIRS
from binlj.markdown import markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PANELS = 4


@dataclass(frozen=True)
class Both:
    """One state with and without exchange.

    Attributes
    ----------
    plain, exchanged : StateResult
    gap : Gap
        Difference between the two (:class:`binlj.builders.analysis.reconcile.Gap`).
    records : tuple of SegmentRecord
    """

    plain: StateResult
    exchanged: StateResult
    gap: reconcile.Gap
    records: tuple[SegmentRecord, ...] = field(repr=False)


def both(
    records: Sequence[SegmentRecord], *, progress: Callable[[int, int], None] = lambda done, total: None
) -> list[Both]:
    """The states of a store that were simulated both ways, sorted."""
    settled = {record.state_id for record in counted(records) if record.exchanges}
    groups = by_state(record for record in records if record.state_id in settled)
    found = []
    for i, (state, mine) in enumerate(groups.items()):
        without = [record for record in mine if not record.exchanges]
        if without:
            one, other = assemble_state(state, without), assemble_state(state, mine)
            gap = reconcile.difference(state, (one.g, one.g_stderr), (other.g, other.g_stderr))
            found.append(Both(one, other, gap, tuple(mine)))
        progress(i + 1, len(groups))
    return found


def report(found: Sequence[Both]) -> tuple[str, dict[str, Any]]:
    """The report as Markdown, and its numbers."""
    rows, data = [], []
    for b in found:
        gap, stderr = b.gap.largest
        data.append({
            "state_id": b.plain.state.state_id,
            "plain": _facts(b.plain), "exchange": _facts(b.exchanged),
            "difference": gap, "difference_stderr": stderr, "differ": b.gap.differ,
        })  # fmt: skip
        rows.append([
            b.plain.state.state_id, *(text for r in (b.plain, b.exchanged) for text in _cells(r)),
            f"{number(100 * gap, 1)} ± {number(100 * stderr, 1)}", "yes" if b.gap.differ else "no",
        ])  # fmt: skip
    sure = [b for b in found if b.plain.converged and b.exchanged.converged]
    settled = sum(b.exchanged.converged for b in found if not b.plain.converged)
    unsettled = sum(not b.plain.converged for b in found)
    phases = sum(b.plain.phase != b.exchanged.phase for b in found)
    apart = sum(b.gap.differ for b in sure)
    late = [b for b in found if reconcile.SECOND_ROUND in b.plain.reason and b.exchanged.converged]
    late_apart = sum(b.gap.differ for b in late)
    text = f"""# Identity exchange

{len(found)} states were simulated with exchanges of A and B between stretches of dynamics as well as
without. Of the {unsettled} that have not converged without exchange, {settled} have with it. Of the {len(sure)} that
have converged both ways, {apart} differ{"s" if apart == 1 else ""} by more than 2 % of a maximum and three standard
errors. With exchange the phase changes in {phases} states. In {len(late)} of the states that have converged with
exchange only a start of the second round agreed without it; {late_apart} of these differ.

{markdown_table(
    ["state", "plain: phase", "converged", "gap, %", "exchange: phase", "converged", "gap, %",
     "difference, %", "differ"], rows,
)}

The gap is that between the starts. Gap and difference are rms over 0.9 to 5 σ, noise subtracted, as a share of the
maximum, the largest of the three pairs; errors are standard errors. Exchanges keep the composition and obey detailed
balance at fixed positions, so that the NPT distribution stays the same. The picture shows where plain starts differed
most.

A droplet at C_B = 0.01 that dissolves, and does not form again within the run, is taken as metastable: in so small a
system the homogeneous mixture is then the stable phase."""
    return text, {"states": data}


def draw(found: Sequence[Both]) -> Figure:
    """Maximum of g_BB along the chains of the states whose plain starts differed most."""
    shown = sorted(found, key=lambda b: -(b.plain.start_gap or 0.0))[:PANELS]
    figure = new_figure(9.0, 2.6 * max((len(shown) + 1) // 2, 1))
    for i, b in enumerate(shown):
        axes = figure.add_subplot((len(shown) + 1) // 2, 2, i + 1)
        for start, replicas in chains_by_start(b.records).items():
            for members in replicas.values():
                with_exchange = members[0].exchanges > 0
                steps, peaks = _peaks(members)
                axes.plot(
                    steps / 1000, peaks, lw=2.0 if with_exchange else 0.8,
                    color={"mixed": "#3182bd", "separated": "#e6550d"}.get(start, "0.6"),
                    ls="-" if with_exchange else "--",
                    label=f"{start}, exchange" if with_exchange else start if start in ("mixed", "separated") else None,
                )
        axes.set_title(b.plain.state.state_id, fontsize=8)
        axes.set_yscale("log")
        axes.set_xlabel("1000 steps", fontsize=7)
        axes.set_ylabel("maximum of g_BB", fontsize=7)
        axes.tick_params(which="both", labelsize=7)
        if i == 0:
            axes.plot([], [], lw=0.8, ls="--", color="0.6", label="coexistence-seeded")
            axes.legend(fontsize=6)
    return figure


def _peaks(records: Sequence[SegmentRecord]) -> tuple[np.ndarray, np.ndarray]:
    """Middle step and maximum of g_BB of each block, on bins of 0.1 sigma so that noise does not make it."""
    steps = [r.step_start + (np.arange(r.n_blocks) + 0.5) * r.steps / r.n_blocks for r in records]
    peaks = [
        (r.counts.reshape(r.n_blocks, 3, -1, 5).sum(-1) / r.ideal_counts().reshape(r.n_blocks, 3, -1, 5).sum(-1))
        [:, PAIRS.index("BB")].max(1) for r in records
    ]  # fmt: skip
    return np.concatenate(steps), np.concatenate(peaks)


def _facts(result: StateResult) -> dict[str, Any]:
    return {
        "phase": result.phase, "converged": result.converged, "reason": result.reason, "start": result.start,
        "start_gap": result.start_gap, "steps": result.longest_chain_steps, "n_eff": result.n_eff,
    }  # fmt: skip


def _cells(result: StateResult) -> list[str]:
    return [result.phase, "yes" if result.converged else "no", number(result.start_gap, 1, scale=100.0)]
