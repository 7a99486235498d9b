"""Some of the states only: scored as scikit-learn would, never by default, and as strict as a whole file."""

from __future__ import annotations

from pathlib import Path

import jsonschema
import numpy as np
import pandas as pd
import pytest
from eval_cases import scored_curves, value
from sklearn.metrics import r2_score

from binlj.cli import main
from binlj.errors import InputError
from binlj.eval import evaluate, naive_predictions, scores_schema, template, validate, write_predictions
from binlj.eval.metrics import METRICS, Case
from binlj.eval.truth import Truth, restrict, rows_of
from binlj.grid import PAIRS

TRACK = "extrapolation"


@pytest.fixture(scope="module")
def states(truth: Truth) -> tuple[str, ...]:
    """Twenty states of many compositions, both temperatures, not in the published order."""
    return truth.state_id[3::10][::-1]


@pytest.fixture(scope="module")
def noisy(truth: Truth, toy: Path) -> pd.DataFrame:
    """The truth with an error, for the whole test set."""
    g = truth.g + 0.1 * np.random.default_rng(1).standard_normal(truth.g.shape)
    frame = template(TRACK, dataset=toy)
    return frame.assign(g=list(g), g_std=list(np.full(g.shape, 0.1)))


def only(frame: pd.DataFrame, states: tuple[str, ...]) -> pd.DataFrame:
    return frame[frame["state_id"].isin(states)].sample(frac=1, random_state=2)


def test_r2_and_ceiling_are_those_of_the_covered_states(
    truth: Truth, noisy: pd.DataFrame, states: tuple[str, ...], toy: Path
) -> None:
    scores = evaluate(only(noisy, states), track=TRACK, dataset=toy, partial=True)
    assert (scores.n_states, scores.of_states, scores.n_curves) == (20, 200, 60)
    rows = rows_of(truth, states) & scored_curves(truth)
    g = np.stack(noisy["g"])
    for code, pair in [*enumerate(PAIRS), (-1, "overall")]:
        use = rows & ((truth.pair == code) | (code == -1))
        y, noise = truth.g[use].ravel(), truth.g_stderr[use].ravel()
        assert scores.r2[pair] == pytest.approx(r2_score(y, g[use].ravel()), abs=1e-12)
        ceiling = 1 - (noise**2).sum() / ((y - y.mean()) ** 2).sum()
        assert scores.noise_ceiling[pair] == pytest.approx(ceiling, abs=1e-12)
        assert scores.ceiling_share[pair] == pytest.approx(scores.r2[pair] / ceiling, abs=1e-12)
    assert scores.bootstrap["n_units"] == len({truth.keys[i][0].split("-", 1)[1] for i in np.flatnonzero(rows)})
    assert any("covers 20 of 200 test states" in warning for warning in scores.warnings)
    jsonschema.validate(scores.to_dict(), scores_schema())
    whole = evaluate(noisy, track=TRACK, dataset=toy)
    assert abs(scores.r2["overall"] - whole.r2["overall"]) > 1e-3  # the two do not compare


def test_the_truth_of_some_states_is_perfect(truth: Truth, states: tuple[str, ...], toy: Path) -> None:
    frame = template(TRACK, dataset=toy).assign(g=list(truth.g))
    scores = evaluate(only(frame, states), track=TRACK, dataset=toy, partial=True, n_boot=5)
    assert scores.r2 == dict.fromkeys((*PAIRS, "overall"), 1.0)
    for name in ("rmse", "peak_height", "peak_position", "coordination", "wasserstein", "energy"):
        assert scores.metrics[name]["values"]["overall"] == 0.0, name


def test_naive_baselines_beside_it_are_of_the_same_states(truth: Truth, states: tuple[str, ...], toy: Path) -> None:
    frame = only(template(TRACK, dataset=toy), states)
    scores = evaluate(frame, track=TRACK, dataset=toy, partial=True, n_boot=2)
    rows = rows_of(truth, states) & scored_curves(truth)
    for name, values in scores.naive_r2.items():
        g = np.stack(naive_predictions(name, track=TRACK, dataset=toy)["g"])
        expected = r2_score(truth.g[rows].ravel(), g[rows].ravel())
        assert values["overall"] == pytest.approx(expected, rel=1e-9), name


def test_every_metric_of_a_subset_is_made_of_its_own_curves(
    truth: Truth, noisy: pd.DataFrame, states: tuple[str, ...]
) -> None:
    whole = Case(truth, np.stack(noisy["g"]), np.stack(noisy["g_std"]))
    part = whole.restricted(states)
    rows = rows_of(truth, states)
    kept = np.array([name in states for name in truth.state_id])
    for metric in METRICS:
        if metric.name in ("r2", "noise_ceiling", "ceiling_share"):
            continue  # measured from the mean of the set they belong to
        here = rows if metric.level == "curve" else kept
        np.testing.assert_allclose(metric.terms(part), metric.terms(whole)[here], rtol=1e-12, err_msg=metric.name)
    assert value("rmse", part) != value("rmse", whole)


def test_a_restricted_truth_keeps_what_belongs_together(truth: Truth, states: tuple[str, ...]) -> None:
    part = restrict(truth, states)
    assert set(part.state_id) == set(states) and part.of_states == len(truth.state_id)
    assert part.keys == tuple(key for key in truth.keys if key[0] in states)
    assert [part.state_id[i] for i in part.state] == [state for state, _ in part.keys]
    for i, name in enumerate(part.state_id):
        j = truth.state_id.index(name)
        assert (part.T[i], part.C_B[i], part.density[i]) == (truth.T[j], truth.C_B[j], truth.density[j])
    compositions = [name.split("-", 1)[1] for name in part.state_id]
    assert len(set(zip(compositions, part.composition.tolist(), strict=True))) == part.n_compositions
    everything = restrict(truth, truth.state_id)
    np.testing.assert_array_equal(everything.composition, truth.composition)


def test_a_whole_file_scores_the_same_either_way(noisy: pd.DataFrame, toy: Path) -> None:
    a, b = (evaluate(noisy, track=TRACK, dataset=toy, n_boot=20, partial=p).to_dict() for p in (False, True))
    assert a == b and a["n_states"] == a["of_states"] == 200


def test_one_composition_has_no_interval(truth: Truth, noisy: pd.DataFrame, toy: Path) -> None:
    pair = tuple(name for name in truth.state_id if name.endswith("C0.300-S1.50-E0.40"))
    scores = evaluate(only(noisy, pair), track=TRACK, dataset=toy, partial=True)
    assert scores.n_states == 2 and scores.bootstrap["n_units"] == 1
    assert scores.r2["overall"] is not None and scores.r2_ci95["overall"] == [None, None]


def test_never_by_default(noisy: pd.DataFrame, states: tuple[str, ...], toy: Path) -> None:
    with pytest.raises(InputError, match="540 of 600 keys are missing"):
        evaluate(only(noisy, states), track=TRACK, dataset=toy)
    assert not validate(only(noisy, states), track=TRACK, dataset=toy).ok
    assert validate(only(noisy, states), track=TRACK, dataset=toy, partial=True).ok


def test_all_other_checks_stay(noisy: pd.DataFrame, states: tuple[str, ...], toy: Path) -> None:
    good = noisy[noisy["state_id"].isin(states)].reset_index(drop=True)
    first = good["state_id"][0]

    def problems(frame: pd.DataFrame) -> str:
        return "\n".join(validate(frame, track=TRACK, dataset=toy, partial=True).problems)

    def spoil(i: int, g: object) -> pd.DataFrame:
        return good.assign(g=[g if j == i else old for j, old in enumerate(good["g"])])

    assert problems(good) == ""
    half = problems(good.drop(index=[1]))
    assert f"1 of 60 keys are missing: {first} AB; a state needs all of AA, AB, BB" in half
    assert "covers 1 of 200 test states, at least 2" in problems(good[good["state_id"] == first])
    assert "covers 0 of 200 test states" in problems(good.iloc[:0])
    elsewhere = problems(good.replace({"state_id": {first: "T1.00-C0.100-S1.00-E1.00"}}))
    assert "3 keys are not in the test set: T1.00-C0.100-S1.00-E1.00 AA" in elsewhere and "missing" not in elsewhere
    assert "2 keys appear more than once" in problems(pd.concat([good, good.iloc[:2]]))
    assert "unknown 'BA'" in problems(good.replace({"pair": {"AB": "BA"}}))
    assert "1 values are NaN" in problems(spoil(4, np.where(np.arange(100) == 9, np.nan, 1.0)))
    assert "do not have 100 values but 99" in problems(spoil(4, np.ones(99)))
    assert "column g is missing" in problems(good.drop(columns="g"))
    assert "column state_id is missing" in problems(good.drop(columns="state_id"))


def test_the_command(
    noisy: pd.DataFrame, states: tuple[str, ...], toy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "some.parquet"
    write_predictions(path, only(noisy, states))
    arguments = ["evaluate", str(path), "--track", TRACK, "--dataset", str(toy), "--n-boot", "5"]
    main([*arguments, "--partial"])
    assert "60 RDFs of 20 of 200 states" in " ".join(capsys.readouterr().out.split())
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    assert "540 of 600 keys are missing" in capsys.readouterr().err


def test_at_least_two_converged_states_are_needed(noisy: pd.DataFrame, truth: Truth, toy: Path) -> None:
    unsettled = np.array(truth.state_id)[~truth.converged][:3].tolist()
    settled = np.array(truth.state_id)[truth.converged][:2].tolist()
    with pytest.raises(InputError, match="covers 1 converged test states, at least 2"):
        evaluate(only(noisy, (*unsettled, settled[0])), track=TRACK, dataset=toy, partial=True)
    scores = evaluate(only(noisy, (*unsettled, *settled)), track=TRACK, dataset=toy, partial=True, n_boot=2)
    assert (scores.n_states, scores.n_scored_states) == (5, 2)
    assert scores.skill == evaluate(only(noisy, tuple(settled)), track=TRACK, dataset=toy, partial=True, n_boot=2).skill
