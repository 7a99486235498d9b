"""Report on the solubility beside droplets (:mod:`binlj.builders.analysis.solubility`)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from binlj.builders.analysis.solubility import DILUTE, SIGMAS, Dissolved, families, flat, verdict
from binlj.builders.validation.output import COLOURS, new_figure, number
from binlj.data import data_line, read_table
from binlj.markdown import markdown_table

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def published(dataset: Path | None = None) -> list[list[Dissolved]]:
    """The families of a dataset, counted in its snapshots."""
    snapshots = {str(row.state_id): row for row in read_table("snapshots", path=dataset).itertuples()}
    return families(read_table("states", path=dataset).itertuples(), snapshots)


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
