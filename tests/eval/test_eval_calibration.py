"""Calibration of g_std on predictions whose errors are known to be normal."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from eval_cases import value

from binlj.eval import evaluate, template
from binlj.eval.calibration import outside_core, z_scores
from binlj.eval.metrics import Case, available
from binlj.eval.truth import Truth


@pytest.fixture(scope="module")
def exact(truth: Truth) -> Truth:
    return replace(truth, g_stderr=np.zeros_like(truth.g))


def normal(truth: Truth, claimed: float, seed: int = 0) -> Case:
    """Errors of standard deviation 0.1, said to be `claimed`."""
    error = 0.1 * np.random.default_rng(seed).standard_normal(truth.g.shape)
    return Case(truth, truth.g + error, np.full_like(truth.g, claimed))


def test_a_calibrated_model(exact: Truth) -> None:
    case = normal(exact, 0.1)
    assert value("coverage_68", case) == pytest.approx(0.6827, abs=0.01)
    assert value("coverage_95", case) == pytest.approx(0.95, abs=0.005)
    assert value("z_rms", case) == pytest.approx(1.0, abs=0.01)
    assert value("calibration_error", case) < 0.01
    assert value("sharpness", case) == pytest.approx(0.1, abs=1e-12)


def test_a_model_twice_too_sure(exact: Truth) -> None:
    case = normal(exact, 0.05)
    assert value("z_rms", case) == pytest.approx(2.0, abs=0.02)
    assert value("coverage_68", case) == pytest.approx(0.3829, abs=0.01)  # P(|z| < 1/2)
    assert value("calibration_error", case) > 0.15


def test_a_model_half_as_sure_as_it_could_be(exact: Truth) -> None:
    case = normal(exact, 0.2)
    assert value("coverage_68", case) == pytest.approx(0.9545, abs=0.005)  # P(|z| < 2)
    assert value("z_rms", case) == pytest.approx(0.5, abs=0.01)


def test_the_datas_own_error_is_not_held_against_the_model(truth: Truth) -> None:
    noisy = replace(truth, g_stderr=np.full_like(truth.g, 0.3))
    error = 0.5 * np.random.default_rng(1).standard_normal(truth.g.shape)  # 0.5^2 = 0.3^2 + 0.4^2
    case = Case(noisy, truth.g + error, np.full_like(truth.g, 0.4))
    assert value("z_rms", case) == pytest.approx(1.0, abs=0.01)


def test_no_error_and_no_doubt_is_within_any_interval(exact: Truth) -> None:
    case = Case(exact, exact.g.copy(), np.zeros_like(exact.g))
    assert value("coverage_68", case) == 1.0 and value("z_rms", case) == 0.0
    assert np.isinf(z_scores(exact, exact.g + 1.0, np.zeros_like(exact.g))).all()


def test_the_core_does_not_flatter(exact: Truth) -> None:
    """Being right and sure at g = 0 inside the core changes nothing."""
    case = normal(exact, 0.1)
    core = ~outside_core(exact)
    assert 0.05 < core.mean() < 0.5
    sure = Case(exact, np.where(core, exact.g, case.g), np.where(core, 1e-9, 0.1))
    for name in ("coverage_68", "coverage_95", "z_rms", "calibration_error", "sharpness"):
        assert value(name, sure) == value(name, case)


def test_only_with_g_std(toy: Path, truth: Truth) -> None:
    frame = template("extrapolation", dataset=toy)
    without = evaluate(frame, track="extrapolation", dataset=toy, n_boot=2, naive=False)
    frame["g_std"] = [np.full(100, 0.1)] * len(frame)
    given = evaluate(frame, track="extrapolation", dataset=toy, n_boot=2, naive=False)
    extra = set(given.metrics) - set(without.metrics)
    assert extra == {m.name for m in available(Case(truth, truth.g, truth.g)) if m.needs_std}
    assert len(extra) == 6 and given.has_g_std and not without.has_g_std
