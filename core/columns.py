"""What every column of the dataset means, and its unit: one table for the card, Croissant and the site.

Units are reduced: energies in epsilon = epsilon_AA = epsilon_BB, lengths in sigma = sigma_AA.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from binlj.grid import PAIRS


class Column(NamedTuple):
    """Unit ("" for text and flags, "1" for pure numbers) and definition."""

    unit: str
    text: str


_STDERR = "Standard error of `{}` within the published runs; empty below four frames"
_ROUTE = (
    "from the three `fine` g(r). Within a bin, g is taken as exp(−u/T*) times a cavity function whose logarithmic "
    "slope is fitted over nine bins"
)
COLUMNS = {
    "state_id": Column("", "Identifier of the state point, e.g. T0.60-C0.010-S1.50-E0.20"),
    "T": Column("1", "Reduced temperature T* = k_B T / ε"),
    "C_B": Column("1", "Mole fraction of B, N_B / N"),
    "S": Column("1", "Size ratio σ_BB / σ_AA"),
    "eps_AB": Column("1", "Cross-interaction energy ε_AB / ε"),
    "pair": Column("", "Pair of species: 0, 1, 2 for AA, AB, BB"),
    "r": Column("σ", "Bin centres"),
    "g": Column("1", "Radial distribution function: pairs found over pairs expected of N_i (N_j − δ_ij) ideal pairs"),
    "g_stderr": Column("1", "Standard error of g; errors of neighbouring bins are correlated"),
    "n_A": Column("1", "Number of A particles"),
    "n_B": Column("1", "Number of B particles"),
    "density": Column("σ⁻³", "Number density N / V of all particles, mean over frames"),
    "density_stderr": Column("σ⁻³", _STDERR.format("density")),
    "energy": Column("ε", "Potential energy per particle, potential truncated and shifted; mean over frames"),
    "energy_stderr": Column("ε", _STDERR.format("energy")),
    "pressure": Column("ε σ⁻³", "Pressure by LAMMPS, mean over frames; the barostat is set to 1"),
    "pressure_stderr": Column("ε σ⁻³", _STDERR.format("pressure")),
    "energy_from_rdf": Column("ε", f"Potential energy per particle {_ROUTE}"),
    "pressure_from_rdf": Column("ε σ⁻³", "Virial pressure, computed in the same way as `energy_from_rdf`"),
    "density_pets": Column(
        "σ⁻³", "Density of the homogeneous mixture by the PeTS equation of state; empty where it has no solution"
    ),
    "n_eff": Column(
        "1",
        "Effectively independent frames: frames over statistical inefficiency, the smallest of density, energy and "
        "AB coordination",
    ),
    "drift": Column(
        "1",
        "Difference between the halves of a published run as a z-score: the largest of energy, density and AB "
        "coordination over all runs",
    ),
    "equilibration_steps": Column("MD steps", "Steps discarded at the beginning of a published run, the largest"),
    "production_steps": Column("MD steps", "Steps that g is averaged over, summed over the published runs"),
    "start": Column("", "Published start; two that agree are averaged and joined by a plus sign"),
    "geometry": Column(
        "",
        "Initial shape: mixed, slab, cylinder or sphere of the B-rich phase, A-cylinder or A-sphere of the A-rich one; "
        "one for each start, joined likewise",
    ),
    "start_gap": Column(
        "1",
        "Rms difference of g between two starts over 0.9–5 σ, its standard error taken out, as a fraction of the "
        "curve's maximum; the largest of the three pairs. Empty where one start was run",
    ),
    "start_gap_stderr": Column(
        "1",
        "Standard error of `start_gap`: the rms combined standard error of the two curves that was taken out. Since "
        "2.0.0",
    ),
    "start_pairs": Column(
        "1",
        "Pairs of starts that were compared. A new start is compared with the earlier ones, and the search ends when "
        "two agree, so a larger number is a weaker test. 0 where one start was run. Since 2.0.0",
    ),
    "exchanges": Column(
        "1",
        "Exchanges of identities of A and B tried per particle between two frames; 0: plain dynamics. Since 2.0.0",
    ),
    "compared_with": Column(
        "", "The start that `start_gap` compares with (of two published together, the later one); may be empty"
    ),
    "phase": Column("", "homogeneous, demixed or solid-like"),
    "composition_fluctuation": Column(
        "1",
        "Variance of the composition of cells of about 50 particles over that of random labels (1: random), mean over "
        "the last frames of the published segments",
    ),
    "solid_fraction": Column(
        "1", "Fraction of particles that are solid-like among their own species (ten Wolde), mean over the same frames"
    ),
    **{
        f"g_relative_error_{pair}": Column(
            "1", f"Rms of `g_stderr` of {pair} over 0.9–5 σ as a fraction of the curve's maximum"
        )
        for pair in PAIRS
    },
    "converged": Column("", "Whether the state meets every criterion of the dataset card"),
    "reason": Column("", "The criteria that it does not meet; empty if converged"),
    "engine": Column("", "LAMMPS versions of all runs of the state"),
    "deck_sha256": Column("", "SHA-256 of the LAMMPS input scripts"),
    "seeds": Column("", "Random seeds of the published runs"),
    "atom_steps": Column("1", "Particles times MD steps of all runs of the state, published or not"),
    "step": Column("MD steps", "Steps since the start of the run"),
    "box_length": Column("σ", "Edge of the cubic periodic box"),
    "types": Column("", "Species of each particle: 0 for A, 1 for B"),
    "positions": Column("", "x0 y0 z0 x1 …; coordinate = box_length (value + 32768) / 65536"),
}


def column_table(names: Iterable[str]) -> str:
    """Markdown table of some columns: name, unit, definition."""
    rows = ["| column | unit | definition |", "|---|---|---|"]
    for name in names:
        unit, text = COLUMNS[name]
        rows.append(f"| `{name}` | {unit} | {text} |".replace("T*", "T\\*"))
    return "\n".join(rows)
