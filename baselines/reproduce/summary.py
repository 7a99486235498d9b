"""The paper's numbers beside ours in each regime: one table, from the experiments that were run before."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from binlj.baselines.reproduce import figures, paper
from binlj.baselines.reproduce.extrapolation import NAIVE
from binlj.baselines.reproduce.learning_curve import WAYS
from binlj.baselines.reproduce.result import Result, naive_title, shown
from binlj.baselines.reproduce.runs import Settings
from binlj.data import data_line, tracks_of
from binlj.errors import InputError
from binlj.grid import PAIRS
from binlj.markdown import markdown_table
from binlj.schema import REGIMES, regime_of

NAIVE_ROW = naive_title(NAIVE)


def _and_naive(text: str, quantity: str, naive: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """A row, and the same for the naive baseline."""
    return (text, quantity), (f"the same, {NAIVE_ROW}", naive)


# Heading, experiment -> rows: what each says, and the quantity in the experiment's own table.
ROWS: dict[tuple[str, str], list[tuple[str, str]]] = {
    ("Interpolation (Fig. 2)", "interpolation"): [
        *((text, text) for text in ("R² train, random points held out", "R² test, random points held out")),
        *_and_naive("R² test, whole states held out", "R² test, whole states held out", f"R² test, {NAIVE_ROW}"),
        *_and_naive("skill, whole states held out", "skill test, whole states held out", f"skill test, {NAIVE_ROW}"),
    ],
    ("Extrapolation in T\\* (Fig. 3)", "extrapolation"): [
        ("R² train", "R² train"),
        *_and_naive("R² test", "R² test", f"R² test, {NAIVE_ROW}"),
        *(r for p in PAIRS for r in _and_naive(f"R² test, {p}", f"R² test, {p}", f"R² test, {NAIVE_ROW}, {p}")),
        *_and_naive("skill", "skill test", f"skill test, {NAIVE_ROW}"),
    ],
    ("The failing case (Fig. 5), first peak of g_BB", "failing-case"): [
        ("simulated, T\\* = 0.6", "first peak of g_BB, T* = 0.6"),
        ("simulated, T\\* = 0.8 (training)", "first peak of g_BB, T* = 0.8 (training)"),
        ("network, T\\* = 0.6", "first peak, dnn"),
    ],
}
EXPERIMENTS = ("interpolation", "extrapolation", "failing-case", "learning-curve")


def run(settings: Settings) -> Result:
    """Read the JSON files of the finished experiments in ``settings.out``; train nothing.

    Raises
    ------
    InputError
        Listing every experiment that is missing, or was run on other data.
    """
    there = {regime_of(track) for track in tracks_of(settings.dataset)}
    regimes = tuple(regime for regime in REGIMES if regime in there)
    found, problems = {}, []
    wanted = [(name, regime) for regime in regimes for name in EXPERIMENTS] + [("timing", REGIMES[0])]
    for name, regime in wanted:
        file = settings.out / f"{name}{replace(settings, regime=regime).suffix}.json"
        value = _read(file)
        if value is None:
            problems.append(f"{file.name} is missing")
        elif value["conditions"].get("data") != data_line(settings.dataset):
            problems.append(f"{file.name} is of other data: {value['conditions'].get('data')}")
        else:
            found[name, regime] = value
    if problems:
        raise InputError(str(settings.out), problems, fix="run these experiments with the same --out (and --regime)")
    rows = [row for (heading, name), lines in ROWS.items()
            for row in _section(heading, lines, [found[name, regime] for regime in regimes])]  # fmt: skip
    rows += _learning(found, regimes)
    seconds = _row(found["timing", REGIMES[0]], "seconds for 100 RDFs, paper's recipe, 1000 epochs")
    empty = [""] * (len(regimes) - 1)  # training takes as long in either regime
    rows.append(["**Seconds to learn 100 RDFs**", f"{paper.SECONDS_100_RDFS:g}", shown(seconds), *empty])
    picture = figures.learning_curves(
        {regime: _lines(found["learning-curve", regime]) for regime in regimes},
        paper.LEARNING_CURVE_R2, file=settings.out / "fig6_both_regimes.png",
    )  # fmt: skip
    return Result(
        "The paper's numbers and ours",
        conditions=settings.conditions(),
        pictures=[picture],
        table=markdown_table(["", "paper", *regimes], rows),
        notes=[
            "Ours are of the paper's network, mean ± standard deviation over seeds, unless a row says otherwise, and "
            f"over the test states that the evaluator scores. {NAIVE_ROW.capitalize()}: the RDF of the same "
            "mixture at the training temperature next to it. Empty: not in the paper, or not defined.",
        ],
    )


def _section(heading: str, lines: list[tuple[str, str]], of_regimes: list[dict[str, Any]]) -> list[list[str]]:
    """The heading and the rows of one experiment."""
    rows = [[f"**{heading}**", *[""] * (1 + len(of_regimes))]]
    for text, quantity in lines:
        of_regime = [_row(value, quantity) for value in of_regimes]
        printed = of_regime[0]["paper"]
        rows.append([text, "" if printed is None else f"{printed:g}", *map(shown, of_regime)])
    return rows


def _learning(found: dict[tuple[str, str], Any], regimes: tuple[str, ...]) -> list[list[str]]:
    """R2 at the numbers of points for which the paper gives it; one for each way of drawing them."""
    rows = [["**Learning curve (Fig. 6), R² test**", *[""] * (1 + len(regimes))]]
    lines = [_lines(found["learning-curve", regime]) for regime in regimes]
    for points, printed in paper.LEARNING_CURVE_R2.items():
        for way in lines[0]:
            values = [p["r2"] for line in lines for p in line[way] if p["points"] == points]
            rows.append([f"{points:,} points, {way}", f"{printed:g}", *(f"{v:.3f}" for v in values)])
            if points == max(p["points"] for p in lines[0][way]):
                rows[-1][0] = f"{points:,} points (all)"
                break  # all points are one set, however they are drawn
    return rows


def _lines(value: dict[str, Any]) -> dict[str, list[dict[str, float]]]:
    """A learning curve's measurements, its ways of drawing points in their order."""
    found = value["details"]["lines"]
    return {way: found[way] for way in WAYS}


def _row(value: dict[str, Any], quantity: str) -> dict[str, Any]:
    found: dict[str, Any] = next(row for row in value["rows"] if row["quantity"] == quantity)
    return found


def _read(file: Path) -> dict[str, Any] | None:
    if not file.is_file():
        return None
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found
