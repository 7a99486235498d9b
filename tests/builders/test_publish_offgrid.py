"""The off-grid states in the published folder: beside the grid's tables, which they do not change."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from synthetic import chain

from binlj import data, schema
from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import StateResult
from binlj.builders.records.record import write_records
from binlj.builders.release import publish, verify
from binlj.builders.validation import version_diff
from binlj.cli import main
from binlj.errors import DataError, InputError
from binlj.grid import GRID_C_B, State, grid
from binlj.offgrid import offgrid


def test_tables_of_the_grid_stay_byte_for_byte(published: Path, with_off_grid: Path) -> None:
    before, after = (data.dataset_info(path=folder) for folder in (published, with_off_grid))
    tables = {name for name in after["files"] if name.endswith(".parquet")}
    assert tables == {*schema.ALWAYS, *schema.OFFGRID.files}
    for name in schema.ALWAYS:
        assert (published / name).read_bytes() == (with_off_grid / name).read_bytes(), name
    assert before["data_sha256"] != after["data_sha256"]
    for track in ("extrapolation", "interpolation"):
        assert data.track_hash(before, track) == data.track_hash(after, track)


def test_the_config_loads_with_the_grid_as_training_split(with_off_grid: Path, tmp_path: Path) -> None:
    import datasets

    cache = str(tmp_path / "cache")
    found = datasets.load_dataset(str(with_off_grid), "offgrid", cache_dir=cache)
    assert {name: split.num_rows for name, split in found.items()} == {"train": 1500, "test": 300}
    grid_ids, ids = ({*found[name]["state_id"]} for name in ("train", "test"))
    assert grid_ids == {s.state_id for s in grid()} and ids == {s.state_id for s in offgrid()}
    assert found["train"].features == datasets.load_dataset(str(with_off_grid), cache_dir=cache)["train"].features
    assert not (with_off_grid / "offgrid" / "train.parquet").exists(), "no copies"
    states = datasets.load_dataset(str(with_off_grid), "states", cache_dir=cache)
    assert {name: split.num_rows for name, split in states.items()} == {"full": 500, "offgrid": 100}


def test_card_and_croissant_name_them(with_off_grid: Path, published: Path) -> None:
    text = (with_off_grid / "README.md").read_text()
    assert "98 of 100 off-grid states are converged." in text and "| production steps | 2 |" in text
    assert "500 of 500 states (100 %) meet every criterion" in text, "other numbers are of the grid"
    configs = {c["config_name"]: c for c in yaml.safe_load(text.split("---")[1])["configs"]}
    files = [f["path"] for f in configs["offgrid"]["data_files"]]
    assert files == [["extrapolation/train.parquet", "extrapolation/test.parquet"], "offgrid/test.parquet"]
    named = {f["contentUrl"] for f in json.loads((with_off_grid / "croissant.json").read_text())["distribution"]}
    assert named == {*schema.ALWAYS, *schema.OFFGRID.files}
    assert "This copy of the dataset does not include them." in (published / "README.md").read_text()


def test_verify_checks_them(with_off_grid: Path, tmp_path: Path) -> None:
    report = verify.verify(with_off_grid)
    assert report.structure == () and report.physics == () and len(report.checked) == 9
    folder = Path(shutil.copytree(with_off_grid, tmp_path / "binlj-rdf"))
    name, (a, b) = "states/offgrid.parquet", (s.state_id for s in offgrid()[:2])
    table = pq.read_table(folder / name)
    frame = table.to_pandas()
    frame.loc[frame.state_id == a, "T"] = 0.6
    frame.loc[frame.state_id == b, "state_id"] = grid()[0].state_id
    frame.loc[2, "energy_from_rdf"] = -5.0
    pq.write_table(pa.Table.from_pandas(frame, schema=table.schema, preserve_index=False), folder / name)
    text = "\n".join(verify.check_structure(folder))
    for part in (
        f"{name} was changed", f"{name}: {a}: T, C_B, S, eps_AB are", f"{name}: {b} is missing",
        f"{name}: {grid()[0].state_id} is not of the off-grid states",
    ):
        assert part in text, part
    assert any(f"{offgrid()[2].state_id}: energy from g(r)" in line for line in verify.check_physics(folder))
    (folder / "offgrid" / "test.parquet").unlink()
    assert "offgrid/test.parquet is missing" in verify.check_structure(folder)


def test_the_grid_may_be_kept_as_published(
    published: Path, off_grid: list[StateResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("binlj.paths.dataset_dir", lambda: published)
    target = tmp_path / "binlj-rdf"
    publish.publish(None, target=target, version="0.2.0", snapshots=None, off_grid=off_grid)
    for name in schema.ALWAYS:
        assert (published / name).read_bytes() == (target / name).read_bytes(), name
    publish.publish(None, target=target, version="0.2.1", snapshots=None, off_grid=off_grid[:-1], partial=True)
    assert len(data.read_table("offgrid", "test", path=target)) == 297
    with pytest.raises(InputError, match=r"tables are of version 0.2.1, without the columns of 2.0.0"):
        publish.publish(None, target=target, version="2.0.0", snapshots=None, off_grid=off_grid)
    (target / "fine" / "all.parquet").write_bytes(b"other")
    with pytest.raises(DataError, match="fine/all.parquet was changed"):
        publish.publish(None, target=target, version="0.2.2", snapshots=None, off_grid=off_grid)


def test_a_set_with_gaps_or_strangers_is_refused(
    whole: list[StateResult], off_grid: list[StateResult], tmp_path: Path
) -> None:
    strange = dataclasses.replace(off_grid[0], state=State(0.7, 0.1, 1.0, 1.0))
    with pytest.raises(InputError) as error:
        publish.publish(
            whole, target=tmp_path / "x", version="0.2.0", snapshots=None, off_grid=[*off_grid[1:50], strange]
        )
    assert "51 of 100 off-grid states have no records" in str(error.value)
    assert "T0.70-C0.100-S1.00-E1.00 is not an off-grid state" in str(error.value)


def test_command_assembles_both_stores(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    stores = {"grid": grid()[250], "offgrid": offgrid()[50]}
    for name, state in stores.items():
        write_records(tmp_path / name / "loose" / "a.parquet", chain(state, n=1000, frames=4, seed=3))
    target = tmp_path / "binlj-rdf"
    main([
        "publish", "--store", str(tmp_path / "grid"), "--offgrid-store", str(tmp_path / "offgrid"), "--partial",
        "--dataset", str(target), "--snapshots", "refresh", "--workers", "1", "--version", "0.9.0",
    ])  # fmt: skip
    assert "off the grid: 1 states (1 homogeneous" in capsys.readouterr().out
    assert "INCOMPLETE: 99 states are missing" in (target / "README.md").read_text()
    main(["verify", "--dataset", str(target), "--partial"])
    for split, state in (("all", stores["grid"]), ("offgrid", stores["offgrid"])):
        assert list(data.read_table("states", split, path=target)["state_id"]) == [state.state_id]


def test_version_diff_lists_what_is_new(published: Path, with_off_grid: Path) -> None:
    frame = version_diff.compare(published, with_off_grid)
    r2 = version_diff.scores(published, with_off_grid)
    text, _ = version_diff.report(frame, r2, version_diff.changes(published, with_off_grid), published, with_off_grid)
    assert len(frame) == 500 and frame[["rms_AA", "rms_AB", "rms_BB"]].to_numpy().max() == 0.0
    assert set(r2) == {"extrapolation", "interpolation"}
    assert "New tables: offgrid/test.parquet, states/offgrid.parquet." in text and "Changed tables: none." in text


def test_target_error_of_BB_is_that_of_the_number_of_B_particles() -> None:
    """Shot noise of g_BB goes as 1 / N_B: so does the target, where few B particles set it."""
    targets = [criteria.error_target(State(1.0, c, 1.0, 1.0), "BB") for c in (*GRID_C_B, 0.015, 0.02, 0.03)]
    assert targets == pytest.approx([0.08, 0.03, 0.03, 0.03, 0.03, 0.08 / 1.5, 0.04, 0.03])
