"""``binlj rdf``: g(r) of any mixture, as a table, a file or a picture; ``binlj explore``: the same as a page."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binlj.errors import InputError
from binlj.grid import parse_state_id

if TYPE_CHECKING:
    import pandas as pd

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("rdf")
@click.argument("state", required=False)
@click.option("--states", "table", type=FILE, help="CSV or parquet with columns T, C_B, S, eps_AB, instead of STATE.")
@click.option("--out", type=FILE, help="Write one row a state and pair as parquet, with 100 values of r, g and g_std.")
@click.option("--csv", "csv_file", type=FILE, help="Write the curves as CSV, one line a bin.")
@click.option("--plot", type=FILE, help="Draw the curves of STATE with their bands, as PNG, SVG or PDF.")
@click.option("--extrapolate", is_flag=True, help="Answer outside the dataset's ranges, too, by theory.")
def rdf_command(
    state: str | None, table: Path | None, out: Path | None, csv_file: Path | None, plot: Path | None, extrapolate: bool
) -> None:
    """Predict the RDFs of STATE, e.g. T0.7-C0.25-S1.25-E0.9, or of a table of states.

    Prints density, phase and neighbours of each state.
    """
    from binlj.structure import rdf_and_thermo, read_states

    if (state is None) == (table is None):
        problem = "needs a STATE or --states FILE" + ("" if state is None else ", not both")
        raise InputError("binlj rdf", [problem], fix="binlj rdf T0.7-C0.25-S1.25-E0.9")
    if plot is not None and state is None:
        raise InputError("--plot", ["draws one STATE"], fix="name the state instead of a table")
    asked = read_states(table) if table is not None else _one(state)
    curves, facts = rdf_and_thermo(asked, extrapolate=extrapolate)
    for row in facts.to_dict("records"):
        click.echo(_line(row))
    if out is not None:
        _write_parquet(curves, out)
    if csv_file is not None:
        _write_csv(curves, csv_file)
    if plot is not None:
        from binlj.structure_plot import write_plot

        write_plot(curves, facts.iloc[0], plot)


@click.command("explore")
@click.option(
    "--port", type=click.IntRange(1, 65535), default=7860, show_default=True, help="Where the page is served."
)
@click.option("--host", default="127.0.0.1", show_default=True, help="0.0.0.0 lets other machines in.")
@click.option("--share", is_flag=True, help="Also open a public address for a week, through a server of Gradio.")
@click.option("--browser/--no-browser", default=True, help="Open the page in the browser.")
def explore_command(port: int, host: str, share: bool, browser: bool) -> None:
    """Show the RDFs of any mixture in the browser, with four sliders. Ctrl-C ends it."""
    from binlj.explorer import serve

    serve(port=port, host=host, share=share, browser=browser)


def _one(text: str | None) -> pd.DataFrame:
    import pandas as pd

    point = parse_state_id(text or "", exact=False)
    return pd.DataFrame([{"T": point.T, "C_B": point.C_B, "S": point.S, "eps_AB": point.eps_AB}])


def _line(row: Mapping[Hashable, Any]) -> str:
    where = f"T*={row['T']:g} C_B={row['C_B']:g} S={row['S']:g} eps_AB={row['eps_AB']:g}"
    phase = f"{row['phase']} (p demixed {row['p_demixed']:.2f})"
    if row["phase"] == "demixed":
        phase += f", C_B {row['C_B_low']:.3g} and {row['C_B_high']:.3g}"
        phase += f", {row['geometry']}, B-rich share of V {row['fraction']:.2f}"
    neighbours = " ".join(f"n_{i}={row[f'n_{i}']:.2f}" for i in ("AA", "AB", "BA", "BB"))
    return f"{where}  density {row['density']:.4f}  energy {row['energy']:.3f}  {phase}  {neighbours}"


def _write_parquet(curves: pd.DataFrame, file: Path) -> None:
    from binlj.files import replacing

    with replacing(file) as temporary:
        curves.to_parquet(temporary, index=False)


def _write_csv(curves: pd.DataFrame, file: Path) -> None:
    from binlj.files import replacing
    from binlj.structure import csv_text

    with replacing(file) as temporary:
        temporary.write_text(csv_text(curves), encoding="utf-8")
