"""gp_ensemble: its parts against known answers, its selection, and that no test value can reach it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from binlj.baselines import ensemble_selection as selection
from binlj.baselines import gaussian_process as gp
from binlj.baselines import load_model, make_model, regimes, save_model, spread, transforms
from binlj.baselines.ensemble_selection import Held, r2
from binlj.baselines.frames import frame_states
from binlj.baselines.members import (
    MEMBERS,
    Member,
    bounded,
    ceiling,
    fit_process,
    pair_table,
    predict_process,
    share,
)
from binlj.data import curves, read_table
from binlj.errors import DataError, InputError
from binlj.grid import State, grid
from binlj.pets import pets_stable

EDGES = ("cold", "hot")


def predict(model, frame: pd.DataFrame) -> np.ndarray:
    return model.predict(frame_states(frame), list(frame["pair"]))


@pytest.fixture(scope="module")
def fitted(small_train: pd.DataFrame):
    model = make_model("gp_ensemble")
    model.fit(small_train)
    return model


def test_process_interpolates_without_noise():
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (40, 4))
    y = np.column_stack([np.sin(x @ [1, 2, 0.5, 1]), x[:, 0] * x[:, 1]])
    theta = np.log(np.array([1.0, 0.5, 1e-8, 2, 2, 2, 2, 2, 2, 2]))
    found = gp.predict(gp.fit(x, y, np.zeros(40), theta=theta), x)
    np.testing.assert_allclose(found, y, atol=1e-4)


def test_process_extrapolates_a_slope_in_the_first_coordinate():
    grid = np.array(
        [(t, a, b, c) for t in (0.8, 1.0, 1.2) for a in (0, 1) for b in (0, 1, 2) for c in (0, 1)], float
    )
    true = lambda x: ((1 + x[:, 1] + 0.3 * x[:, 2]) * (2 - x[:, 0]))[:, None] * np.array([[1.0, -2.0, 0.5]])  # noqa: E731
    fitted = gp.fit(grid, true(grid), np.zeros(len(grid)))
    beyond = grid[grid[:, 0] == 0.8] - [0.2, 0, 0, 0]
    assert r2(true(beyond), gp.predict(fitted, beyond)) > 0.99


def test_kernel_derivatives_are_those_of_the_kernel():
    rng = np.random.default_rng(1)
    z = rng.standard_normal((12, 4))
    squares, product = gp._squares(z, z), np.outer(z[:, 0], z[:, 0])
    theta = gp._START + 0.3 * rng.standard_normal(10)
    kernel, slopes = gp._parts(theta, squares, product)
    for slope, i in zip(slopes, (0, 1, 3, 4, 5, 6, 7, 8, 9), strict=True):
        moved = theta.copy()
        moved[i] += 1e-6
        np.testing.assert_allclose((gp._parts(moved, squares, product)[0] - kernel) / 1e-6, slope, atol=1e-4)


@pytest.mark.parametrize("form", transforms.FORMS)
def test_forms_invert(form: str):
    rng = np.random.default_rng(2)
    g, T, top = rng.uniform(0, 30, (5, 100)), rng.uniform(0.6, 1.4, 5), np.full((5, 100), 40.0)
    base = np.stack([transforms.boltzmann(round(t, 2), 1.5, 0.4, "AB") for t in T])
    v = transforms.forward(form, g, T, base, top)
    np.testing.assert_allclose(transforms.inverse(form, v, T, base, top), g, atol=1e-9)
    small = transforms.spread(form, g, np.full_like(g, 1e-6), T, base, top) / 1e-6
    by_g = {
        "g": 1.0,
        "log": 1 / (g + 0.05),
        "pmf": T[:, None] / (g + 0.05),
        "cavity": 1 / (g + 0.05),
        "saturating": 1 / (g + 0.05) + 1 / (40.05 - g),
        "odds": 1 / (g + 0.05) + 1 / (40.05 - g),
    }[form]
    np.testing.assert_allclose(small, np.broadcast_to(by_g, g.shape), rtol=1e-4)


def test_boltzmann_factor():
    f = transforms.boltzmann(0.8, 2.0, 0.5, "BB")
    assert f[:10].max() < 1e-12  # deep in the core
    # Bin 25 is 2.5 to 2.6; the minimum 2^(1/6) * 2 = 2.245 lies in bin 22, depth 1 minus the shift at 2.5.
    shift = 4 * (2.5**-12 - 2.5**-6)
    assert f[22] == pytest.approx(np.exp((1 + shift) / 0.8), rel=0.01)
    assert f.argmax() == 22
    np.testing.assert_array_equal(f[50:], 1.0)  # beyond 2.5 sigma


@pytest.mark.parametrize("form", ["saturating", "odds"])
def test_bounded_forms_never_exceed_the_ceiling(form: str):
    top = np.full((1, 100), 7.0)
    for v in (-1e9, 0.0, 1e9):
        g = transforms.inverse(form, np.full((1, 100), v), np.ones(1), top, top)
        assert (g <= 7.1).all()
        assert (g >= -0.05).all()


def test_ceiling_is_a_local_density(small_train: pd.DataFrame):
    table = pair_table(small_train, "BB")
    top = ceiling(table, table)
    dilute, rich = table.state[:, 1] == 0.1, table.state[:, 1] == 0.3
    np.testing.assert_allclose(top[dilute][0] * 0.1, top[rich][0] * 0.3)
    assert (top >= table.g).all()
    g = bounded(table.g + 1e6, table, table)
    np.testing.assert_array_equal(g, top)
    np.testing.assert_allclose(share("AB", table.state), 1 - table.state[:, 1])


def processes(n: int) -> tuple[Member, ...]:
    return tuple(Member(f"m{i}", "g", "plain") for i in range(n))


def test_stack_finds_the_right_members():
    rng = np.random.default_rng(3)
    g = rng.normal(size=(60, 100))
    predicted = np.stack([g + rng.normal(size=g.shape), g, g - 1, rng.normal(size=g.shape)])
    w = selection.stack(Held("cold", "AA", np.arange(60) // 2, g, predicted), members=processes(4))
    np.testing.assert_allclose(w.member, [0, 1, 0, 0], atol=1e-9)
    assert w.hedge == 0  # an exact member leaves nothing to the median
    # Two members with opposite errors: half each, and better than either.
    noise = rng.normal(size=g.shape)
    held = Held("cold", "AA", np.arange(60) // 2, g, np.stack([g + noise, g - noise, g + 3]))
    np.testing.assert_allclose(selection.stack(held, members=processes(3)).member, [0.5, 0.5, 0], atol=1e-6)


def test_hedge_keeps_a_runaway_member_in_check():
    """As good as the others where tested, far off elsewhere: the median halves what it can do."""
    rng = np.random.default_rng(5)
    g, same = rng.normal(size=(40, 100)), rng.normal(size=(40, 100))
    held = Held("cold", "AA", np.arange(40), g, np.stack([g + same, g + same, g + same]))
    w = selection.stack(held, members=processes(3))
    assert w.hedge == pytest.approx(0.5)
    elsewhere = np.stack([np.full((2, 100), v) for v in (1.0, 1.0, 100.0)])
    mean = w.member @ [1.0, 1.0, 100.0]
    np.testing.assert_allclose(w.combine(elsewhere, processes(3)), 0.5 + 0.5 * mean)
    naive = (Member("linear_T"), *processes(2))
    assert (
        selection.Weights(np.array([1.0, 0, 0]), 0.5).combine(elsewhere, naive)[0, 0] == 0.5 * 1 + 0.5 * 50.5
    )


def test_cross_fitted_weights_do_not_see_the_composition():
    """A member that is right in one composition only must get no weight where that one is held out."""
    rng = np.random.default_rng(4)
    g = rng.normal(size=(50, 100))
    special = g + 10.0
    special[:10] = g[:10]
    held = Held("cold", "AA", np.arange(50) // 10, g, np.stack([g + 1.0, special]))
    members = (Member("good", "g", "plain"), Member("linear_T"))  # the median is that of the first
    np.testing.assert_allclose(selection.cross_fitted(held, members=members)[0][:10], g[:10] + 1.0, atol=1e-6)


def test_folds_hold_out_the_edge_and_whole_states(small_train: pd.DataFrame):
    ((inner, held),) = regimes.folds(small_train, "cold", 0)
    assert set(held["T"]) == {0.8}
    assert set(inner["T"]) == {1.0, 1.2}
    ((inner, held),) = regimes.folds(small_train, "hot", 0)
    assert set(held["T"]) == {1.2}
    parts = list(regimes.folds(small_train, "inside", 0))
    assert sum(len(h) for _, h in parts) == len(small_train)
    for inner, held in parts:
        assert not set(inner["state_id"]) & set(held["state_id"])


def linear_in_temperature(frame: pd.DataFrame) -> pd.DataFrame:
    """g = a + b T with a, b that vary wildly from composition to composition and bin to bin."""
    frame = frame.copy()
    g = []
    for c, s, e, pair, T in zip(
        frame["C_B"], frame["S"], frame["eps_AB"], frame["pair"], frame["T"], strict=True
    ):
        rng = np.random.default_rng([round(100 * v) for v in (c, s, e)] + [ord(pair[1]) + ord(pair[0])])
        g.append(rng.uniform(3, 4, 100) + rng.uniform(-1, 1, 100) * (T - 1))
    frame["g"] = g
    frame["g_stderr"] = [np.zeros(100)] * len(frame)
    return frame


def test_recovers_a_dataset_linear_in_temperature(small_train: pd.DataFrame, small_test: pd.DataFrame):
    model = make_model("gp_ensemble", regimes=EDGES)
    model.fit(linear_in_temperature(small_train))
    truth = linear_in_temperature(small_test)
    np.testing.assert_allclose(predict(model, truth), curves(truth), atol=1e-6)


def test_selection_table_covers_everything(fitted):
    names = [m.name for m in MEMBERS] + [selection.MEDIAN, "ensemble"]
    assert [(r.regime, r.candidate) for r in fitted.table] == [
        (g, n) for g in regimes.REGIMES for n in names
    ]
    for regime in regimes.REGIMES:
        for pair in ("AA", "AB", "BB"):
            w = [r.weight[pair] for r in fitted.table if r.regime == regime and r.weight]
            assert min(w) >= 0
            assert sum(w) == pytest.approx(1)


def test_beats_the_nearest_temperature(fitted, small_train: pd.DataFrame, small_test: pd.DataFrame):
    naive = make_model("nearest_temperature")
    naive.fit(small_train)
    truth = curves(small_test)
    assert r2(truth, predict(fitted, small_test)) > r2(truth, predict(naive, small_test)) + 0.02


def test_save_and_load(fitted, small_test: pd.DataFrame, tmp_path: Path):
    save_model(fitted, tmp_path)
    loaded = load_model(tmp_path)
    query = frame_states(small_test), list(small_test["pair"])
    for ours, theirs in zip(loaded.predict_with_std(*query), fitted.predict_with_std(*query), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9)
    assert loaded.n_parameters == fitted.n_parameters > 3 * len(MEMBERS)


def test_members_spread_is_that_of_the_mixture():
    """Weights 1/4 and 3/4 on 0 and 4: mean 3, standard deviation sqrt(3); half a hedge adds the processes alike."""
    predicted = np.stack([np.zeros((1, 100)), np.full((1, 100), 4.0)])
    w = selection.Weights(np.array([0.25, 0.75]), 0.0)
    np.testing.assert_allclose(w.spread(predicted, np.full((1, 100), 3.0), processes(2)), np.sqrt(3))
    hedged = selection.Weights(np.array([0.25, 0.75]), 0.5)
    np.testing.assert_allclose(
        hedged.spread(predicted, np.full((1, 100), 2.5), processes(2)), np.sqrt(0.375 * 2.5**2 + 0.625 * 1.5**2)
    )


@pytest.mark.parametrize("true", [(1.5, 0.0, 0.0), (0.0, 0.2, 0.0), (0.0, 0.0, 0.4)])
def test_standard_deviation_finds_where_the_error_came_from(true: tuple[float, float, float]):
    rng = np.random.default_rng(0)
    g, members = rng.uniform(0.5, 3.0, (400, 100)), rng.uniform(0.02, 0.2, (400, 100))
    std = spread.standard_deviation(np.array(true), g, members)
    truth = g + std * rng.normal(size=g.shape)
    fitted = spread.standard_deviation(spread.fit_factors(truth, g, members), g, members)
    assert np.quantile(np.abs(fitted / std - 1), 0.9) < 0.1
    assert np.mean(np.abs(truth - g) < fitted) == pytest.approx(0.683, abs=0.01)


def test_the_core_is_sure_where_the_members_agree():
    g = np.concatenate([np.zeros(8), np.full(92, 1.3)])[None]
    std = spread.standard_deviation(np.array([1.0, 0.3, 0.0]), g, np.zeros_like(g))
    assert (std[0, :8] == 0).all()
    np.testing.assert_allclose(std[0, 8:], 0.3 * 0.3 * 1.3)


def test_its_standard_deviation_is_written_with_the_predictions(small: Path, tmp_path: Path):
    from binlj.baselines.training import predict_track, train_model

    settings = {"regimes": list(EDGES)}
    train_model("gp_ensemble", track="extrapolation", out=tmp_path, dataset=small, parameters=settings)
    frame, _ = predict_track(tmp_path, dataset=small)
    states = frame_states(read_table("extrapolation", "test", path=small))
    g, std = load_model(tmp_path).predict_with_std(states, list(frame["pair"]))
    np.testing.assert_allclose(curves(frame), g)
    np.testing.assert_allclose(curves(frame, "g_std"), std)
    assert (std > 0).any(axis=1).all()


def test_regimes_by_temperature(fitted):
    """Between, below and above the training temperatures; off the grid too; never out of bounds."""
    states = [State(T, 0.2, 1.0, 0.5) for T in (0.5, 0.8, 0.9, 1.2, 1.5)]
    for pair in ("AA", "AB", "BB"):
        g = fitted.predict(states, [pair] * 5)
        assert np.isfinite(g).all()
        assert (g >= 0).all()


def test_missing_regime_is_an_error(small_train: pd.DataFrame, small_test: pd.DataFrame):
    with pytest.raises(InputError, match="regimes"):
        make_model("gp_ensemble", regimes=["lukewarm"])
    model = make_model("gp_ensemble", regimes=["hot"])
    model.fit(small_train[small_train["eps_AB"] != 7])
    with pytest.raises(InputError, match="no weights for cold"):
        predict(model, small_test)


def test_needs_three_temperatures_and_fifteen_states(small_train: pd.DataFrame):
    with pytest.raises(DataError) as caught:
        make_model("gp_ensemble").fit(small_train[small_train["T"] < 1.1])
    assert len(caught.value.problems) == 2


def test_test_values_cannot_reach_any_model(small: Path, tmp_path: Path):
    """Poison: with every test curve replaced by NaN, trainings and predictions are the same, bit for bit."""
    from binlj.baselines.training import predict_track, train_model

    poisoned = tmp_path / "binlj-rdf"
    shutil.copytree(small, poisoned)
    file = poisoned / "extrapolation" / "test.parquet"
    table = pq.read_table(file)
    nan = pa.array([[float("nan")] * 100] * len(table), table.schema.field("g").type)
    for column in ("g", "g_stderr"):
        table = table.set_column(table.schema.get_field_index(column), table.schema.field(column), nan)
    pq.write_table(table, file)
    assert np.isnan(curves(read_table("extrapolation", "test", path=poisoned))).all()
    models = {
        "linear_pmf": {},
        "gp_ensemble": {"regimes": list(EDGES)},
        "xgboost": {"depths": [3], "max_trees": 5, "folds": 2},
    }
    for name, parameters in models.items():
        found = []
        for which, dataset in (("clean", small), ("poisoned", poisoned)):
            out = tmp_path / f"{name}-{which}"
            train_model(name, track="extrapolation", out=out, dataset=dataset, parameters=parameters)
            found.append(curves(predict_track(out, dataset=dataset)[0]))
        np.testing.assert_array_equal(found[0], found[1])
        assert np.isfinite(found[0]).all()


def test_a_jump_at_the_phase_boundary_is_not_smeared():
    """g is one wave where PeTS calls the mixture stable and another where not; the boundary moves with T*."""
    rows = []
    r = np.arange(100) / 10 + 0.05
    for state in grid():
        stable = pets_stable(state) is True
        g = 1 + (0.1 if stable else 0.8) * np.sin(3 * r) * np.exp(-r / 4) / state.T
        rows.append(
            {"state_id": state.state_id, "T": state.T, "C_B": state.C_B, "S": state.S, "eps_AB": state.eps_AB,
             "pair": "AA", "r": r, "g": g, "g_stderr": np.full(100, 1e-3)}
        )  # fmt: skip
    frame = pd.DataFrame(rows)
    held = frame["T"] == 0.6
    table, query = pair_table(frame[~held], "AA"), pair_table(frame[held], "AA")
    crossed = [not a and b for a, b in zip(query.stable, table.stable[table.state[:, 0] == 0.8], strict=True)]
    assert sum(crossed) > 10, "states that demix on cooling, of which the training set shows only the other side"
    member = Member("gp g plain", "g", "plain")
    found = predict_process(member, fit_process(member, table), query, table)
    assert r2(query.g, found) > 0.95
    assert r2(query.g[crossed], found[crossed]) > 0.95
