"""Scores and comparisons as tables on the terminal."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from binlj.eval.aggregate import SUBSETS
from binlj.eval.comparison import Comparison
from binlj.eval.scores import Scores
from binlj.schema import track_name

_WIDTH = 110
_CEILINGS = ("skill_ceiling", "noise_ceiling", "energy_resolution")  # the same for every submission


def print_scores(scores: Scores, subject: str, console: Console | None = None) -> None:
    """Print skill and R² with their intervals first, then the rest, the naive baselines and the breakdowns."""
    console = console or Console(highlight=False)
    console.print(Text(f"{subject} on the {scores.track} track"))
    states = f"{scores.n_states} states"
    if scores.n_states < scores.of_states:
        states = f"{scores.n_states} of {scores.of_states} states"
    console.print(Text(
        f"{scores.n_curves} RDFs of {states}, {scores.n_points} points; dataset "
        f"{scores.dataset_version} ({scores.track_sha256[:12]}), evaluator {scores.evaluator_version}"
    ))
    for warning in scores.warnings:
        console.print(Text(f"warning: {warning}"), style="yellow")
    console.print(_metric_table(scores))
    if scores.has_g_std:
        console.print(Text("[in brackets: what a well calibrated model gets]"))
    console.print(_breakdown_table(scores))
    if scores.naive_r2:
        console.print(_naive_table(scores))
    b = scores.bootstrap
    console.print(Text(
        f"95 % intervals: {b['resamples']} bootstrap resamples over {b['n_units']} mixtures (C_B, S, eps_AB), "
        f"seed {b['seed']}. Definitions: --json."
    ))


def scores_text(scores: Scores, subject: str = "predictions") -> str:
    """What :func:`print_scores` prints, without colours."""
    console = Console(file=io.StringIO(), highlight=False, width=_WIDTH, force_jupyter=False)
    print_scores(scores, subject, console)
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return "\n".join(line.rstrip() for line in text.splitlines())


def scores_html(scores: Scores, subject: str = "predictions") -> str:
    """The same as HTML, for notebooks."""
    # Without force_jupyter a notebook would also show every table by itself.
    console = Console(file=io.StringIO(), highlight=False, width=_WIDTH, record=True, force_jupyter=False)
    print_scores(scores, subject, console)
    return console.export_html(inline_styles=True, code_format="<pre>{code}</pre>")


def print_comparison(
    result: Comparison, a: str, b: str, console: Console | None = None, *, metric: str = "skill"
) -> None:
    """Print the paired differences: of `metric` by pair first, overall of every other both submissions have."""
    console = console or Console(highlight=False)
    console.print(Text(f"A = {a}\nB = {b}\ntrack {result.track}, dataset {result.dataset_version}"))
    console.print(Text(f"over {result.n_scored_states} converged states"))
    table = _table("A - B", "A", "B", "difference", "95 % interval", "verdict")
    for name in sorted(result.metrics, key=lambda name: name != metric):
        entry = result.metrics[name]
        for subset, row in entry["values"].items():
            title = f"{entry['title']}, {subset}"
            if name in _CEILINGS or (name not in (metric, "r2") and subset != "overall"):
                continue
            table.add_row(
                Text(title), *(_number(row[k]) for k in ("a", "b", "difference")), _bounds(row["ci95"]),
                Text(row["verdict"]), style="bold" if name == metric else "",
            )
    console.print(table)
    console.print(Text("A tie: the interval of the paired difference contains 0."))


def _metric_table(scores: Scores) -> Table:
    table = _table("metric", *SUBSETS)
    table.title, table.title_justify = _scored(scores), "left"
    for name, metric in scores.metrics.items():
        title = metric["title"] + (f" ({metric['unit']})" if metric["unit"] else "")
        if metric["target"] is not None:
            title += f" [{metric['target']:.3g}]"
        table.add_row(Text(title), *_cells(metric["values"]), style="bold" if name in ("skill", "r2") else "")
        if name in ("skill", "r2"):
            table.add_row("   95 % interval", *(_bounds(metric["ci95"][s]) for s in SUBSETS))
    return table


def _breakdown_table(scores: Scores) -> Table:
    table = _skill_and_r2(f"by, {_scored(scores)}")
    near = "nearest T*: " if track_name(scores.track) == "offgrid" else "T* = "
    labels = {"temperature": near, "phase": "phase: "}
    rows = [(f"{label}{value}", group) for name, label in labels.items() for value, group in scores.by[name].items()]
    if unsettled := scores.by["converged"].get("no"):
        rows += [("not converged", unsettled)]
    for text, group in [*rows, ("all states", scores.by["states"]["all"])]:
        values = group["metrics"]
        table.add_row(Text(f"{text} ({group['n_states']})"), *_short(values["skill"]), *_short(values["r2"]))
    return table


def _naive_table(scores: Scores) -> Table:
    table = _skill_and_r2(f"naive baselines, {_scored(scores)}")
    for name, values in scores.naive_r2.items():
        table.add_row(Text(name), *_short(scores.naive_skill[name]), *_short(values))
    table.add_row("this submission", *_short(scores.skill), *_short(scores.r2), style="bold")
    return table


def _scored(scores: Scores) -> str:
    return f"over {scores.n_scored_states} converged states of {scores.n_states} predicted"


def _skill_and_r2(title: str) -> Table:
    table = _table("", *(f"{what}\n{s}" for what in ("skill", "R²") for s in ("AA", "AB", "BB", "all")), gap=1)
    table.columns[0].no_wrap = True
    table.title, table.title_justify = title, "left"
    return table


def _table(first: str, *columns: str, gap: int = 2) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold underline", padding=(0, gap, 0, 0))
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _cells(values: Mapping[str, Any]) -> list[str]:
    return [_number(values[s]) if s in values else "" for s in SUBSETS]


def _short(values: Mapping[str, Any]) -> list[str]:
    """Cells of the wide tables: three decimals, or three digits."""
    shown = (values[s] for s in SUBSETS)
    return ["–" if v is None else f"{v:.3f}" if abs(v) < 10 else f"{v:.3g}" for v in shown]


def _number(value: float | None) -> str:
    if value is None:
        return "undefined"
    return f"{value:.4f}" if abs(value) < 1000 else f"{value:.3e}"


def _bounds(bounds: list[float | None]) -> str:
    low, high = bounds
    if low is None or high is None:
        return "undefined"
    return f"{low:.3f}..{high:.3f}" if max(abs(low), abs(high)) < 1000 else f"{low:.1e}..{high:.1e}"
