"""Finite size: plans, what geometry expects, and a tiny real run at two sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import chain, true_g

from binlj.builders.analysis.assemble import assemble_state
from binlj.builders.records import store as stores
from binlj.builders.validation import finite_size
from binlj.cli import cli
from binlj.errors import DataError
from binlj.grid import State
from binlj.schema import N_FINE, bin_centres, merge_bins

FLUID, APART = finite_size.HOMOGENEOUS[0], finite_size.DEMIXED


def test_the_plan_keeps_sizes_apart_and_starts_as_the_phase_asks(tmp_path: Path) -> None:
    jobs = finite_size.plan(tmp_path)
    assert {(j.n, j.store.name) for j in jobs} == {(2_000, "N2000"), (10_000, "N10000"), (30_000, "N30000")}
    assert {j.chain.shape for j in jobs} == {"mixed", "slab"}
    for job in jobs:
        assert job.pieces[0] == (2_000, 200) and job.steps == dict(finite_size.SIZES)[job.n]
        assert job.profile((2_000, 200)).segment_from(0, 4_000) == (2_000, 200)
        assert (job.exchanges > 0) == (job.chain.state.S == 1.0 and job.chain.start == "mixed")
    assert len(finite_size.HOMOGENEOUS) == 5 and len(jobs) == 18


def slab_counts(state: State, n: int, density: float) -> np.ndarray:
    """Exact g of two pure ideal-gas slabs of thickness L/2: pairs within, and across, the interfaces."""
    r = bin_centres(N_FINE)
    x = r / (n / density) ** (1 / 3)
    within = 2 * np.maximum(1 - x, 0.2)  # 1 - r / (2 L / 2), over half of the box
    return np.array([within, 2 * x, within])


def test_the_expected_difference_is_exact_for_sharp_slabs() -> None:
    density = 0.6  # that of the synthetic records
    results = {
        n: assemble_state(APART, chain(APART, segments=3, n=n, start="separated", g=slab_counts(APART, n, density)))
        for n in (2_000, 10_000)
    }
    series = finite_size.Series(APART, "separated", "slab", results)
    expected = finite_size.expected_difference(series, 2_000, by=10_000)
    assert expected is not None
    assert finite_size.thinnest(series, 2_000) == pytest.approx((2_000 / density) ** (1 / 3) / 2, rel=0.01)
    bulk = finite_size.expected_difference(series, float("inf"), by=10_000)
    assert bulk is not None  # whole domains: like pairs at twice the mean density, unlike pairs nowhere
    near = slice(10, 50)
    np.testing.assert_allclose((results[10_000].g + bulk)[:, near], [[2.0], [0.0], [2.0]] * np.ones(40), atol=0.05)
    r = bin_centres()
    inside = (r > 1) & (r < 5)
    exact = merge_bins(slab_counts(APART, 2_000, density)) - merge_bins(slab_counts(APART, 10_000, density))
    np.testing.assert_allclose(expected[:, inside], exact[:, inside], atol=0.02)
    rows = {(row["n"], row["pair"]): row for row in finite_size.compare(series)}
    for pair in ("AA", "AB", "BB"):
        found = rows[2_000, pair]
        assert found["rms"] == pytest.approx(found["expected"], rel=0.2) and found["rms_in_errors"] > 3
        assert rows[10_000, pair]["rms"] == 0 and rows[10_000, pair]["rms_in_errors"] is None


def test_equal_structure_at_all_sizes_is_noise() -> None:
    g = true_g(FLUID)
    results = {n: assemble_state(FLUID, chain(FLUID, segments=3, n=n, seed=n, g=g)) for n in (2_000, 10_000)}
    series = finite_size.Series(FLUID, "mixed", "mixed", results)
    rows = [row for row in finite_size.compare(series) if row["n"] == 2_000]
    assert len(rows) == 3
    for row in rows:
        assert row["expected"] is None and 0.5 < row["rms_in_errors"] < 1.6
    assert finite_size.compare(finite_size.Series(FLUID, "mixed", "mixed", {})) == []
    one = finite_size.Series(FLUID, "mixed", "mixed", {2_000: results[2_000]})
    assert one.reference == 2_000
    text, _ = finite_size.report([], {}, [series, one])
    assert "0 of 3 curves differ by more than 2." in text
    other = assemble_state(FLUID, chain(FLUID, segments=3, n=2_000, seed=2_000, g=1.05 * g))
    apart = finite_size.Series(FLUID, "mixed", "mixed", {**results, 2_000: other})
    assert "3 of 3 curves differ by more than 2." in finite_size.report([], {}, [apart])[0]


@pytest.mark.lammps
def test_a_tiny_real_run_at_two_sizes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finite_size, "SEGMENT", 100)
    monkeypatch.setattr(finite_size, "EVERY", 50)
    monkeypatch.setattr(finite_size, "SIZES", ((500, 200), (1_000, 200)))
    monkeypatch.setattr(finite_size, "STATES", ((FLUID, "mixed"), (APART, "separated")))
    args = ["validate", "finite-size", "--store", str(tmp_path / "s"), "--out", str(tmp_path / "out")]
    nothing = CliRunner().invoke(cli, [*args, "--no-run"]).exception
    assert isinstance(nothing, DataError) and "no such store" in str(nothing)
    result = CliRunner().invoke(cli, args)
    assert result.exception is None, result.output
    assert "All 4 chains finished" in result.output
    assert {r.n_A + r.n_B for r in stores.load_records(tmp_path / "s" / "N500")} == {500}
    assert {r.start for r in stores.load_records(tmp_path / "s" / "N1000")} == {"mixed", "separated"}
    data = json.loads((tmp_path / "out" / "finite-size.json").read_text())
    assert len(data["rows"]) == 12 and {row["reference_n"] for row in data["rows"]} == {1_000}
    assert (tmp_path / "out" / "finite-size.png").stat().st_size > 10_000
    monkeypatch.setattr(finite_size, "SIZES", ((500, 200), (1_000, 400)))
    longer = CliRunner().invoke(cli, [*args, "--no-run"])
    assert longer.exception is None
    assert "2 of 4 chains not finished" in longer.output and "200 of 400 steps" in longer.output
