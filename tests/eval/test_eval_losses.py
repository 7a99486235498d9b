"""Shares of the lost skill: they add up, and known errors appear where they were made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from eval_cases import value

from binlj.cli import cli
from binlj.eval.losses import losses, worst_curves
from binlj.eval.metrics import Case
from binlj.eval.truth import load_truth


def test_exact_curves_lose_nothing(toy: Path) -> None:
    truth = load_truth("extrapolation", dataset=toy)
    assert all(x.lost == 0 for x in losses(Case(truth, truth.g)))


def test_shares_of_each_partition_add_up_to_what_the_skill_lacks(toy: Path) -> None:
    truth = load_truth("extrapolation", dataset=toy)
    rng = np.random.default_rng(0)
    case = Case(truth, truth.g * rng.uniform(0.5, 1.5, (len(truth.g), 1)))
    found = losses(case)
    everything, rest = found[0], found[1:]
    assert everything.lost == pytest.approx(1 - value("skill", case))
    assert everything.noise == pytest.approx(1 - value("skill_ceiling", case))
    for belongs in (lambda n: n.startswith("phase called"), lambda n: "C_B" in n, lambda n: len(n) == 2):
        chosen = [x for x in rest if belongs(x.group)]
        assert sum(x.lost for x in chosen) == pytest.approx(everything.lost)
        assert sum(x.curves for x in chosen) == everything.curves


def test_one_wrong_curve_is_found_with_its_pair(toy: Path) -> None:
    truth = load_truth("extrapolation", dataset=toy)
    at = int(np.flatnonzero(truth.scored[truth.state] & (truth.pair == 2))[5])
    g = truth.g.copy()
    g[at] = 1.0
    case = Case(truth, g)
    (state, pair, error, _), second = worst_curves(case, n=2)
    assert (state, pair) == truth.keys[at] and error == pytest.approx(1.0) and second[2] == 0
    lost = {x.group: x.lost for x in losses(case)}
    assert lost["BB"] == lost["all curves"] > 0 == lost["AA"] == lost["AB"]


def test_the_command_prints_both_tables(toy: Path, tmp_path: Path) -> None:
    file = str(tmp_path / "predictions.parquet")
    track = ["--track", "extrapolation", "--dataset", str(toy)]
    assert CliRunner().invoke(cli, ["template", *track, file]).exit_code == 0
    done = CliRunner().invoke(cli, ["evaluate", file, *track, "--n-boot", "2", "--losses"])
    assert done.exit_code == 0, done.output
    truth = load_truth("extrapolation", dataset=toy)
    assert "| all curves |" in done.output and "Curves with the largest error" in done.output
    assert sum(f"| {s} |" in done.output for s in pd.unique(pd.Series(truth.state_id))) >= 4
