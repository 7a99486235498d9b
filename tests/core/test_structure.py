"""binlj.rdf and binlj.thermo: symmetry, published states, balances, and what a wrong input gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import binlj
from binlj import structure
from binlj.cli import main
from binlj.data import curves, read_table
from binlj.errors import DataError, InputError

HOMOGENEOUS = "T1.00-C0.300-S1.00-E1.00"
DEMIXED = "T0.80-C0.200-S1.00-E0.60"
SEVERAL = pd.DataFrame(
    {"T": [0.8, 0.6, 0.6, 0.7123], "C_B": [0.2, 0.5, 0.1, 0.25], "S": [1.0, 0.5, 2.0, 1.25],
     "eps_AB": [0.6, 0.2, 0.4, 0.9]}
)  # fmt: skip


@pytest.fixture(scope="module")
def facts() -> pd.DataFrame:
    return binlj.thermo(SEVERAL)


def test_species_that_are_equal_have_equal_rdfs() -> None:
    g = curves(binlj.rdf(T=1.0, C_B=0.3, S=1.0, eps_AB=1.0))
    assert np.abs(g - g[1]).max() < 0.02
    assert g.max() > 2.0


@pytest.mark.parametrize("state_id", [HOMOGENEOUS, DEMIXED])
def test_a_published_state_gets_its_curves_phase_and_energy(state_id: str) -> None:
    table = pd.concat([read_table("extrapolation", split) for split in ("train", "test")])
    known = table[table["state_id"] == state_id].sort_values("pair")
    state = known.iloc[:1][list(structure.INPUTS)]
    g, truth = curves(binlj.rdf(state)), curves(known)
    assert (np.abs(g - truth).sum(axis=1) < 0.15 * np.abs(truth - 1.0).sum(axis=1)).all()
    simulated = read_table("states").set_index("state_id").loc[state_id]
    found = binlj.thermo(state).iloc[0]
    assert found["phase"] == simulated["phase"]
    assert found["density"] == pytest.approx(simulated["density"], rel=0.02)
    assert found["energy"] == pytest.approx(simulated["energy"], rel=0.03)


def test_arrays_broadcast_and_a_frame_says_the_same() -> None:
    T = [0.7123, 1.1]
    arrays = binlj.rdf(T, C_B=0.25, S=1.25, eps_AB=[0.9])
    frame = binlj.rdf(pd.DataFrame({"eps_AB": 0.9, "S": 1.25, "C_B": 0.25, "T": T}))
    pd.testing.assert_frame_equal(arrays, frame)
    assert list(arrays["pair"]) == ["AA", "AB", "BB"] * 2
    assert arrays["T"].tolist() == [0.7123] * 3 + [1.1] * 3
    # more decimals than a state id holds change the curve: nothing is rounded to one
    assert np.abs(curves(arrays[:3]) - curves(binlj.rdf(0.71, 0.25, 1.25, 0.9))).max() > 1e-4


def test_the_phases_hold_all_the_particles(facts: pd.DataFrame) -> None:
    two = facts[facts["phase"] == "demixed"]
    assert len(two) == 3
    low, high = (1.0 - two["fraction"]) * two["density_low"], two["fraction"] * two["density_high"]
    np.testing.assert_allclose(low + high, two["density"], rtol=1e-9)
    np.testing.assert_allclose((low * two["C_B_low"] + high * two["C_B_high"]) / two["density"], two["C_B"], atol=1e-9)
    one = facts[facts["phase"] == "homogeneous"]
    assert one["C_B_low"].isna().all() and (one["fraction"] == 0).all()


def test_neighbours_across_species_are_counted_from_both_sides(facts: pd.DataFrame) -> None:
    np.testing.assert_allclose((1.0 - facts["C_B"]) * facts["n_AB"], facts["C_B"] * facts["n_BA"])


def test_every_input_out_of_range_is_named_at_once() -> None:
    with pytest.raises(InputError) as caught:
        binlj.rdf(T=[0.7, 2.0], C_B=-0.1, S=np.nan, eps_AB=0.5)
    problems = caught.value.problems
    assert [text.partition(" = ")[0] for text in problems] == ["T", "C_B", "S"]
    assert "2 lies outside 0.6 to 1.4 (1 of 2 states)" in problems[0]


def test_extrapolation_is_marked_and_has_limits() -> None:
    frame = binlj.rdf(T=[2.0, 1.2], C_B=0.3, S=1.0, eps_AB=0.8, extrapolate=True)
    assert frame["in_range"].tolist() == [False] * 3 + [True] * 3
    with pytest.raises(InputError, match="9 lies outside 0.55 to 3"):
        binlj.rdf(T=9.0, C_B=0.3, S=1.0, eps_AB=0.8, extrapolate=True)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ((0.7, 0.2), "S is missing"),
        ((pd.DataFrame({"T": [0.7], "S": [1.0]}),), "column 'C_B' is missing"),
        ((SEVERAL, 0.2), "C_B is given beside the frame"),
        (([0.7, 0.8], [0.1, 0.2, 0.3], 1.0, 0.5), "broadcast"),
        (("warm", 0.2, 1.0, 0.5), "numbers"),
        (([], [], [], []), "there is none"),
    ],
)
def test_inputs_that_are_not_four_columns_are_refused(given: tuple, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        binlj.rdf(*given)


@pytest.fixture
def another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    file = tmp_path / "fitted.npz"
    monkeypatch.setattr(structure, "FILE", file)
    structure.fitted.cache_clear()
    yield file
    structure.fitted.cache_clear()


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "no zip", "array missing"])
def test_a_damaged_model_file_is_named(another_file: Path, damage: str) -> None:
    whole = (Path(structure.__file__).parent / "theory" / "fitted.npz").read_bytes()
    if damage == "array missing":
        np.savez(another_file, gibbs=np.zeros(3))
    elif damage != "missing":
        another_file.write_bytes({"empty": b"", "cut": whole[: len(whole) // 2], "no zip": b"text"}[damage])
    with pytest.raises(DataError) as caught:
        binlj.rdf(0.7, 0.25, 1.25, 0.9)
    assert str(another_file) in str(caught.value)


def run(*args: object) -> int:
    try:
        main([str(a) for a in args])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_the_command_prints_and_writes_a_state(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    files = {name: tmp_path / f"state.{name}" for name in ("csv", "parquet", "png")}
    outputs = ["--csv", files["csv"], "--out", files["parquet"], "--plot", files["png"]]
    assert run("rdf", "T0.8-C0.2-S1-E0.6", *outputs) == 0
    assert "demixed (p demixed 1.00)" in capsys.readouterr().out
    lines, table = pd.read_csv(files["csv"]), pd.read_parquet(files["parquet"])
    assert lines.shape == (300, 10)
    np.testing.assert_allclose(lines["g"], curves(table).ravel(), rtol=1e-5, atol=1e-12)
    np.testing.assert_allclose(lines["r"][:2], [0.05, 0.15], rtol=1e-12)
    import matplotlib.image

    picture = matplotlib.image.imread(files["png"])[..., :3]
    assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 100


def test_the_command_reads_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SEVERAL.to_csv(tmp_path / "states.csv", index=False)
    assert run("rdf", "--states", tmp_path / "states.csv", "--out", tmp_path / "out.parquet") == 0
    assert len(capsys.readouterr().out.splitlines()) == len(SEVERAL)
    assert pd.read_parquet(tmp_path / "out.parquet")["T"][::3].tolist() == SEVERAL["T"].tolist()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ((), "needs a STATE or --states FILE"),
        (("T0.8-C0.2-S1-E0.6", "--states", "states.csv"), "not both"),
        (("--states", "absent.csv"), "absent.csv: 1 problem\n  - no such file"),
        (("--states", "wrong.csv"), "column 'eps_AB' is missing"),
        (("--states", "not.parquet"), "not.parquet: 1 problem\n  - cannot be read"),
        (("--states", "states.csv", "--plot", "a.png"), "draws one STATE"),
        (("T0.8-C0.2-S1-E0.6", "--plot", "a.gif"), "use .png, .svg or .pdf"),
        (("hot",), "not of the form"),
    ],
)
def test_the_command_says_what_is_wrong(
    args: tuple[str, ...],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    SEVERAL.to_csv("states.csv", index=False)
    SEVERAL.rename(columns={"eps_AB": "eps"}).to_csv("wrong.csv", index=False)
    Path("not.parquet").write_text("T,C_B\n", encoding="utf-8")
    assert run("rdf", *args) == 2
    assert said in capsys.readouterr().err
