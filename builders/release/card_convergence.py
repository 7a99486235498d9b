"""What the dataset card says of starts, phases and convergence."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import THIN_SLAB
from binlj.builders.analysis.reconcile import NOISY, PHASES
from binlj.builders.analysis.small_simulations import still_mixing
from binlj.builders.starts.coexistence_table import APART, start_phases
from binlj.builders.starts.geometry import CYLINDER_BELOW, SPHERE_BELOW, enclosed, next_surface
from binlj.builders.starts.kinds import SEEDED, SHAPES
from binlj.grid import State, parse_state_id
from binlj.markdown import markdown_table, percent
from binlj.offgrid import offgrid

if TYPE_CHECKING:
    import pandas as pd


def exchange_text(states: pd.DataFrame) -> str:
    """The paragraph on identity exchange; empty where no state was made with it."""
    made = states.loc[_exchanged(states)]
    if made.empty:
        return ""
    low, high = made.exchanges.min(), made.exchanges.max()
    tries = f"{low}" if low == high else f"{low} to {high}"
    return f"""**Identity exchange.** An A and a B particle can exchange their species: a Monte Carlo step at fixed
positions that samples the same ensemble and needs no diffusion. Particles of equal size often do. Particles of
different size find room for each other more rarely. Where S is far from 1, or T\\* is low, hardly any exchange is
accepted, and the test is not available. {len(made)} states are published from two starts with exchange, {tries}
tries per particle between two frames (column `exchanges`), and {int(made.converged.sum())} of them have
converged. Plain runs of these states are not used, because some of them remember how they began;
`docs/validation/exchange.md` in the repository compares both. Exchange dissolved droplets at C_B = 0.01 that
plain runs had kept. A dilute droplet of a state without exchange may therefore be metastable.

"""


def offgrid_text(states: pd.DataFrame | None) -> str:
    """How far the off-grid states have come."""
    if states is None:
        return "This copy of the dataset does not include them."
    n, steps = len(states), states.production_steps
    numbers = {phase: states.converged[states.phase == phase] for phase in PHASES}
    phases = markdown_table(
        ["phase", "states", "converged"], [[name, str(len(c)), str(int(c.sum()))] for name, c in numbers.items()]
    )
    reasons = _reasons(states)
    table = "\n\n" + reasons if reasons else ""
    missing = len(offgrid()) - n
    partial = f" **INCOMPLETE: {missing} states are missing.**" if missing else ""
    return (
        f"{int(states.converged.sum())} of {n} off-grid states are converged.{partial} They have between "
        f"{steps.min():,} and {steps.max():,} production steps (median {int(steps.median()):,}) and "
        f"{states.atom_steps.sum():.3g} atom-steps in all.\n\n{phases}{table}"
    )


def convergence_values(states: pd.DataFrame) -> dict[str, str]:
    """How many states have converged, why the others have not, and how far two starts agree."""
    done, n = int(states.converged.sum()), len(states)
    both = states.start_gap.notna()
    gaps = ""
    if both.any():
        gap = states[both].set_index("state_id").start_gap
        gaps = (
            f" Two starts or more were run for {int(both.sum())} states. Their difference, noise removed, is "
            f"{percent(gap.median())} of the curve's maximum (median) and {percent(gap.max())} at worst "
            f"(`{gap.idxmax()}`)."
        )
    starts = ", ".join(f"{name} {number}" for name, number in sorted(Counter(states.start).items()))
    phases = [
        f"| {phase} | {int((states.phase == phase).sum())} | "
        f"{int(((states.phase == phase) & states.converged).sum())} |"
        for phase in PHASES
    ]
    return {
        "converged_text": f"{done} of {n} states ({percent(done / n, 3)}) meet every criterion.{gaps} "
        f"Published starts: {starts}.",
        "reason_rows": _reasons(states),
        "n_pure": str(sum(_pure(parse_state_id(state_id)) for state_id in states.state_id[both])),
        "pure_below": percent(criteria.PURE_PHASE),
        "n_one_sided": str(sum(still_mixing(parse_state_id(state_id)) for state_id in states.state_id)),
        "n_twins": str(sum(
            _twins(parse_state_id(state_id), start, other)
            for state_id, start, other in states.loc[
                states.converged & both, ["state_id", "start", "compared_with"]
            ].to_numpy()
        )),
        "twins_within": f"{APART:g}",
        "n_from_pure": str(sum(
            {*start.split("+"), other} == {"separated", "saturated"}
            for start, other in states.loc[
                states.converged & both & ~_exchanged(states), ["start", "compared_with"]
            ].to_numpy()
        )),
        "phase_rows": "\n".join(phases),
    }


def _reasons(states: pd.DataFrame) -> str:
    """Table of the criteria that states which have not converged miss; empty if there are none."""
    counts: Counter[str] = Counter()
    for reason in states.reason[~states.converged]:
        counts.update({_kind(part) for part in str(reason).split("; ")})
    rows = [[kind, str(count)] for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    return markdown_table(["criterion not met (a state may miss several)", "states"], rows) if rows else ""


def _exchanged(states: pd.DataFrame) -> pd.Series:
    """Which states ran with identity exchange; none in versions that have no such column."""
    return states.exchanges > 0 if "exchanges" in states else states.converged & False


def _pure(state: State) -> bool:
    """Whether the start from the pure side is as good as a separated one."""
    phases = start_phases(state, "saturated")
    return phases is not None and phases[0] < criteria.PURE_PHASE and phases[1] > 1 - criteria.PURE_PHASE


def _twins(state: State, start: str, compared_with: str) -> bool:
    """Whether the start that the published one was compared with began with the same phases, or nearly."""
    other = next((name for name in start.split("+") if name != compared_with), "")
    if not {other, compared_with} <= set(SEEDED):
        return False
    one, two = start_phases(state, other), start_phases(state, compared_with)
    return one is not None and two is not None and max(abs(a - b) for a, b in zip(one, two, strict=True)) < APART


def geometry_values(states: pd.DataFrame) -> dict[str, str]:
    """Which geometries the published starts had, and where another one would have served as well."""
    numbers: Counter[str] = Counter()
    close: Counter[tuple[str, float, float]] = Counter()
    for state_id, start_text, geometry_text in zip(states.state_id, states.start, states.geometry, strict=True):
        state = parse_state_id(state_id)
        shapes = dict(zip(start_text.split("+"), geometry_text.split("+"), strict=True))
        numbers.update(set(shapes.values()))
        taken = {
            shape for start, shape in shapes.items()
            if start != "mixed" and next_surface(enclosed(state, start)) < 1 + criteria.CLOSE_SURFACE
        }  # fmt: skip
        close.update((shape, state.C_B, state.S) for shape in taken)
    listed = ", ".join(
        f"{shape} at C_B = {c:g}, S = {s:g} ({n})" for (shape, c, s), n in sorted(close.items())
    )
    return {
        "shapes": ", ".join(f"{shape} {numbers[shape]}" for shape in SHAPES if numbers[shape]),
        "thin_slabs": str(int(states.reason.str.contains(THIN_SLAB, regex=False).sum())),
        "close": percent(criteria.CLOSE_SURFACE),
        "close_shapes": listed or "none",
        "sphere_below": percent(SPHERE_BELOW, 3),
        "cylinder_below": percent(CYLINDER_BELOW, 3),
    }


def _kind(reason: str) -> str:
    """A reason without its numbers, so that equal kinds can be counted."""
    for start, kind in (
        ("error of AA", "standard error of AA"),
        ("error of AB", "standard error of AB"),
        ("error of BB", "standard error of BB"),
        (NOISY, "errors too large to compare two starts"),
        ("start gap", "the two starts differ"),
        ("not equilibrated", "equilibration not established"),
        ("pressure from", "pressure from g(r)"),
        ("energy from", "energy from g(r)"),
        (THIN_SLAB, "a slab where another body has less surface"),
        ("solubility beside", "solubility beside a droplet contradicts larger bodies"),
    ):
        if reason.startswith(start):
            return kind
    if "production steps" in reason:
        return "production steps"
    if "crystallises" in reason:
        return "a crystal still grows"
    if " drifts" in reason:
        return "drift"
    return "second start not run" if "has not been run" in reason else reason
