"""Skill, its ceiling, the gap between starts, the phase call and CRPS against known answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eval_cases import settled, value, with_g
from scipy.integrate import quad
from scipy.stats import norm

from binlj.data import read_table
from binlj.eval import calibration, compare, demixing, evaluate, skill, template
from binlj.eval.label_error import GAP_RANGE, gap_profile
from binlj.eval.metrics import METRICS, Case
from binlj.eval.scoring import score
from binlj.eval.truth import Truth
from binlj.schema import bin_centres


def test_perfect_ideal_gas_and_halfway(truth: Truth) -> None:
    assert METRICS[0].name == "skill"
    assert value("skill", Case(truth, truth.g)) == 1.0
    assert value("skill", Case(truth, np.ones_like(truth.g))) == pytest.approx(0.0, abs=1e-12)
    for pair in range(3):
        assert value("skill", Case(truth, (1 + truth.g) / 2), pair) == pytest.approx(0.5, abs=1e-12)


def test_worse_than_the_ideal_gas_is_capped_curve_by_curve(truth: Truth) -> None:
    truth = settled(truth)
    assert value("skill", Case(truth, 2 - 3 * truth.g)) == 0.0
    g = truth.g.copy()
    g[0] += 1e5
    assert value("skill", Case(truth, g)) == pytest.approx(1 - 1 / len(g), abs=1e-12)


def test_a_curve_by_hand_and_the_core_left_out(truth: Truth) -> None:
    y = np.where(np.arange(100) < 30, 3.0, 1.0)
    p = y + np.where(np.arange(100) < 40, 0.5, 0.0)
    case = Case(with_g(truth, y), np.broadcast_to(p, truth.g.shape).copy())
    for i in (0, 1, 2):
        first = int((truth.r < 0.8 * truth.sigma[i]).sum())
        expected = min(1.0, 0.5 * (40 - first) / (2.0 * (30 - first)))
        assert skill.curve_errors(case.truth, case.g)[i] == pytest.approx(expected, abs=1e-12)
        case.g[i, :first] = 99.0
        assert skill.curve_errors(case.truth, case.g)[i] == pytest.approx(expected, abs=1e-12)


def test_a_published_ideal_gas(truth: Truth) -> None:
    flat = with_g(truth, np.ones(100))
    assert (skill.curve_errors(flat, flat.g) == 0).all() and (skill.curve_errors(flat, flat.g + 0.1) == 1).all()


def test_unconverged_states_count_in_no_headline_value(truth: Truth) -> None:
    g = np.where(truth.scored[truth.state][:, None], truth.g, 1e3)
    scores = score(Case(truth, g), n_boot=5)
    assert scores.skill["overall"] == scores.r2["overall"] == 1.0 and scores.skill_ci95["BB"] == [1.0, 1.0]
    share = truth.scored.mean()
    assert scores.by["states"]["all"]["metrics"]["skill"]["overall"] == pytest.approx(share, abs=1e-12)
    assert scores.by["converged"]["no"]["metrics"]["skill"]["overall"] == 0.0


def test_expected_skill_of_the_exact_curves_is_the_ceiling(truth: Truth) -> None:
    rng = np.random.default_rng(0)
    noisy = replace(truth, g_stderr=np.full_like(truth.g, 0.02), g_gap=np.full_like(truth.g, 0.01))
    got, ceiling = [], []
    for _ in range(30):
        y = truth.g + noisy.g_error * rng.standard_normal(truth.g.shape)
        case = Case(replace(noisy, g=y), truth.g)
        got.append(value("skill", case))
        ceiling.append(value("skill_ceiling", case))
    assert 1 - np.mean(ceiling) > 0.02  # so the comparison means something
    assert 1 - np.mean(got) == pytest.approx(1 - np.mean(ceiling), rel=0.02)


def test_the_gap_profile_gives_back_the_published_number(truth: Truth) -> None:
    gap = np.random.default_rng(1).random(len(truth.state_id)) * 0.1
    gap[3] = 0.0
    profile = gap_profile(truth.r, truth.g, truth.sigma, truth.state, gap)
    inside = (truth.r >= GAP_RANGE[0]) & (truth.r <= GAP_RANGE[1])
    share = np.sqrt((profile[:, inside] ** 2).mean(axis=1)) / truth.g.max(axis=1)
    largest = [share[truth.state == i].max() for i in range(len(gap))]
    np.testing.assert_allclose(largest, gap, atol=1e-12)
    assert (profile[truth.r < truth.sigma[:, None]] == 0).all()


def test_the_gap_lowers_both_ceilings(truth: Truth) -> None:
    gap = np.full(len(truth.state_id), 0.1)
    wide = replace(truth, g_gap=gap_profile(truth.r, truth.g, truth.sigma, truth.state, gap))
    for name in ("skill_ceiling", "noise_ceiling"):
        assert value(name, Case(wide, wide.g)) < value(name, Case(truth, truth.g)) - 1e-3


def two_phases(truth: Truth, share: float) -> np.ndarray:
    """g of a mixture, of which `share` is separated into pure phases and the rest random."""
    c = truth.C_B[truth.state]
    own = np.choose(truth.pair, [1 / (1 - c), np.zeros_like(c), 1 / c])
    return np.repeat((1 + share * (own - 1))[:, None], 100, axis=1)


def test_label_correlation_of_pure_phases_is_one_and_of_a_random_mixture_zero(truth: Truth) -> None:
    for share in (0.0, 0.3, 1.0):
        np.testing.assert_allclose(demixing.label_correlation(truth, two_phases(truth, share)), share, atol=1e-12)


def test_phase_call_by_hand(truth: Truth) -> None:
    truth = settled(truth)
    demixed = truth.phase == "demixed"
    apart, random = two_phases(truth, 1.0), two_phases(truth, 0.0)
    right = np.where(demixed[truth.state][:, None], apart, random)
    assert value("phase_call", Case(truth, right)) == 1.0
    assert value("phase_call", Case(truth, apart + random - right)) == 0.0
    assert value("phase_call", Case(truth, apart)) == value("phase_call", Case(truth, random)) == 0.5
    assert score(Case(truth, right), n_boot=2).by["phase"]["demixed"]["metrics"]["phase_call"]["overall"] is None


def test_the_published_curves_call_their_own_phase() -> None:
    from binlj.data import curves

    for track in ("extrapolation", "interpolation"):
        frame, states = read_table(track, "train"), read_table("states").set_index("state_id")
        wide = {pair: frame[frame["pair"] == pair].set_index("state_id") for pair in ("AA", "AB", "BB")}
        ids = list(wide["AA"].index)
        aa, ab, bb = (curves(wide[pair].loc[ids]) for pair in ("AA", "AB", "BB"))
        r, c = bin_centres(100), wide["AA"]["C_B"].to_numpy()
        use = (r > 3) & (r < 5)
        chi = c * (1 - c) * np.average((aa + bb - 2 * ab)[:, use], axis=1, weights=r[use] ** 2)
        demixed = (states.loc[ids, "phase"] == "demixed").to_numpy()
        called = chi > demixing.THRESHOLD
        assert (called[demixed].mean() + (~called)[~demixed].mean()) / 2 > 0.97


@pytest.mark.parametrize(("error", "std", "own"), [(0.0, 0.2, 0.0), (0.3, 0.2, 0.1), (-1.0, 0.05, 0.0)])
def test_crps_is_its_definition(truth: Truth, error: float, std: float, own: float) -> None:
    noisy = replace(truth, g_stderr=np.full_like(truth.g, own))
    total = np.hypot(std, own)
    below = quad(lambda x: norm.cdf(x, 0, total) ** 2, -np.inf, -error)[0]
    above = quad(lambda x: norm.sf(x, 0, total) ** 2, -error, np.inf)[0]
    case = Case(noisy, noisy.g + error, np.full_like(truth.g, std))
    assert value("crps", case) == pytest.approx(below + above, rel=1e-6)


def test_crps_without_any_doubt_is_the_absolute_error(truth: Truth) -> None:
    exact = replace(truth, g_stderr=np.zeros_like(truth.g))
    np.testing.assert_allclose(calibration.crps(exact, exact.g + 0.4, np.zeros_like(exact.g)), 0.4)


def test_compare_on_skill_sees_what_one_curve_hides_from_r2(toy: Path, truth: Truth) -> None:
    """A is better on every curve but one, which it misses by far."""
    frame = template("extrapolation", dataset=toy)
    a, b = 0.9 * truth.g + 0.1, 0.5 * truth.g + 0.5
    i = int(np.flatnonzero(truth.scored[truth.state])[0])
    a[i] += 1e3
    result = compare(frame.assign(g=list(a)), frame.assign(g=list(b)), track="extrapolation", dataset=toy)
    assert result.skill["overall"]["verdict"] == "A better" and result.r2["overall"]["verdict"] != "A better"
    assert result.n_scored_states == truth.scored.sum()
    ours = evaluate(frame.assign(g=list(a)), track="extrapolation", dataset=toy, naive=False, n_boot=2).skill
    assert {k: row["a"] for k, row in result.skill.items()} == pytest.approx(ours)
