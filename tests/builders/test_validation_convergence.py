"""How far states are from converged: known distances, known rates."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import R, chain, g_at_right_pressure

from binlj.builders.analysis import criteria
from binlj.builders.records.record import write_records
from binlj.builders.validation import convergence
from binlj.cli import cli
from binlj.data import data_line
from binlj.grid import State

LONE = State(1.4, 0.5, 1.0, 1.0)  # stable by PeTS: one start is enough
TWIN = State(1.0, 0.5, 1.0, 0.6)  # not stable
G = g_at_right_pressure(LONE)
BUMP = np.array([1.0, -1.0, 1.0])[:, None] * 0.4 * np.exp(-((R - 1.5) ** 2))[None, :]


def test_a_state_with_one_start_lacks_what_the_criteria_say() -> None:
    (short,) = convergence.distances(chain(LONE, segments=4, g=G))
    assert short.lacks == ("production steps",)
    assert short.steps == criteria.MIN_PRODUCTION_STEPS - short.result.min_production_steps
    (long,) = convergence.distances(chain(LONE, segments=12, g=G))
    assert long.result.converged and long.steps == 0 and long.lacks == ()


def test_errors_ask_for_steps_by_their_square() -> None:
    (done,) = convergence.distances(chain(LONE, segments=12, g=G))
    error = (2 * 0.005, *done.result.relative_error[1:])
    noisy = dataclasses.replace(done.result, relative_error=error, converged=False, reason="error of AA 1 %")
    assert convergence._missing(noisy) == pytest.approx(3 * noisy.min_production_steps)


def apart(rate: float, *, segments: int = 12) -> list:
    """Two starts that differ by a bump; the mixed one approaches the other with `rate` per frame."""
    still = chain(TWIN, segments=segments, seed=2, start="separated", change=lambda i: BUMP)
    return [*chain(TWIN, segments=segments, change=lambda i: BUMP * (1 - math.exp(-rate * i))), *still]


def test_the_steps_until_a_gap_closes_follow_from_its_rate() -> None:
    rate = 0.004  # per frame; 250 steps a frame
    (d,) = convergence.distances(apart(rate))
    assert "start gap" in d.lacks and d.moving == "mixed" and d.closing["mixed"] > 5 * d.closing["separated"]
    wait = d.steps - convergence._missing(d.result)
    assert d.gap is not None
    expected = math.log(d.gap / criteria.GAP_RELATIVE) / (rate / 250)
    assert 0.7 * expected < wait < 1.5 * expected


def test_a_gap_that_does_not_move_has_no_estimate() -> None:
    (d,) = convergence.distances(apart(0.0))
    assert math.isinf(d.steps) and d.gap is not None and d.gap > criteria.GAP_RELATIVE


def test_two_starts_that_agree_test_the_errors() -> None:
    """Independent noise with right errors differs by about its standard error."""
    found = []
    for seed in (2, 4, 6):
        both = [*chain(TWIN, segments=12, seed=seed + 1), *chain(TWIN, segments=12, seed=seed, start="separated")]
        (d,) = convergence.distances(both)
        assert d.agreement is not None and d.result.compared_with == "separated"
        found.append(d.agreement)
    assert 0.6 < np.mean(found) < 1.2
    text, data = convergence.report([d])
    assert "## Where two starts agree: 1 states" in text and f"| T* = {TWIN.T:g} | 1 |" in text
    assert data["states"][0]["difference_over_error"] == d.agreement
    (alone,) = convergence.distances(chain(LONE, segments=12, g=G))
    assert alone.agreement is None and "two starts agree" not in convergence.report([alone])[0]


def test_report_and_picture(tmp_path: Path) -> None:
    records = [*chain(LONE, segments=12, g=G), *apart(0.0), *chain(State(1.4, 0.3, 1.0, 1.0), segments=4)]
    write_records(tmp_path / "store" / "loose" / "a.parquet", records)
    result = CliRunner().invoke(
        cli, ["validate", "convergence", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    )
    assert result.exception is None, result.output
    assert "1 of 3 states meet every criterion" in result.output
    head = (tmp_path / "out" / "convergence.md").read_text(encoding="utf-8").splitlines()[2]
    assert f"({len(records)} segments)" in head and data_line() in head  # of the store, beside what is published
    assert "| not seen to close | 1 |" in result.output
    lines = [line for line in result.output.splitlines() if line.startswith("| T")]
    assert [line.split(" | ")[0] for line in lines] == [f"| {s}" for s in ("T1.40-C0.300-S1.00-E1.00", TWIN.state_id)]
    data = json.loads((tmp_path / "out" / "convergence.json").read_text())
    assert [s["converged"] for s in data["states"]].count(True) == 1
    assert (tmp_path / "out" / "convergence.png").stat().st_size > 10_000
