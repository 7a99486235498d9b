"""Output of the reports: a Markdown text, its numbers as JSON, and a picture."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.data import data_line, read_table
from binlj.errors import DataError
from binlj.files import replacing, write_json, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = {"homogeneous": "#3182bd", "demixed": "#e6550d", "solid-like": "#31a354"}
PAIR_COLOURS = {"AA": "#3182bd", "AB": "#31a354", "BB": "#e6550d"}


def number(value: float | None, digits: int = 2, *, sign: bool = False, scale: float = 1.0) -> str:
    """A number for a table; a dash where there is none."""
    if value is None or not math.isfinite(value):
        return "–"
    return f"{value * scale:{'+' if sign else ''},.{digits}f}"


def store_line(what: str) -> str:
    """What a report made from a campaign's store says: these are not the published data, which may rest on less.

    Parameters
    ----------
    what : str
        What was read, e.g. "records of the store (12 segments)".
    """
    states = read_table("states")
    return (
        f"Made from the {what}, as it was at this time. The published version may rest on less: {data_line()} "
        f"There {int(states.converged.sum())} of {len(states)} states count as converged."
    )


def plain(value: Any) -> Any:
    """The same value in what JSON knows: lists, text, numbers; None for what is not finite."""
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        return plain(value.item())
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, str | int):
        return value
    return None if value != value else str(value)  # pandas' own missing value


def write_report(out: Path, name: str, *, text: str, data: Any, figure: Figure | None = None) -> list[Path]:
    """Write ``<name>.md``, ``<name>.json`` and, with a figure, ``<name>.png`` under `out`.

    Raises
    ------
    DataError
        If `out` is a file, or cannot be made.
    """
    files = [out / f"{name}.md", out / f"{name}.json"]
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise DataError(out, [error.strerror or str(error)], fix="give another --out") from error
    write_text(files[0], text.rstrip() + "\n")
    write_json(files[1], plain(data))
    if figure is not None:
        files.append(out / f"{name}.png")
        with replacing(files[-1]) as temporary:
            figure.savefig(temporary, dpi=130, format="png")
        figure.clear()
    return files


def new_figure(width: float, height: float) -> Figure:
    """An empty figure that needs no display."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure
