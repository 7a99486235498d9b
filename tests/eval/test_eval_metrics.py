"""Every metric against a case with a known answer, and its direction when a peak is moved or scaled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from eval_cases import scaled_peak, scored_curves, settled, shifted, value, with_g
from sklearn.metrics import r2_score

from binlj.data import curves, read_table
from binlj.eval import evaluate, scores_schema, template
from binlj.eval.metrics import METRICS, Case, available
from binlj.eval.scoring import score
from binlj.eval.truth import Truth
from binlj.grid import PAIRS


def test_r2_is_scikit_learns_on_random_predictions(truth: Truth, toy: Path) -> None:
    rng = np.random.default_rng(0)
    frame = template("extrapolation", dataset=toy)
    for scale in (0.01, 1.0, 30.0):
        g = truth.g + scale * rng.standard_normal(truth.g.shape)
        scores = evaluate(frame.assign(g=list(g)), track="extrapolation", dataset=toy, n_boot=1, naive=False)
        tolerance = 1e-12 * max(1.0, abs(scores.r2["overall"] or 0.0))
        use = scored_curves(truth)
        expected = r2_score(truth.g[use].ravel(), g[use].ravel())
        assert scores.r2["overall"] == pytest.approx(expected, abs=tolerance)
        everything = scores.by["states"]["all"]["metrics"]["r2"]["overall"]
        assert everything == pytest.approx(r2_score(truth.g.ravel(), g.ravel()), abs=tolerance)
        for code, pair in enumerate(PAIRS):
            rows = (truth.pair == code) & use
            expected = r2_score(truth.g[rows].ravel(), g[rows].ravel())
            assert scores.r2[pair] == pytest.approx(expected, abs=1e-12 * max(1.0, abs(expected)))
        for T, group in scores.by["temperature"].items():
            rows = (truth.pair == 2) & (truth.T[truth.state] == float(T)) & use
            expected = r2_score(truth.g[rows].ravel(), g[rows].ravel())
            got = group["metrics"]["r2"]["BB"]
            assert got == pytest.approx(expected, abs=1e-12 * max(1.0, abs(expected)))
        rows = (truth.phase[truth.state] == "demixed") & use
        expected = r2_score(truth.g[rows].ravel(), g[rows].ravel())
        got = scores.by["phase"]["demixed"]["metrics"]["r2"]["overall"]
        assert got == pytest.approx(expected, abs=1e-12 * max(1.0, abs(expected)))


def test_the_truth_is_perfect(truth: Truth) -> None:
    case = Case(truth, truth.g.copy())
    for metric in available(case):
        if metric.name in ("skill_ceiling", "noise_ceiling", "energy_resolution", "ceiling_share", "phase_call"):
            continue
        assert value(metric.name, case) == (1.0 if metric.name in ("skill", "r2") else 0.0), metric.name
    assert value("ceiling_share", case) == pytest.approx(1 / value("noise_ceiling", case), abs=1e-15)


def test_the_mean_of_the_test_set_has_r2_zero(truth: Truth) -> None:
    truth = settled(truth)
    assert value("r2", Case(truth, np.full_like(truth.g, truth.g.mean()))) == pytest.approx(0.0, abs=1e-12)


def test_constant_truth_has_no_r2(truth: Truth) -> None:
    case = Case(with_g(truth, np.ones(100)), truth.g)
    scores = score(case, n_boot=5)
    assert scores.r2["AA"] is None and scores.r2_ci95["AA"] == [None, None]
    assert scores.metrics["rmse"]["values"]["AA"] is not None
    jsonschema.validate(scores.to_dict(), scores_schema())


def test_pointwise_errors_by_hand(truth: Truth) -> None:
    up_and_down = np.where(np.arange(100) % 2 == 0, 0.3, -0.1)
    case = Case(truth, truth.g + up_and_down)
    assert value("rmse", case) == pytest.approx(np.sqrt((0.09 + 0.01) / 2), abs=1e-12)
    assert value("mae", case, 1) == pytest.approx(0.2, abs=1e-12)


def test_ideal_gas_is_one_on_its_own_scale(truth: Truth) -> None:
    assert value("ideal_gas_ratio", Case(truth, np.ones_like(truth.g))) == pytest.approx(1.0, abs=1e-14)
    halfway = Case(truth, (1 + truth.g) / 2)
    assert value("ideal_gas_ratio", halfway, 2) == pytest.approx(0.5, abs=1e-14)


def test_noise_ceiling_by_hand(truth: Truth) -> None:
    y = np.where(np.arange(100) < 50, 0.0, 2.0)  # variance 1
    noisy = replace(with_g(truth, y), g_stderr=np.full_like(truth.g, 0.2))
    case = Case(noisy, noisy.g + 0.3)
    assert value("noise_ceiling", case) == pytest.approx(1 - 0.04, abs=1e-12)
    assert value("r2", case) == pytest.approx(1 - 0.09, abs=1e-12)
    assert value("ceiling_share", case) == pytest.approx(0.91 / 0.96, abs=1e-12)


@pytest.mark.parametrize(
    ("name", "pair"),
    [("rmse", -1), ("mae", -1), ("peak_position", -1), ("coordination", -1), ("wasserstein", -1),
     ("energy", -1), ("ideal_gas_ratio", -1), ("wasserstein", 0), ("wasserstein", 1), ("wasserstein", 2)],
)
def test_errors_grow_as_a_peak_is_shifted(truth: Truth, name: str, pair: int) -> None:
    errors = [value(name, Case(truth, shifted(truth, by)), pair) for by in (0.0, 0.02, 0.05, 0.1, 0.15)]
    assert errors[0] == 0.0
    assert (np.diff(errors) > 0).all(), errors


@pytest.mark.parametrize(
    "name", ["rmse", "mae", "peak_height", "coordination", "wasserstein", "energy", "ideal_gas_ratio"]
)
def test_errors_grow_as_a_peak_is_scaled(truth: Truth, name: str) -> None:
    for factors in ((1.0, 1.1, 1.3, 1.6, 2.0), (1.0, 0.9, 0.7, 0.4, 0.1)):
        errors = [value(name, Case(truth, scaled_peak(truth, by))) for by in factors]
        assert errors[0] == 0.0
        assert (np.diff(errors) > 0).all(), errors


def test_r2_falls_as_a_peak_is_shifted_or_scaled(truth: Truth) -> None:
    for curves_of, steps in ((shifted, (0.0, 0.05, 0.1)), (scaled_peak, (1.0, 1.2, 1.5))):
        values = [value("r2", Case(truth, curves_of(truth, by))) for by in steps]
        assert values[0] == 1.0 and (np.diff(values) < 0).all()


def test_scaling_a_peak_does_not_move_it(truth: Truth) -> None:
    assert value("peak_position", Case(truth, 1.5 * truth.g)) == pytest.approx(0.0, abs=1e-12)


def test_rows_in_any_order_give_the_same_scores(truth: Truth, toy: Path) -> None:
    rng = np.random.default_rng(5)
    frame = template("extrapolation", dataset=toy)
    frame = frame.assign(g=list(rng.random((600, 100))), g_std=list(rng.random((600, 100))))
    mixed = frame.sample(frac=1, random_state=7)
    assert not mixed.index.equals(frame.index)
    a, b = (evaluate(f, track="extrapolation", dataset=toy, n_boot=50) for f in (frame, mixed))
    assert a.to_dict() == b.to_dict()


@pytest.mark.parametrize("track", ["extrapolation", "interpolation"])
def test_json_follows_the_schema(track: str, toy: Path) -> None:
    schema = scores_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    frame = template(track, dataset=toy)
    frame["g_std"] = [np.full(100, 0.1)] * len(frame)
    text = json.dumps(evaluate(frame, track=track, dataset=toy, n_boot=20).to_dict(), allow_nan=False)
    written = json.loads(text)
    jsonschema.validate(written, schema)
    assert written["track"] == track and written["dataset_version"] == "0.0.0+toy"
    assert len(written["dataset_sha256"]) == 64
    assert set(written["r2"]) == {"AA", "AB", "BB", "overall"}
    assert written["n_curves"] == 3 * written["n_states"] == len(read_table(track, "test", path=toy))
    assert set(written["metrics"]) == {m.name for m in METRICS}
    for broken in ({"r2": {"AA": 1.0}}, {"track": "sideways"}, {"schema_version": "binlj-scores/0"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(written | broken, schema)


def test_breakdowns_cover_every_state_once(truth: Truth) -> None:
    scores = score(Case(truth, np.ones_like(truth.g)), n_boot=2)
    counts = {name: [group["n_states"] for group in groups.values()] for name, groups in scores.by.items()}
    scored = int(truth.scored.sum())
    assert 0 < scored < len(truth.state_id) and scores.n_scored_states == scored
    assert sum(counts["temperature"]) == sum(counts["phase"]) == scored
    assert sum(counts["converged"]) == len(truth.state_id)
    assert scores.by["states"].keys() == {"converged", "all"} and counts["states"] == [scored, len(truth.state_id)]
    rmse = [group["metrics"]["rmse"]["AA"] ** 2 for group in scores.by["temperature"].values()]
    mean = np.average(rmse, weights=counts["temperature"])
    assert mean == pytest.approx(scores.metrics["rmse"]["values"]["AA"] ** 2, rel=1e-12)


def test_registry_names_are_unique_and_described() -> None:
    assert len({m.name for m in METRICS}) == len(METRICS)
    assert all(m.title and m.formula and m.better in ("higher", "lower", "nominal") for m in METRICS)
    assert all((m.better == "nominal") == (m.target is not None) for m in METRICS)


def test_truth_holds_the_published_table(truth: Truth, toy: Path) -> None:
    frame = read_table("extrapolation", "test", path=toy)
    np.testing.assert_array_equal(truth.g, curves(frame))
    np.testing.assert_array_equal(truth.T[truth.state], frame["T"])
    np.testing.assert_array_equal(truth.C_B[truth.state], frame["C_B"])
    groups = frame.groupby(["C_B", "S", "eps_AB"], sort=False).ngroup().to_numpy()
    pairs = set(zip(groups.tolist(), truth.composition[truth.state].tolist(), strict=True))
    assert len(pairs) == truth.n_compositions == 100  # one to one
    sigma = {"AA": 1.0, "AB": 0.75, "BB": 0.5}
    for i in np.flatnonzero(frame["S"] == 0.5)[:30]:
        assert truth.sigma[i] == sigma[frame["pair"][i]]
