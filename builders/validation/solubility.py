"""Solubility of B beside a droplet (C_B = 0.01) against that beside larger bodies of the same T*, S and eps_AB.

A droplet of 100 B particles may remember how it began: too many or too few of them may be dissolved in the A-rich
phase. The last configurations tell without any model. B particles within 1.5 sigma_BB of each other form clusters; the
largest is the B-rich phase, and all others are dissolved. Curvature raises the solubility: by Kelvin's equation,

    ln(x / x_flat) = 2 tension / (rho_B R T)

beside a sphere of radius R and half of it beside a cylinder, with the density rho_B of B and the tension of the B-rich
phase from PeTS and square-gradient theory (:mod:`binlj.theory.gibbs`). For so small a droplet it is an upper bound
rather than a value, so that the droplet should lie between x_flat and it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.validation.output import COLOURS, new_figure, number
from binlj.data import data_line, read_table
from binlj.grid import State, parse_state_id
from binlj.markdown import markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DILUTE = 0.01
REACH = 1.5  # sigma_BB within which two B particles belong together: beyond the first peak of g_BB
SIGMAS = 3.0


@dataclass(frozen=True)
class Dissolved:
    """B particles dissolved in the A-rich phase of one state.

    Attributes
    ----------
    state : State
    converged : bool
    dissolved, n_B, n_A : int
        B particles outside the largest cluster, all of them, and A particles outside the B-rich phase.
    curvature : float
        ln(x / x_flat) by Kelvin's equation; 0 for a slab.
    """

    state: State
    converged: bool
    dissolved: int
    n_B: int
    n_A: int
    curvature: float

    @property
    def x(self) -> float:
        """Mole fraction of B in the A-rich phase."""
        return self.dissolved / (self.dissolved + self.n_A)

    @property
    def stderr(self) -> float:
        """Its error, of independent particles; one particle's worth where none is dissolved."""
        return math.sqrt(max(self.dissolved, 1)) / (self.dissolved + self.n_A)


def largest_cluster(positions: np.ndarray, *, length: float, reach: float) -> int:
    """Size of the largest cluster of particles in a periodic cube.

    Parameters
    ----------
    positions : ndarray, shape (n, 3)
    length : float
        Edge of the cube.
    reach : float
        Distance within which two particles belong together.
    """
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    n = len(positions)
    inside = np.mod(positions, length)
    inside[inside >= length] = 0.0  # by rounding
    pairs = cKDTree(inside, boxsize=length).query_pairs(reach, output_type="ndarray")
    graph = coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(n, n))
    return int(np.bincount(connected_components(graph, directed=False)[1]).max())


def dissolved(state: State, snapshot: Any, *, converged: bool, geometry: str) -> Dissolved:
    """Count a state's dissolved particles in its last configuration.

    Parameters
    ----------
    snapshot : row of ``snapshots``
    geometry : str
        Of the published start: ``sphere``, ``cylinder`` or another.
    """
    from binlj.theory.gibbs import binodal, gibbs_curve, tension

    length, types = float(snapshot.box_length), np.asarray(snapshot.types)
    positions = (np.asarray(snapshot.positions, dtype=float).reshape(-1, 3) + 32768.0) / 65536.0 * length
    n_b = int((types == 1).sum())
    body = largest_cluster(positions[types == 1], length=length, reach=REACH * state.S)
    matrix = largest_cluster(positions[types == 0], length=length, reach=REACH)
    curve = gibbs_curve(state.T, state.S, state.eps_AB)
    phases = None if curve is None else binodal(curve)
    curvature = math.nan
    if curve is not None and phases is not None:
        rho = float(curve.rho(phases[1])) * phases[1]
        volume, gamma = body / rho, tension(curve, *phases)
        shape = geometry.split("+")[0]
        if shape == "sphere":
            curvature = 2.0 * gamma / (rho * state.T * (3.0 * volume / (4.0 * math.pi)) ** (1.0 / 3.0))
        elif shape == "cylinder":
            curvature = gamma / (rho * state.T * math.sqrt(volume / (math.pi * length)))
        else:
            curvature = 0.0
    return Dissolved(state, converged, n_b - body, n_b, matrix, curvature)


def families(dataset: Path | None = None) -> list[list[Dissolved]]:
    """Of each T*, S and eps_AB with a droplet and larger bodies: the demixed states, the droplet first."""
    rows, last = (
        {str(row.state_id): row for row in read_table(config, path=dataset).itertuples()}
        for config in ("states", "snapshots")
    )
    groups: dict[tuple[float, float, float], list[State]] = {}
    for state in (parse_state_id(name) for name, row in rows.items() if row.phase == "demixed"):
        groups.setdefault((state.T, state.S, state.eps_AB), []).append(state)
    return [
        [_of_row(s, rows[s.state_id], last[s.state_id]) for s in sorted(members)]
        for _, members in sorted(groups.items())
        if len(members) > 1 and min(members).C_B == DILUTE
    ]


def _of_row(state: State, row: Any, snapshot: Any) -> Dissolved:
    return dissolved(state, snapshot, converged=bool(row.converged), geometry=str(row.geometry))


def flat(larger: Sequence[Dissolved]) -> tuple[float, float]:
    """Solubility beside a flat interface and its error, from the converged larger bodies; NaN without any.

    Each count is divided by what Kelvin's equation says of its body.
    """
    used = [d for d in larger if d.converged and math.isfinite(d.curvature)]
    weight = sum((d.n_A + d.dissolved) * math.exp(d.curvature) for d in used)
    count = sum(d.dissolved for d in used)
    return (count / weight, math.sqrt(max(count, 1)) / weight) if used else (math.nan, math.nan)


def verdict(family: Sequence[Dissolved]) -> str:
    """How the droplet's solubility compares with the bounds: ``too low``, ``too high`` or empty."""
    droplet, (x, error) = family[0], flat(family[1:])
    if not (math.isfinite(x) and math.isfinite(droplet.curvature)):
        return ""
    factor = math.exp(droplet.curvature)
    if droplet.x < x - SIGMAS * math.hypot(droplet.stderr, error):
        return "too low"
    return "too high" if droplet.x > x * factor + SIGMAS * math.hypot(droplet.stderr, error * factor) else ""


def report(found: Sequence[Sequence[Dissolved]], dataset: Path | None = None) -> tuple[str, dict[str, Any]]:
    """The report as Markdown, and its numbers."""
    rows, data = [], []
    for family in found:
        droplet, (x, error) = family[0], flat(family[1:])
        said = verdict(family)
        upper = x * math.exp(droplet.curvature)
        data.append({
            "state_id": droplet.state.state_id, "converged": droplet.converged, "dissolved": droplet.dissolved,
            "x": droplet.x, "x_stderr": droplet.stderr, "x_flat": x, "x_flat_stderr": error, "x_kelvin": upper,
            "verdict": said,
            "larger": [{"state_id": d.state.state_id, "dissolved": d.dissolved, "x": d.x} for d in family[1:]],
        })  # fmt: skip
        if not any(d.dissolved for d in family):
            continue
        name = droplet.state.state_id + ("" if droplet.converged else " (not converged)")
        pair = (f"{number(100 * v, 3)} ± {number(100 * e, 3)}" for v, e in ((droplet.x, droplet.stderr), (x, error)))
        rows.append([name, f"{droplet.dissolved} of {droplet.n_B}", *pair, number(100 * upper, 3), said or "within"])
    outside = [d for d in data if d["verdict"]]
    text = f"""# Solubility beside droplets

{data_line(dataset)} One configuration of each state: the published snapshot.

{len(data)} droplets (C_B = {DILUTE:g}) have larger bodies of the same T\\*, S and ε_AB beside them. In
{len(data) - len(rows)} of these families no particle is dissolved anywhere. In the others the droplet's solubility
should lie between that beside a flat interface and Kelvin's value: {len(outside)} of {len(rows)} lie outside by more
than {SIGMAS:g} standard errors.

{markdown_table(
    ["droplet", "B dissolved", "x, %", "beside a flat interface, %", "Kelvin, %", "verdict"], rows
)}

Errors are those of the number of particles. Kelvin's equation uses the tension of a flat interface; for droplets of 100
particles it is an upper bound."""
    return text, {"families": data}


def draw(found: Sequence[Sequence[Dissolved]]) -> Figure:
    """Solubility beside each droplet with its bounds."""
    shown = [family for family in found if any(d.dissolved for d in family)]
    figure = new_figure(7.0, 0.34 * max(len(shown), 3) + 1.2)
    axes = figure.subplots()
    for y, family in enumerate(shown):
        droplet, (x, _) = family[0], flat(family[1:])
        lowest = 1.0 / (droplet.n_A + 1)  # one particle
        bounds = [max(x, lowest), max(x * math.exp(droplet.curvature), 1.1 * lowest)]
        axes.plot([100 * b for b in bounds], [y, y], color="0.75", lw=6, solid_capstyle="butt")
        bar = [[100 * min(droplet.stderr, max(droplet.x - lowest, 0.0))], [100 * droplet.stderr]]
        axes.errorbar(100 * max(droplet.x, lowest), y, xerr=bar, fmt="o", color=COLOURS["demixed"], ms=4)
    axes.set_xscale("log")
    axes.set_yticks(range(len(shown)), [family[0].state.state_id for family in shown], fontsize=7)
    axes.invert_yaxis()
    axes.set_xlabel("B dissolved in the A-rich phase, mole %")
    axes.set_title("dots: beside the droplet; bars: from a flat interface to Kelvin's equation", fontsize=8)
    return figure
