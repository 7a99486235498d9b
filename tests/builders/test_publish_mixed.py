"""The mixed regime in a published folder: its tables, the card, the checks, and who reads it."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import yaml
from synthetic import DATE, off_grid_results, results, snapshots

from binlj import data, schema
from binlj.builders.analysis.assemble import StateResult
from binlj.builders.release import publish, verify
from binlj.builders.release.plausibility import check_physics
from binlj.errors import DataError, InputError
from binlj.eval import evaluate, naive_predictions
from binlj.tracks import split


@pytest.fixture(scope="module")
def mixed() -> list[StateResult]:
    """As the equilibrium, but every curve a little lower, so that nobody can mistake one for the other."""
    return [
        dataclasses.replace(r, g=0.9 * r.g, g_fine=0.9 * r.g_fine, phase="demixed", equilibration_steps=4000)
        for r in results()
    ]


@pytest.fixture(scope="module")
def folder(whole: list[StateResult], mixed: list[StateResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("mixed") / "binlj-rdf"
    publish.publish(whole, target=target, version="2.99.0", released=DATE, snapshots=snapshots(), mixed=mixed)
    return target


def test_every_track_of_the_grid_exists_in_both_regimes(folder: Path) -> None:
    assert data.tracks_of(folder) == (
        "extrapolation", "interpolation", "mixed_extrapolation", "mixed_interpolation"
    )  # fmt: skip
    for track in ("extrapolation", "interpolation"):
        for side in ("train", "test"):
            here = data.read_table(track, side, path=folder)
            there = data.read_table(track, side, regime="mixed", path=folder)
            assert here[["state_id", "pair"]].equals(there[["state_id", "pair"]])
            assert data.curves(there) == pytest.approx(0.9 * data.curves(here), rel=1e-6)
    assert (data.read_table("states", regime="mixed", path=folder).equilibration_steps == 4000).all()
    with pytest.raises(DataError, match="no off-grid states in the mixed regime"):
        data.read_table("offgrid", "test", regime="mixed", path=folder)


def test_names_of_regimes() -> None:
    assert schema.in_regime("states", "mixed") == "mixed_states"
    assert schema.in_regime("mixed_fine", "mixed") == "mixed_fine"
    with pytest.raises(InputError, match="not in the mixed regime"):
        schema.in_regime("snapshots", "mixed")
    with pytest.raises(InputError, match="not in the equilibrium regime"):
        schema.in_regime("mixed_states", "equilibrium")
    with pytest.raises(InputError, match="use one of: equilibrium, mixed"):
        schema.in_regime("states", "frozen")


def test_the_library_loads_them(folder: Path, tmp_path: Path) -> None:
    import datasets

    found = datasets.load_dataset(str(folder), "mixed_interpolation", cache_dir=str(tmp_path))
    assert {name: part.num_rows for name, part in found.items()} == {"train": 1200, "test": 300}


def test_card_says_first_that_it_is_not_equilibrium(folder: Path, published: Path) -> None:
    text = (folder / "README.md").read_text()
    section = text.split("## Mixed regime")[1].strip()
    assert section.startswith("**These curves are not equilibrium.**") and "steps\n4,000 to 14,000" not in section
    assert "first 70 τ" in section and "| demixed | 500 |" in section
    head = yaml.safe_load(text.split("---")[1])
    assert {c["config_name"] for c in head["configs"]} == {
        "extrapolation", "interpolation", "fine", "states", "snapshots",
        "mixed_extrapolation", "mixed_interpolation", "mixed_fine", "mixed_states",
    }  # fmt: skip
    assert "This copy of the dataset does not include it." in (published / "README.md").read_text()


def test_verify_checks_them(folder: Path, tmp_path: Path) -> None:
    assert verify.verify(folder).structure == ()
    import shutil

    copy = Path(shutil.copytree(folder, tmp_path / "binlj-rdf"))
    shutil.copyfile(folder / "fine" / "all.parquet", copy / "mixed_fine" / "all.parquet")
    problems = verify.check_structure(copy)
    assert any("mixed_fine/all.parquet was changed" in p for p in problems)
    assert any(p.startswith("mixed_extrapolation/train.parquet") and "not the merge" in p for p in problems)


def test_interpolation_is_drawn_anew_for_version_2(folder: Path, published: Path) -> None:
    old, new = (set(data.read_table("interpolation", "test", path=p).state_id) for p in (published, folder))
    assert old == {s.state_id for s in split("interpolation", version="1.9.0")[1]}
    assert new == {s.state_id for s in split("interpolation", version="2.99.0")[1]} != old
    assert verify.verify(published).structure == ()


def test_scores_are_those_of_the_regime(folder: Path) -> None:
    """The equilibrium's own curves are 1/0.9 of the truth here: an error that is known."""
    here = data.read_table("extrapolation", "test", path=folder)
    scores = evaluate(here[["state_id", "pair", "g"]], track="extrapolation", regime="mixed", dataset=folder, n_boot=10)
    assert scores.track == "mixed_extrapolation" and scores.skill["overall"] < 0.9
    exact = data.read_table("extrapolation", "test", regime="mixed", path=folder)
    exact = exact[["state_id", "pair", "g"]]
    best = evaluate(exact, track="mixed_extrapolation", dataset=folder, n_boot=10, naive=False)
    assert best.skill["overall"] == pytest.approx(1.0)
    frame = naive_predictions("mean_rdf", track="mixed_extrapolation", dataset=folder)
    other = naive_predictions("mean_rdf", track="extrapolation", dataset=folder)
    assert data.curves(frame) == pytest.approx(0.9 * data.curves(other), rel=1e-6)


def test_an_incomplete_regime_is_refused(whole: list[StateResult], mixed: list[StateResult], tmp_path: Path) -> None:
    def write(**more: object) -> None:
        publish.publish(whole, target=tmp_path / "binlj-rdf", version="2.99.0", snapshots=snapshots(), **more)

    with pytest.raises(InputError, match="1 of 500 states of the mixed regime have no records"):
        write(mixed=mixed[:-1])
    with pytest.raises(InputError, match="without its grid"):
        write(mixed_off_grid=off_grid_results())


def test_bounds_of_the_mixed_regime(folder: Path, tmp_path: Path) -> None:
    """Energy and pressure from g(r) have wider bounds there: 0.5 % and 0.05."""
    import shutil

    import pyarrow as pa
    import pyarrow.parquet as pq

    copy = Path(shutil.copytree(folder, tmp_path / "binlj-rdf"))
    for config, off in (("states", 1.004), ("mixed_states", 1.004), ("mixed_states", 1.006)):
        file = copy / config / "all.parquet"
        table = pq.read_table(folder / config / "all.parquet")
        column = table.schema.get_field_index("energy_from_rdf")
        energies = [off * e if i == 0 else e for i, e in enumerate(table["energy"].to_pylist())]
        pq.write_table(table.set_column(column, table.field(column), pa.array(energies)), file)
        found = [p for p in check_physics(copy) if "energy from g(r)" in p]
        first = table["state_id"][0].as_py()
        expected = [f"{first}: energy from g(r) is +0.40 % off LAMMPS's (bound 0.2 %)"]
        if off > 1.005:
            expected.append(f"mixed regime: {first}: energy from g(r) is +0.60 % off LAMMPS's (bound 0.5 %)")
        assert found == expected
