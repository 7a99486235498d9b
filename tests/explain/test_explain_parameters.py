"""`binlj explain parameters`: toy regimes with known answers, a planted model off the grid, and the report."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from toy import add_mixed_regime

from binlj.data import dataset_info
from binlj.errors import InputError
from binlj.eval.explain import answer, cli, document, offgrid_model
from binlj.eval.explain import parameters as module
from binlj.eval.explain.offgrid_model import baseline_shapley, design, explain_offgrid
from binlj.eval.explain.parameters import ALL, EFFECT, FIRST, PHASE, SIZE, SWAPS, TOTAL, WITHIN, Found
from binlj.eval.explain.ranking import rank
from binlj.eval.explain.shapley import exact_shapley
from binlj.eval.explain.sobol import sobol_indices
from binlj.grid import State, grid
from binlj.schema import FEATURES, bin_centres
from binlj.theory import predict


@pytest.fixture(scope="module")
def found(toy: Path) -> Found:
    return module.explain_parameters(toy, n_boot=20)


def test_the_phase_of_the_toy_is_ruled_by_what_makes_it(found: Found) -> None:
    """The toy demixes where T + 0.6 eps_AB < 1.1, whatever C_B and S are."""
    from explain_make import on_grid

    exact = sobol_indices(on_grid(lambda t, c, s, e, x: 1.0 * (1.1 - t - 0.6 * e > 0)))
    phase = found.rankings[PHASE]
    for measure, index in ((FIRST, exact.first), (TOTAL, exact.total)):
        assert [phase[measure].values[f] for f in FEATURES] == pytest.approx(index)
    effect = phase[EFFECT]
    assert effect.values["T"] + effect.values["eps_AB"] == pytest.approx(1)
    assert effect.values["C_B"] == pytest.approx(0, abs=1e-12) == effect.values["S"]
    assert phase[SIZE].values["S"] == pytest.approx(0, abs=1e-12)
    # unconverged labels of the most dilute states are drawn again: what they could add to C_B
    assert effect.low["C_B"] == pytest.approx(0, abs=1e-12) and effect.high["C_B"] > 0
    assert effect.notes["highest_on_sub_grids"]["T"] > effect.values["T"] > effect.notes["lowest_on_sub_grids"]["T"]


def test_homogeneous_states_alone(found: Found) -> None:
    """In the toy, S only moves peaks: it rules g(r) and has next to nothing over r / sigma_ij."""
    assert found.details["homogeneous_and_converged"] == found.details["states"] - found.details["demixed"]
    for measure in (EFFECT, SWAPS):
        at_r, scaled = (found.rankings[WITHIN[s]][measure] for s in ("r", "scaled"))
        assert at_r.dominant() == "yes" and at_r.values["S"] > 0.5
        assert scaled.values["S"] < 0.1 and scaled.dominant() == "no"
        assert sum(at_r.values.values()) == pytest.approx(1) == sum(scaled.values.values())
        assert set(at_r.by_pair) == {"AA", "AB", "BB"} and at_r.by_pair["AA"].values["S"] < 0.05
        for f in FEATURES:
            assert at_r.low[f] <= at_r.values[f] <= at_r.high[f]
            assert at_r.high[f] > at_r.low[f]


def test_all_states_are_the_sobol_decomposition_of_explain_data(found: Found, toy: Path) -> None:
    from binlj.eval.explain.curves import load_frames, merged_curves

    pairs = merged_curves(*load_frames(toy), scaled=False)
    for pair, curve in pairs.items():
        exact = sobol_indices(curve)
        assert [found.rankings[ALL["r"]][FIRST].by_pair[pair].values[f] for f in FEATURES] == pytest.approx(exact.first)
        assert [found.rankings[ALL["r"]][TOTAL].by_pair[pair].values[f] for f in FEATURES] == pytest.approx(exact.total)


def planted(states: Any) -> SimpleNamespace:
    """A model that is additive in its curves, knows nothing of C_B, and demixes by eps_AB alone."""
    r = bin_centres(offgrid_model.BINS)
    g = [np.tile(1 + s.T * np.sin(r) + 2 * s.S * np.cos(r) + 0.3 * s.eps_AB**2, (3, 1)) for s in states]
    return SimpleNamespace(g=np.array(g), info=[SimpleNamespace(p_demixed=float(s.eps_AB < 0.3)) for s in states])


@pytest.fixture(scope="module")
def off_grid() -> Found:
    return explain_offgrid(design(backgrounds=2), planted, n_boot=20)


def test_a_planted_model_off_the_grid(off_grid: Found) -> None:
    plan = design(backgrounds=2)
    assert off_grid.details["pairs_of_states"] == 100 and off_grid.details["evaluations"] == len(plan.states) <= 1500
    phase = off_grid.rankings[PHASE][EFFECT]
    assert [phase.values[f] for f in FEATURES] == pytest.approx([0, 0, 0, 1])
    # an additive model: half the mean squared difference of each term over the pairs
    r = (np.arange(50) + 0.5) * 0.1
    one, other = plan.states[plan.cubes[:, 0]], plan.states[plan.cubes[:, -1]]
    size = np.array([(np.sin(r) ** 2).sum(), 0, 4 * (np.cos(r) ** 2).sum(), 0.09 * 50])
    terms = 0.5 * ((one * [1, 0, 1, 0] - other * [1, 0, 1, 0]) ** 2).mean(axis=0)
    terms[3] = 0.5 * ((one[:, 3] ** 2 - other[:, 3] ** 2) ** 2).mean()
    expected = size * terms / (size * terms).sum()
    got = off_grid.rankings[ALL["r"]][EFFECT]
    assert [got.values[f] for f in FEATURES] == pytest.approx(expected, abs=0.005)  # bins have a width
    assert got.values["C_B"] == pytest.approx(0, abs=1e-9) == off_grid.rankings[ALL["r"]][SIZE].values["C_B"]
    assert got.dominant() == "yes"
    assert 0 < off_grid.details["homogeneous_pairs"] < 100 and WITHIN["scaled"] in off_grid.rankings


def test_baseline_shapley_is_exact_shapley_with_one_background() -> None:
    plan = design(backgrounds=1)
    states = plan.states

    def function(x: np.ndarray) -> np.ndarray:
        return np.sin(3 * x[:, 2]) * x[:, 3] + x[:, 0] ** 2 * x[:, 1]

    phi = baseline_shapley(plan.cubes, function(states)[:, None])[..., 0]
    for k, cube in enumerate(plan.cubes[:5]):
        exact = exact_shapley(function, states[cube[[0]]], states[cube[[-1]]])
        assert phi[:, k] == pytest.approx(exact[0])
        swapped = exact_shapley(function, states[cube[[-1]]], states[cube[[0]]])
        assert -phi[:, k] == pytest.approx(swapped[0])


def test_every_state_has_as_many_different_backgrounds() -> None:
    plan = design(backgrounds=6, seed=3)
    ends = plan.cubes[:, [0, -1]]
    assert np.bincount(ends.ravel()).tolist() == [6] * 100
    assert len({tuple(sorted(p)) for p in ends.tolist()}) == 300
    assert (plan.states.min(0) >= [0.6, 0.01, 0.5, 0.2]).all() and (plan.states.max(0) <= [1.4, 0.5, 2, 1]).all()


def test_the_theory_on_finer_bins_is_the_same_theory() -> None:
    state = [State(1.0, 0.3, 1.25, 0.9)]
    fine, coarse = predict(state, bins=200).g[0], predict(state).g[0]
    edges = np.linspace(0, 10, 201) ** 3
    volume = np.diff(edges).reshape(100, 2)
    assert (fine.reshape(3, 100, 2) * volume).sum(-1) / volume.sum(-1) == pytest.approx(coarse, abs=1e-10)
    with pytest.raises(InputError, match="300 bins"):
        predict(state, bins=300)


def test_sentences_follow_the_numbers(found: Found, off_grid: Found) -> None:
    first, phase, within, off = answer.sentences([found], off_grid)
    demixed = found.details["demixed"]
    assert f"{demixed} of {len(grid())} states are demixed" in phase and "comes first" in phase
    assert "S comes first" in within and "instead of" in within
    assert "Off the grid, at 100 states" in off
    r = rank("m", "data", np.array([0.1, 0.1, 0.7, 0.1]), np.tile([0.1, 0.1, 0.7, 0.1], (20, 1)), uncertainty="")
    ruled = replace(found, rankings={**found.rankings, ALL["r"]: {EFFECT: r, SIZE: r}})
    assert "S dominates g(r) over all 500 states with 70 %" in answer.sentences([ruled], None)[0]
    r = rank("m", "data", np.array([0.1, 0.1, 0.4, 0.4]), np.array([[0, 0, 1, 0], [0, 0, 0, 1]]), uncertainty="")
    level = replace(found, rankings={**found.rankings, ALL["r"]: {EFFECT: r, SIZE: r}})
    assert "does not dominate" in (text := answer.sentences([level], None)[0]) and "cannot be told apart" in text
    assert len(answer.sentences([found], None)) == 3


def test_command_on_both_regimes(toy: Path, tmp_path: Path, found: Found, monkeypatch: pytest.MonkeyPatch) -> None:
    both = add_mixed_regime(shutil.copytree(toy, tmp_path / "both"))
    real = module.explain_parameters

    def quick(*args: Any, regime: str, **options: Any) -> Found:
        return found if regime == "equilibrium" else real(*args, regime=regime, **options)

    monkeypatch.setattr(module, "explain_parameters", quick)
    monkeypatch.setattr(module, "FEWEST", 501)
    monkeypatch.setattr(offgrid_model, "shipped_model", lambda: planted)
    out = tmp_path / "out"
    done = CliRunner().invoke(
        cli.explain, ["parameters", "--dataset", str(both), "--n-boot", "20", "--backgrounds", "1", "--out", str(out)]
    )
    assert done.exit_code == 0, done.output
    value = json.loads((out / "parameters.json").read_text())
    jsonschema.validate(value, document.explain_schema())
    assert value["kind"] == "parameters" and {"equilibrium", "mixed", "off-grid"} <= set(value["details"])
    assert {r["source"] for r in value["rankings"]} == {"data, equilibrium", "data, mixed", "fitted theory, off-grid"}
    text = (out / "parameters.md").read_text()
    info = dataset_info(path=both)
    assert info["version"] in text and info["data_sha256"] in text
    # the toy's mixed regime has no demixed state, which is said and not invented
    assert "0 of 500 states are demixed" in text and "nothing decides the phase" in text
    assert "too few to say what rules them" in text
    assert text.count("\n1. ") == 1 and all(f"\n{k}. " in text for k in (2, 3, 4))
    assert all(line.replace("T*", "T\\*") in text for line in value["details"]["answer"])
    assert (out / "parameters.png").stat().st_size < 200_000


def test_command_without_the_mixed_regime_says_so(toy: Path, tmp_path: Path, found: Found, monkeypatch: Any) -> None:
    monkeypatch.setattr(module, "explain_parameters", lambda *a, **k: found)
    options = ["--dataset", str(toy), "--backgrounds", "0", "--out", str(tmp_path)]
    done = CliRunner().invoke(cli.explain, ["parameters", *options])
    assert done.exit_code == 0, done.output
    assert "does not hold the mixed regime" in done.output and "--backgrounds 0" in done.output
    assert "does not hold the mixed regime" in (tmp_path / "parameters.md").read_text()
