"""Scores and comparisons as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from binlj.eval.aggregate import SUBSETS
from binlj.eval.comparison import Comparison
from binlj.eval.scores import Scores

_BREAKDOWNS = (("temperature", "T* = "), ("phase", "phase: "), ("converged", "converged: "))


def print_scores(scores: Scores, subject: str, console: Console | None = None) -> None:
    """Print R² with its interval first, then the rest, the breakdowns and the floors."""
    console = console or Console(highlight=False)
    console.print(Text(f"{subject} on the {scores.track} track"))
    states = f"{scores.n_states} states"
    if scores.n_states < scores.of_states:
        states = f"{scores.n_states} of {scores.of_states} states"
    console.print(Text(
        f"{scores.n_curves} RDFs of {states}, {scores.n_points} points; dataset "
        f"{scores.dataset_version} ({scores.dataset_sha256[:12]}), evaluator {scores.evaluator_version}"
    ))
    for warning in scores.warnings:
        console.print(Text(f"warning: {warning}"), style="yellow")
    console.print(_metric_table(scores))
    if scores.has_g_std:
        console.print(Text("[in brackets: what a well calibrated model gets]"))
    console.print(_breakdown_table(scores))
    if scores.floors:
        console.print(_floor_table(scores))
    b = scores.bootstrap
    console.print(Text(
        f"95 % intervals: {b['resamples']} bootstrap resamples over {b['n_units']} compositions, "
        f"seed {b['seed']}. Definitions: --json."
    ))


def print_comparison(result: Comparison, a: str, b: str, console: Console | None = None) -> None:
    """Print the paired differences of R² and of every other metric both submissions have."""
    console = console or Console(highlight=False)
    console.print(Text(f"A = {a}\nB = {b}\ntrack {result.track}, dataset {result.dataset_version}"))
    table = _table("A - B", "A", "B", "difference", "95 % interval", "verdict")
    for name, entry in result.metrics.items():
        for subset, row in entry["values"].items():
            title = f"{entry['title']}, {subset}"
            if name in ("noise_ceiling", "energy_resolution") or (name != "r2" and subset != "overall"):
                continue
            table.add_row(
                Text(title), *(_number(row[k]) for k in ("a", "b", "difference")), _bounds(row["ci95"]),
                Text(row["verdict"]),
            )
    console.print(table)
    console.print(Text("A tie: the interval of the paired difference contains 0."))


def _metric_table(scores: Scores) -> Table:
    table = _table("metric", *SUBSETS)
    for name, metric in scores.metrics.items():
        title = metric["title"] + (f" ({metric['unit']})" if metric["unit"] else "")
        if metric["target"] is not None:
            title += f" [{metric['target']:.3g}]"
        table.add_row(Text(title), *_cells(metric["values"]), style="bold" if name == "r2" else "")
        if name == "r2":
            table.add_row("   95 % interval", *(_bounds(metric["ci95"][s]) for s in SUBSETS))
    return table


def _breakdown_table(scores: Scores) -> Table:
    table = _table("R² by", *SUBSETS)
    for name, label in _BREAKDOWNS:
        for value, group in scores.by[name].items():
            text = Text(f"{label}{value} ({group['n_states']} states)")
            table.add_row(text, *_cells(group["metrics"]["r2"]))
        table.add_section()
    return table


def _floor_table(scores: Scores) -> Table:
    table = _table("R² of the floors", *SUBSETS)
    for name, values in scores.floors.items():
        table.add_row(Text(name), *_cells(values))
    table.add_row("this submission", *_cells(scores.r2), style="bold")
    return table


def _table(first: str, *columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold underline", padding=(0, 2, 0, 0))
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _cells(values: Mapping[str, Any]) -> list[str]:
    return [_number(values[s]) if s in values else "" for s in SUBSETS]


def _number(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.3e}"


def _bounds(bounds: list[float | None]) -> str:
    low, high = bounds
    if low is None or high is None:
        return "undefined"
    return f"{low:.3f}..{high:.3f}" if max(abs(low), abs(high)) < 1000 else f"{low:.1e}..{high:.1e}"
