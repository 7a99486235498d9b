"""What an experiment returns: rows of quantity, paper, ours; and the pictures it drew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from binlj.files import write_json, write_text
from binlj.markdown import markdown_table


@dataclass(frozen=True)
class Row:
    """One measured quantity; `paper` is None where the paper gives no number."""

    quantity: str
    ours: float
    spread: float | None = None
    paper: float | None = None
    digits: int = 3


@dataclass(frozen=True)
class Result:
    """An experiment's numbers and pictures.

    Attributes
    ----------
    title : str
    rows : list of Row
        Shown as quantity, paper, ours. Empty if `table` says it all.
    conditions : dict
        Everything needed to read the numbers: epochs, seeds, hardware; "data" is the line on the dataset at the top.
    pictures : list of Path
    notes : list of str
        Sentences under the table.
    table : str
        Ready Markdown table instead of, or after, the rows.
    details : dict
        More numbers for the JSON file.
    """

    title: str
    rows: list[Row] = field(default_factory=list)
    conditions: dict[str, Any] = field(default_factory=dict)
    pictures: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    table: str = ""
    details: dict[str, Any] = field(default_factory=dict)

    def markdown(self) -> str:
        """The result as Markdown."""
        conditions = dict(self.conditions)
        lines = [f"## {self.title}", ""]
        if "data" in conditions:
            lines += [conditions.pop("data"), ""]
        if self.rows:
            rows = [[r.quantity, "" if r.paper is None else f"{r.paper:g}", shown(asdict(r))] for r in self.rows]
            lines += [markdown_table(["", "paper", "here"], rows), ""]
        if self.table:
            lines += [self.table, ""]
        lines += [f"{note}\n" for note in self.notes]
        lines += [f"![{picture.stem}]({picture.name})" for picture in self.pictures]
        lines.append("Conditions: " + "; ".join(f"{k} {v}" for k, v in conditions.items()) + ".")
        return "\n".join(lines) + "\n"

    def write(self, name: str, folder: Path) -> str:
        """Write ``<name>.json`` and ``<name>.md``; return the Markdown."""
        text = self.markdown()
        write_text(folder / f"{name}.md", text)
        value = asdict(self)
        value["pictures"] = [p.name for p in self.pictures]
        write_json(folder / f"{name}.json", value)
        return text


def mean_row(quantity: str, values: list[float], *, paper: float | None = None, digits: int = 3) -> Row:
    """Mean over seeds and, if there are several, their standard deviation."""
    spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return Row(quantity, float(np.mean(values)), spread, paper, digits)


def r2(g: np.ndarray, predicted: np.ndarray) -> float:
    """1 - SS_res / SS_tot over all points."""
    return float(1 - ((predicted - g) ** 2).sum() / ((g - g.mean()) ** 2).sum())


def number(value: float | None) -> float:
    """A score; NaN where it is undefined."""
    return float("nan") if value is None else float(value)


def shown(row: Mapping[str, Any]) -> str:
    """Our value of a :class:`Row`, given as in its JSON, with its standard deviation."""
    text = f"{row['ours']:.{row['digits']}f}"
    return text if row["spread"] is None else f"{text} ± {row['spread']:.{row['digits']}f}"


def naive_title(name: str) -> str:
    """A naive baseline as rows name it."""
    return f"{name.replace('_', ' ')} (no training)"
