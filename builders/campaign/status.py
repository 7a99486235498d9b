"""The campaign's status: one row a state, and totals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult, assemble_all
from binlj.builders.analysis.quality import quality
from binlj.builders.md.profiles import Profile
from binlj.builders.records.store import by_chain, usable_records
from binlj.builders.starts.kinds import STARTS
from binlj.grid import State


def table(store: Path, states: Sequence[State], profile: Profile) -> list[dict[str, Any]]:
    """One row for each of `states`, in order; states without records have zeros and no result.

    Keys: state_id, steps_mixed, steps_separated and so on for every start, n_eff, drift, start_gap,
    error_AA, error_AB, error_BB (as shares of the curve's maximum), phase, converged, reason, loop_seconds, atom_steps.
    """
    found = usable_records(store)
    records = found.records
    chains = by_chain(records)
    results: dict[str, StateResult] = {r.state.state_id: r for r in assemble_all(records)}
    rows = []
    for state in states:
        mine = {key: members for key, members in chains.items() if key[0] == state.state_id}

        def steps(start: str, mine: dict = mine) -> int:
            return max((m[-1].step_end for k, m in mine.items() if k[1] == start), default=0)

        result = results.get(state.state_id)
        row: dict[str, Any] = {
            "state_id": state.state_id,
            **{f"steps_{start}": steps(start) for start in STARTS},
            "n_eff": None,
            "drift": None,
            "start_gap": None,
            "error_AA": None,
            "error_AB": None,
            "error_BB": None,
            "phase": "",
            "converged": False,
            "needs_second_start": False,
            "reason": "not simulated yet",
            "loop_seconds": sum(r.loop_seconds for m in mine.values() for r in m),
            "atom_steps": sum(r.atom_steps for m in mine.values() for r in m),
        }
        if result is not None:
            error = dict(zip(("error_AA", "error_AB", "error_BB"), result.relative_error, strict=True))
            row |= {
                "n_eff": result.n_eff,
                "drift": result.drift,
                "start_gap": result.start_gap,
                **error,
                "phase": result.phase,
                "converged": result.converged,
                "reason": result.reason,
                "needs_second_start": quality(result).needs_second_start,
            }
        missing = [line for start in STARTS for line in found.gaps.get((state.state_id, start), ())]
        if missing:
            row |= {"converged": False, "reason": "; ".join(missing)}
        rows.append(row)
    return rows


def totals(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Counts and sums over the rows of :func:`table`."""
    simulated = [r for r in rows if any(r[f"steps_{start}"] for start in STARTS)]
    loop = sum(r["loop_seconds"] for r in rows)
    atom_steps = sum(r["atom_steps"] for r in rows)
    return {
        "states": len(rows),
        "simulated": len(simulated),
        "with_both_starts": sum(bool(r["steps_mixed"] and r["steps_separated"]) for r in rows),
        "second_start_wanted": sum(r["needs_second_start"] for r in rows),
        "homogeneous": sum(r["phase"] == "homogeneous" for r in rows),
        "demixed": sum(r["phase"] == "demixed" for r in rows),
        "solid-like": sum(r["phase"] == "solid-like" for r in rows),
        "converged": sum(r["converged"] for r in rows),
        "steps_simulated": sum(r[f"steps_{start}"] for r in rows for start in STARTS),
        "atom_steps": atom_steps,
        "core_hours_in_LAMMPS": round(loop / 3600, 2),
        "million_atom_steps_per_second": round(atom_steps / loop / 1e6, 2) if loop else None,
    }


def render(rows: Sequence[dict[str, Any]]) -> str:
    """The table as text; errors in per cent of the curve's maximum."""
    lines = [
        f"{'state':29s} {'mixed':>7s} {'separ.':>7s} {'satur.':>7s} {'supers.':>7s} {'sat. 2':>7s} {'sup. 2':>7s} "
        f"{'N_eff':>6s} {'drift':>6s} {'gap %':>6s} {'AA %':>6s} {'AB %':>6s} {'BB %':>6s} {'phase':12s} converged"
    ]

    def number(value: float | None, scale: float = 1.0, digits: int = 2) -> str:
        return f"{value * scale:.{digits}f}" if value is not None else "-"

    for r in rows:
        errors = " ".join(
            f"{number(r[name], 100):>6s}" for name in ("start_gap", "error_AA", "error_AB", "error_BB")
        )
        lines.append(
            f"{r['state_id']:29s} {' '.join(format(r[f'steps_{start}'], '7d') for start in STARTS)} "
            f"{number(r['n_eff'], digits=1):>6s} {number(r['drift']):>6s} {errors} {r['phase']:12s} "
            f"{'yes' if r['converged'] else 'no: ' + r['reason']}"
        )
    lines.append(
        f"drift: normal deviate, limit {criteria.DRIFT_LIMIT}; gap and errors in % of the curve's maximum"
    )
    return "\n".join(lines)
