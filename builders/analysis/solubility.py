"""Solubility of B beside a droplet (C_B = 0.01) against that beside larger bodies of the same T*, S and eps_AB.

A droplet of 100 B particles may remember how it began: too many or too few of them may be dissolved in the A-rich
phase. The last configurations tell without any model. B particles within 1.5 sigma_BB of each other form clusters; the
largest is the B-rich phase, and all others are dissolved. Curvature raises the solubility: by Kelvin's equation,

    ln(x / x_flat) = 2 tension / (rho_B R T)

beside a sphere of radius R and half of it beside a cylinder, with the density rho_B of B and the tension of the B-rich
phase from PeTS and square-gradient theory (:mod:`binlj.theory.gibbs`). For so small a droplet it is an upper bound
rather than a value, so that the droplet should lie between x_flat and it. From version 2.0.0 of the dataset on, a
droplet outside by more than three standard errors is not published as converged.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from binlj.builders.records.configuration import Configuration, pairs_within
from binlj.grid import State, parse_state_id

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

    n, pairs = len(positions), pairs_within(positions, length=length, reach=reach)
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
    positions = Configuration(0, length, types, np.asarray(snapshot.positions).reshape(-1, 3)).coordinates()
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


def families(states: Iterable[Any], snapshots: Mapping[str, Any]) -> list[list[Dissolved]]:
    """Of each T*, S and eps_AB with a droplet and larger bodies: the demixed states, the droplet first.

    Parameters
    ----------
    states : iterable of rows of ``states``
        With ``state_id``, ``phase``, ``geometry`` and ``converged``.
    snapshots : mapping
        State id -> its row of ``snapshots``. Families with a state that has none are left out.
    """
    rows = {str(row.state_id): row for row in states}
    groups: dict[tuple[float, float, float], list[State]] = {}
    for state in (parse_state_id(name) for name, row in rows.items() if row.phase == "demixed"):
        groups.setdefault((state.T, state.S, state.eps_AB), []).append(state)
    return [
        [_of_row(s, rows[s.state_id], snapshots[s.state_id]) for s in sorted(members)]
        for _, members in sorted(groups.items())
        if len(members) > 1 and min(members).C_B == DILUTE and all(s.state_id in snapshots for s in members)
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


def contradictions(found: Iterable[Sequence[Dissolved]]) -> dict[str, str]:
    """State id of each droplet outside its bounds -> a few words on it."""
    said = {}
    for family in found:
        if wrong := verdict(family):
            droplet, x = family[0], flat(family[1:])[0]
            said[droplet.state.state_id] = (
                f"solubility beside the droplet {wrong}: {100 * droplet.x:.2g} %, beside larger bodies {100 * x:.2g} %"
            )
    return said
