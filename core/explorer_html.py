"""What the explorer shows of one mixture, as HTML: phases, three curves, thermodynamics, the nearest simulations."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from binlj.grid import PRESSURE, State
from binlj.structure import INPUTS, csv_text
from binlj.structure_plot import COLOURS, Panel, nearest, panels

if TYPE_CHECKING:
    import pandas as pd

NAMES = {"T": "T*", "C_B": "C<sub>B</sub>", "S": "S", "eps_AB": "ε<sub>AB</sub>"}
DARK = {"AA": "#62b6d3", "AB": "#e8a05c", "BB": "#c793da"}  # the pairs' colours on a dark page
DASHES = ("none", "6 3", "1.5 3")  # of the nearest states, as in structure_plot
WIDTH, HEIGHT = 380, 270  # of a panel's drawing; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 52, 10, 12, 42
R_END = 10.0

# Colours and spacing come from Gradio's variables, dark mode included; the fonts are the system's, so none is fetched.
STYLE = (
    """<style>
.gradio-container { --font: system-ui, sans-serif; --font-mono: ui-monospace, monospace; }
.binlj { --soft: var(--border-color-primary); --dim: #5d6670; color: var(--body-text-color);
  font-size: 15px; line-height: 1.45; font-variant-numeric: tabular-nums; }
.dark .binlj { --dim: #9aa4af; }
#call { margin-bottom: -.8rem; }
.binlj.call { font-size: 1.15rem; margin: .3rem 0 0; }
.binlj .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 1rem; }
.binlj .row.two { grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); margin-top: 1.2rem; }
.binlj .row > * { min-width: 0; }
.binlj h2 { font-size: 1rem; font-weight: 600; margin: 0 0 .4rem; }
.binlj svg.panel { display: block; width: 100%; height: auto; touch-action: pan-y; }
.binlj svg text { fill: var(--body-text-color); font: 13px system-ui, sans-serif; }
.binlj svg .axis { stroke: var(--dim); fill: none; }
.binlj svg .one { stroke: var(--dim); stroke-dasharray: 1 3; }
.binlj .near { stroke: #8a9199; stroke-width: 1.2; fill: none; }
.binlj .mean { stroke-width: 2.2; fill: none; stroke-linejoin: round; }
.binlj .band { opacity: .25; }
.binlj .cross { stroke: var(--dim); visibility: hidden; }
.binlj .legend { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; margin: .4rem 0 0; font-size: .88rem; }
.binlj .legend svg, .binlj th svg { display: inline-block; width: 30px; height: 12px; vertical-align: -1px; }
.binlj .scroll { overflow-x: auto; }
.binlj table { border-collapse: collapse; width: 100%; font-size: .92rem; margin: 0; }
.binlj th, .binlj td { border: 0; border-bottom: 1px solid var(--soft); padding: .25rem .45rem; text-align: right;
  font-weight: 400; }
.binlj thead th { color: var(--dim); }
.binlj th:first-child, .binlj td:first-child { text-align: left; padding-left: 0; }
.binlj .nearest :is(th, td):last-child { text-align: left; }
.binlj .nearest tbody tr:first-child > * { font-weight: 600; }
.binlj table + table { margin-top: .9rem; }
.binlj .note { color: var(--dim); font-size: .85rem; margin: .4rem 0 0; }
.binlj .save { margin: 1.1rem 0 0; }
.binlj a { color: var(--link-text-color); text-decoration: underline; }
@media (max-width: 600px) { .binlj table { font-size: .85rem; } .binlj :is(th, td) { padding: .25rem .3rem; } }
.binlj :focus-visible { outline: 2px solid var(--link-text-color); outline-offset: 2px; }
"""
    + "".join(f".binlj .{pair} {{ --pair: {colour}; }}\n" for pair, colour in COLOURS.items())
    + "".join(f".dark .binlj .{pair} {{ --pair: {colour}; }}\n" for pair, colour in DARK.items())
    + ".binlj .mean { stroke: var(--pair, currentColor); } .binlj .band { fill: var(--pair, currentColor); }\n</style>"
)


def page(curves: pd.DataFrame, facts: pd.Series) -> str:
    """Everything about one mixture but the phase call.

    Parameters
    ----------
    curves : DataFrame
        Rows of :func:`binlj.rdf` for one state.
    facts : Series
        Its row of :func:`binlj.thermo`.
    """
    near = nearest(facts)
    pictures = "".join(svg(panel) for panel in panels(curves, near))
    return (
        f'<div class="binlj"><div class="row">{pictures}</div>{_legend()}'
        f'<div class="row two"><section><h2>Thermodynamics</h2>{thermodynamics(facts)}</section>'
        f"<section><h2>Nearest simulated states</h2>{neighbours(facts, near)}</section></div>"
        f'<p class="save">{download(curves, facts)}</p></div>'
    )


def phase_call(facts: pd.Series) -> str:
    """One or two phases, how probable that is, and the shape of the smaller one."""
    p = float(facts["p_demixed"])
    if facts["phase"] == "demixed":
        body, share = str(facts["geometry"]), float(facts["fraction"])
        side, share = ("A", 1.0 - share) if share > 0.5 else ("B", share)
        shape = f"the {side}-rich phase is a {body.removeprefix('A-')}, {100 * share:.0f} % of the volume"
        said = f"<b>Demixed</b> with probability {_share(p, 2)}: {shape}."
    else:
        said = f"<b>Homogeneous</b> with probability {_share(1.0 - p, 2)}."
    return f'<p class="binlj call">{said}</p>'


def _share(x: float, digits: int) -> str:
    """A probability or a fraction; never 0 or 1 by rounding."""
    last = 10.0**-digits
    if x < last / 2:
        return f"&lt; {last:.{digits}f}"
    return f"&gt; {1.0 - last:.{digits}f}" if x > 1.0 - last / 2 else f"{x:.{digits}f}"


def svg(panel: Panel) -> str:
    """The picture of one pair; `data-g` and `data-std` hold the values that the pointer reads."""
    x = LEFT + (WIDTH - LEFT - RIGHT) * panel.r / R_END
    low, high = np.maximum(panel.g - panel.std, 0.0), panel.g + panel.std
    outline = _points(np.concatenate([x, x[::-1]]), _y(panel, np.concatenate([high, low[::-1]])))
    near = "".join(
        f'<polyline class="near" stroke-dasharray="{dash}" points="{_points(x, _y(panel, other))}"/>'
        for other, dash in zip(panel.near, DASHES, strict=False)
    )
    peak = int(panel.g.argmax())
    label = f"g_{panel.pair}(r): highest value {panel.g[peak]:.2f} at r = {panel.r[peak]:.2f}"
    values = (
        f'data-{name}="{",".join(f"{v:.4g}" for v in row)}"' for name, row in (("g", panel.g), ("std", panel.std))
    )
    return (
        f'<svg class="panel {panel.pair}" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{label}"'
        f" {' '.join(values)}>"
        f'<clipPath id="inside-{panel.pair}"><rect x="{LEFT}" y="{TOP}" width="{WIDTH - LEFT - RIGHT}"'
        f' height="{HEIGHT - TOP - BOTTOM}"/></clipPath>{_axes(panel)}'
        f'<g clip-path="url(#inside-{panel.pair})">{near}<polygon class="band" points="{outline}"/>'
        f'<polyline class="mean" points="{_points(x, _y(panel, panel.g))}"/></g>'
        f'<line class="cross" x1="0" x2="0" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text class="read" x="{WIDTH - RIGHT - 6}" y="{TOP + 17}" text-anchor="end"></text></svg>'
    )


def _axes(panel: Panel) -> str:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    parts = [f'<line class="one" x1="{LEFT}" x2="{right}" y1="{_y(panel, 1.0):.1f}" y2="{_y(panel, 1.0):.1f}"/>']
    for r in range(0, round(R_END) + 1, 2):
        x = LEFT + (right - LEFT) * r / R_END
        parts.append(f'<path class="axis" d="M{x:.1f} {bottom}v4"/>')
        parts.append(f'<text x="{x:.1f}" y="{bottom + 17}" text-anchor="middle">{r}</text>')
    for g in ticks(panel.top):
        y = float(_y(panel, g))
        parts.append(f'<path class="axis" d="M{LEFT} {y:.1f}h-4"/>')
        parts.append(f'<text x="{LEFT - 7}" y="{y + 4.5:.1f}" text-anchor="end">{g:g}</text>')
    parts.append(f'<rect class="axis" x="{LEFT}" y="{TOP}" width="{right - LEFT}" height="{bottom - TOP}"/>')
    small = 'font-size="10" dy="3"'
    parts.append(
        f'<text x="{(LEFT + right) / 2}" y="{HEIGHT - 8}" text-anchor="middle">r / σ<tspan {small}>AA</tspan></text>'
        f'<text transform="translate(12 {(TOP + bottom) / 2}) rotate(-90)" text-anchor="middle">'
        f'g<tspan {small}>{panel.pair}</tspan><tspan dy="-3">(r)</tspan></text>'
    )
    return "".join(parts)


def ticks(top: float) -> list[float]:
    """Round numbers from 0 to `top`: four to eight steps of 1, 2 or 5 times a power of ten."""
    power = 10.0 ** np.floor(np.log10(top / 4.0))
    step = max(m * power for m in (1, 2, 5) if m * power <= top / 4.0 * (1 + 1e-9))
    return [round(float(step * i), 10) for i in range(int(top / step + 1e-9) + 1)]


def _y(panel: Panel, g: np.ndarray | float) -> np.ndarray:
    return np.asarray(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * np.asarray(g) / panel.top)


def _points(x: np.ndarray, y: np.ndarray) -> str:
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def _sample(dash: str) -> str:
    return (
        f'<svg viewBox="0 0 30 12" aria-hidden="true"><path class="near" stroke-dasharray="{dash}" d="M0 6h30"/></svg>'
    )


def _legend() -> str:
    line = '<svg viewBox="0 0 30 12" aria-hidden="true"><path class="mean" d="M0 6h30"/></svg>'
    band = '<svg viewBox="0 0 30 12" aria-hidden="true"><rect class="band" width="30" height="12"/></svg>'
    grey = "".join(_sample(dash) for dash in DASHES)
    entries = ((line, "predicted"), (band, "± one standard deviation"), (grey, "nearest simulated states"))
    return f'<p class="legend">{"".join(f"<span>{picture} {text}</span>" for picture, text in entries)}</p>'


def thermodynamics(facts: pd.Series) -> str:
    """Density, energy, the phases and the coordination numbers, as two tables."""
    rows: list[tuple[str, ...]] = [
        ("", "box"),
        ("Mole fraction of B", f"{facts['C_B']:g}"),
        ("Density ρ*", f"{facts['density']:.4f}"),
    ]
    if facts["phase"] == "demixed":
        rows = [
            (*rows[0], "A-rich phase", "B-rich phase"),
            (*rows[1], *(_share(facts[name], 3) for name in ("C_B_low", "C_B_high"))),
            (*rows[2], *(f"{facts[name]:.4f}" for name in ("density_low", "density_high"))),
            ("Share of the volume", "1", f"{1.0 - facts['fraction']:.3f}", f"{facts['fraction']:.3f}"),
        ]
    rows += [("Potential energy U*/N", _signed(facts["energy"])), ("Pressure P* (set)", f"{PRESSURE:g}")]
    around = [(f"around {i}", *(f"{facts[f'n_{i}{j}']:.2f}" for j in "AB")) for i in "AB"]
    return _table("thermo", rows) + _table("counts", [("Neighbours within 1.5 σ<sub>ij</sub>", "A", "B"), *around])


def _table(name: str, rows: Sequence[Sequence[str]]) -> str:
    """A table whose first row and first column are headings; short rows are filled up."""
    head, *body = ([*row, *[""] * (len(rows[0]) - len(row))] for row in rows)
    lines = "".join(
        f"<tr><th scope='row'>{first}</th>{''.join(f'<td>{cell}</td>' for cell in rest)}</tr>" for first, *rest in body
    )
    top = "".join(f"<th scope='col'>{text}</th>" if text else "<td></td>" for text in head)
    return f"<table class='{name}'><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table>"


def neighbours(facts: pd.Series, near: pd.DataFrame) -> str:
    """The mixture and the nearest published states, one row each."""
    known = _simulated().loc[near["state_id"].unique()]

    def cells(row: pd.Series) -> list[str]:
        numbers = [*(f"{row[name]:g}" for name in INPUTS), f"{row['density']:.3f}", _signed(row["energy"])]
        return [*numbers, str(row["phase"])]

    rows = [
        ("", *NAMES.values(), "ρ*", "U*/N", "phase"),
        ("predicted", *cells(facts)),
        *((_sample(dash), *cells(row)) for (_, row), dash in zip(known.iterrows(), DASHES, strict=False)),
    ]
    note = "Nearest by distance in the four parameters, in units of their ranges."
    if not known["converged"].all():
        open_ = ", ".join(known.index[~known["converged"]])
        note += f" Not converged: {open_}."
    return (
        "<div class='scroll' tabindex='0' role='region' aria-label='Nearest simulated states'>"
        f"{_table('nearest', rows)}</div><p class='note'>{note}</p>"
    )


@cache
def _simulated() -> pd.DataFrame:
    from binlj.data import read_table

    return read_table("states").set_index("state_id")


def _signed(x: float) -> str:
    return f"{x:.3f}".replace("-", "−")


def download(curves: pd.DataFrame, facts: pd.Series) -> str:
    """A link that holds the curves as CSV, and the call of :func:`binlj.rdf` that gives the same."""
    name = State(*(round(float(facts[n]), 3) for n in INPUTS)).state_id
    data = base64.b64encode(csv_text(curves).encode()).decode()
    call = ", ".join(f"{n}={facts[n]:g}" for n in INPUTS)
    return (
        f'<a class="csv" download="rdf-{name}.csv" href="data:text/csv;base64,{data}">Download the curves (CSV)</a>'
        f"<br><code>binlj.rdf({call})</code>"
    )
