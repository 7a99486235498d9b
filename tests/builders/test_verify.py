"""`binlj verify` finds what is wrong, all of it, and says what fails."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from synthetic import results, snapshots

from binlj import schema
from binlj.builders.analysis.assemble import StateResult
from binlj.builders.release import publish
from binlj.builders.release.plausibility import check_physics
from binlj.builders.release.verify import check_structure, verify
from binlj.cli import main
from binlj.files import sha256, write_json
from binlj.grid import grid
from binlj.tracks import split


def edit(folder: Path, key: str, change: Callable[[pd.DataFrame], pd.DataFrame | None]) -> None:
    """Change a table, and the manifest and card with it, so that the hashes do not give it away."""
    path = folder / key
    table = pq.read_table(path)
    frame = table.to_pandas()
    changed = change(frame)
    new = frame if changed is None else changed
    pq.write_table(pa.Table.from_pandas(new, schema=table.schema, preserve_index=False), path)
    rehash(folder)


def rehash(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    old = manifest["data_sha256"]
    files = {p.relative_to(folder).as_posix(): sha256(p) for p in folder.rglob("*.parquet")}
    manifest["data_sha256"] = publish.data_hash(files)
    card = folder / "README.md"
    card.write_text(card.read_text().replace(old, manifest["data_sha256"]))
    manifest["files"] = files | {n: sha256(folder / n) for n in ("README.md", "croissant.json")}
    write_json(folder / "manifest.json", manifest)


def test_a_sound_dataset_has_no_problems(published: Path) -> None:
    report = verify(published)
    assert report.structure == () and report.physics == () and len(report.checked) == 7
    main(["verify", "--dataset", str(published), "--strict"])


def test_changed_missing_and_added_files_are_all_listed(copy: Path, capsys: pytest.CaptureFixture) -> None:
    with open(copy / "states" / "all.parquet", "ab") as stream:
        stream.write(b"x")
    (copy / "croissant.json").unlink()
    (copy / "interpolation" / "test.parquet").unlink()
    shutil.copyfile(copy / "fine" / "all.parquet", copy / "fine" / "more.parquet")
    (copy / "README.md").write_text("nothing\n")
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--dataset", str(copy)])
    text = capsys.readouterr().err
    assert stop.value.code == 3
    for part in (
        "states/all.parquet was changed", "croissant.json is missing", "interpolation/test.parquet is missing",
        "fine/more.parquet is not in the manifest", "README.md was changed", "does not carry the data's hash",
    ):
        assert part in text, part


def test_bad_manifests(copy: Path) -> None:
    manifest = json.loads((copy / "manifest.json").read_text())
    manifest["files"]["../outside"] = "0" * 64
    manifest["data_sha256"] = "0" * 64
    del manifest["files"]["fine/all.parquet"]
    write_json(copy / "manifest.json", manifest)
    text = "\n".join(check_structure(copy))
    assert "outside the folder" in text and "data_sha256 does not belong" in text
    assert "does not list fine/all.parquet" in text
    (copy / "manifest.json").write_text("[]")
    assert any("not a manifest" in p for p in check_structure(copy))
    (copy / "manifest.json").unlink()
    assert "manifest.json is missing" in check_structure(copy)


def test_bad_rows_are_all_listed(copy: Path) -> None:
    train, test = split("interpolation", version="0.1.0")  # of the folder
    a, b, c = (s.state_id for s in train[:3])
    swapped = test[0].state_id

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        first = frame.index[(frame.state_id == a) & (frame.pair == 0)][0]
        g = frame.g[first].copy()
        g[30], g[31] = np.nan, -1.0
        frame.at[first, "g"] = g
        second = frame.index[(frame.state_id == a) & (frame.pair == 1)][0]
        frame.at[second, "g_stderr"] = np.zeros(100)
        third = frame.index[(frame.state_id == a) & (frame.pair == 2)][0]
        frame.at[third, "g"] = frame.g[third] * 1.01
        frame.loc[frame.state_id == b, "T"] = 0.7
        frame = frame[~((frame.state_id == c) & (frame.pair == 1))]
        double = frame[frame.state_id == train[3].state_id]
        moved = frame[frame.state_id == train[4].state_id].assign(state_id=swapped)
        return pd.concat([frame, double, moved])

    edit(copy, "interpolation/train.parquet", change)
    text = "\n".join(check_structure(copy))
    for part in (
        f"{a} AA: g is not finite", f"{a} AA: g is negative", f"{a} AB: g_stderr is zero where pairs were found",
        f"{a} BB: g is not the merge of the fine table's bins", f"{b}: T, C_B, S, eps_AB are",
        f"interpolation: {c} AB is missing", f"{train[3].state_id} pair 2 comes 2 times",
        f"{swapped} is on both sides of the split",
    ):
        assert part in text, part


def test_a_state_on_the_wrong_side(copy: Path) -> None:
    test = split("extrapolation")[1]
    moved = test[0].state_id
    taken = pq.read_table(copy / "extrapolation" / "test.parquet").to_pandas()
    taken = taken[taken.state_id == moved]
    edit(copy, "extrapolation/test.parquet", lambda f: f[f.state_id != moved])
    edit(copy, "extrapolation/train.parquet", lambda f: pd.concat([f, taken]))
    assert f"extrapolation: {moved} belongs to test, not train" in check_structure(copy)


def test_wrong_columns(copy: Path) -> None:
    path = copy / "fine" / "all.parquet"
    table = pq.read_table(path)
    pq.write_table(table.drop_columns(["g_stderr"]).append_column("extra", table["T"]), path)
    states = copy / "states" / "all.parquet"
    table = pq.read_table(states)
    position = table.schema.get_field_index("n_A")
    pq.write_table(table.set_column(position, "n_A", table["n_A"].cast(pa.float64())), states)
    (copy / "extrapolation" / "train.parquet").write_bytes(b"no parquet")
    rehash(copy)
    text = "\n".join(check_structure(copy))
    assert "fine/all.parquet: column g_stderr is missing" in text and "column extra is unknown" in text
    assert "column n_A is double, not int64" in text and "extrapolation/train.parquet is not readable" in text


def test_bad_states(copy: Path) -> None:
    ids = [s.state_id for s in grid()[:6]]

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[0, ["phase", "start"]] = ["plasma", "warm"]
        frame.loc[1, "converged"] = False
        frame.loc[2, "reason"] = "because"
        frame.loc[3, "density"] = -1.0
        frame.loc[4, "n_B"] = 7
        return frame[frame.state_id != ids[5]]

    edit(copy, "states/all.parquet", change)
    text = "\n".join(check_structure(copy))
    for part in (
        f"{ids[0]}: phase is unknown", f"{ids[0]}: start is unknown", f"{ids[1]}: not converged, but no reason",
        f"{ids[2]}: converged, but a reason", f"{ids[3]}: density is not positive",
        f"{ids[4]}: 99 A and 7 B particles are not its composition", f"states: {ids[5]} is missing",
        f"snapshots: {ids[5]} is not in states", "states of different N",
    ):
        assert part in text, part


def test_a_gap_names_the_start_it_is_against(copy: Path) -> None:
    ids = [s.state_id for s in grid()[:4]]

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[:3, "start_gap"] = [0.01, float("nan"), 0.02, 0.03]
        frame.loc[:3, "compared_with"] = ["", "mixed", "lukewarm", "separated"]
        return frame

    edit(copy, "states/all.parquet", change)
    missing = "start gap without the start it is against, or the other way round"
    assert check_structure(copy) == [
        f"states: {ids[0]}: {missing}", f"states: {ids[1]}: {missing}",
        f"states: {ids[2]}: compared with an unknown start",
    ]  # fmt: skip


def test_a_start_has_its_geometry(copy: Path) -> None:
    ids = [s.state_id for s in grid()[:7]]

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[:5, "start"] = ["separated", "mixed", "saturated", "mixed+saturated", "mixed+saturated", "separated"]
        frame.loc[:5, "geometry"] = ["mixed", "slab", "sphere", "slab", "mixed+cylinder", "cube"]
        frame.loc[6, "geometry"] = None
        return frame

    edit(copy, "states/all.parquet", change)
    wrong = [f"states: {ids[i]}: geometry is not one of the start" for i in (0, 1, 3, 5, 6)]
    assert check_structure(copy) == ["states: column geometry has 1 nulls", *wrong]


@pytest.fixture(scope="module")
def second(whole: list[StateResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never released: the first four states have a start gap, the fifth is published from two starts."""
    gap = {"start_gap": 0.01, "start_gap_stderr": 0.002, "start_pairs": 3, "compared_with": "separated"}
    both = {"start": "mixed+separated", "geometry": "mixed+slab"}
    target = tmp_path_factory.mktemp("second") / "binlj-rdf"
    some = [dataclasses.replace(r, **(gap if i < 4 else both if i == 4 else {})) for i, r in enumerate(whole)]
    publish.publish(some, target=target, version="2.99.0", snapshots=snapshots())
    return target


def with_version(folder: Path, version: str) -> Path:
    write_json(folder / "manifest.json", json.loads((folder / "manifest.json").read_text()) | {"version": version})
    return folder


def test_columns_go_with_the_version(copy: Path, second: Path, tmp_path: Path) -> None:
    new = ("start_gap_stderr", "start_pairs", "exchanges")
    assert not set(new) & set(pq.read_schema(copy / "states" / "all.parquet").names)
    assert set(new) <= set(pq.read_schema(second / "states" / "all.parquet").names)
    report = verify(second)
    assert (report.structure, report.physics, report.notes) == ((), (), ())

    def of_columns(folder: Path) -> list[str]:
        """The interpolation track was drawn anew for 2.0.0 too, which is not the matter here."""
        return [p for p in check_structure(folder) if not p.startswith("interpolation: ")]

    missing = of_columns(with_version(copy, "2.0.0"))
    assert missing == [f"states/all.parquet: column {name} is missing" for name in new]
    other = with_version(Path(shutil.copytree(second, tmp_path / "second")), "1.3.0")
    assert of_columns(other) == [f"states/all.parquet: column {name} is unknown" for name in new]
    (other / "manifest.json").unlink()
    assert check_structure(other) == ["manifest.json is missing"], "what is there decides"
    (copy / "manifest.json").unlink()
    assert check_structure(copy) == ["manifest.json is missing"]


def test_a_gap_has_its_error_and_a_number_of_pairs(second: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(second, tmp_path / "binlj-rdf"))

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[:2, "start_gap_stderr"] = [np.nan, -0.1, 0.1]
        frame.loc[2:4, "start_pairs"] = [0, 1, 1]
        return frame

    edit(copy, "states/all.parquet", change)
    ids = [s.state_id for s in grid()]
    assert check_structure(copy) == [
        f"states: {ids[0]}: start gap without its standard error, or the other way round",
        f"states: {ids[1]}: start_gap_stderr is negative",
        f"states: {ids[2]}: start gap without a pair of starts, or the other way round",
        f"states: {ids[4]}: start gap without a pair of starts, or the other way round",
    ]  # fmt: skip


def test_a_snapshot_of_another_start_is_a_note_and_fails_from_2_0_0_on(
    copy: Path, second: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    new = Path(shutil.copytree(second, tmp_path / "second"))
    state_id = grid()[0].state_id
    wrong = f"snapshots: {state_id}: is of the saturated start, published is mixed"
    for folder in (copy, new):
        edit(folder, "snapshots/all.parquet", lambda frame: frame.assign(
            start=frame.start.where(frame.state_id != state_id, "saturated")
        ))  # fmt: skip
    main(["verify", "--dataset", str(copy), "--strict"])
    assert f"note: {wrong}\n" in capsys.readouterr().out
    with pytest.raises(SystemExit):
        main(["verify", "--dataset", str(new)])
    assert wrong in capsys.readouterr().err and check_structure(new) == [wrong], "either of two starts will do"


def test_exchange_of_equivalent_species_is_checked(copy: Path) -> None:
    """S = 1, C_B = 0.5: AA and BB are one curve, within three errors and the gap; states not converged are let off."""
    ids = [s.state_id for s in grid() if (s.S, s.C_B, s.T) == (1.0, 0.5, 1.0)]
    assert len(ids) == 5

    def lift(frame: pd.DataFrame) -> None:
        for i in frame.index[frame.state_id.isin(ids[:3]) & (frame.pair == 2)]:
            frame.at[i, "g"] = frame.g[i] * 1.08

    def change(frame: pd.DataFrame) -> None:
        frame.loc[frame.state_id.isin(ids[:3]), "phase"] = "demixed"
        frame.loc[frame.state_id == ids[1], ["converged", "reason"]] = [False, "drift"]
        frame.loc[frame.state_id == ids[2], ["start_gap", "compared_with"]] = [0.06, "separated"]

    edit(copy, "extrapolation/train.parquet", lift)
    edit(copy, "states/all.parquet", change)
    (found,) = check_physics(copy)
    assert found.startswith(f"{ids[0]}: AA and BB differ by ") and "equivalent (bound 0." in found


def test_bad_snapshots(copy: Path) -> None:
    a, b, c = (s.state_id for s in grid()[:3])

    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.at[0, "types"] = np.zeros(100, dtype=np.int8)
        frame.at[1, "positions"] = frame.positions[1][:-3]
        return frame[frame.state_id != c]

    edit(copy, "snapshots/all.parquet", change)
    text = "\n".join(check_structure(copy))
    assert f"snapshots: {a}: types are not 99 A and 1 B" in text
    assert f"snapshots: {b}: 297 coordinates for 100 particles" in text
    assert f"snapshots: {c} is missing" in text
    shutil.rmtree(copy / "snapshots")
    assert check_structure(copy, without_snapshots=True) == []
    assert "snapshots/all.parquet is missing" in check_structure(copy)


def test_physical_bounds_are_listed_and_fail_when_strict(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    whole = {r.state: r for r in results()}
    alike = [s for s in whole if (s.T, s.S, s.eps_AB) == (1.0, 1.0, 1.0)]
    other = [s for s in whole if (s.T, s.S, s.eps_AB) == (1.0, 2.0, 0.4)]

    def put(state: object, **changes: object) -> None:
        whole[state] = dataclasses.replace(whole[state], **changes)  # type: ignore[index]

    put(other[0], energy_from_rdf=-4.02)
    put(other[1], pressure_from_rdf=1.05)
    put(alike[0], density=0.82)
    r = whole[alike[1]]
    shifted = np.stack([r.g_fine[0], r.g_fine[1], r.g_fine[2] * 1.1])
    put(alike[1], g_fine=shifted, g=schema.merge_bins(shifted), phase="demixed")
    r = whole[other[2]]
    put(other[2], g_fine=r.g_fine * 1.2, g=r.g * 1.2)
    put(other[3], g_fine=whole[other[3]].g_fine * 1.2, g=whole[other[3]].g * 1.2, phase="demixed")
    target = tmp_path / "binlj-rdf"
    publish.publish(list(whole.values()), target=target, version="0.1.0", snapshots=snapshots())
    found = check_physics(target)
    text = "\n".join(found)
    for part in (
        f"{other[0].state_id}: energy from g(r) is +0.50 % off",
        f"{other[1].state_id}: pressure from g(r) is 1.050",
        f"{alike[0].state_id}: density is +2.50 % off PeTS",
        f"{alike[1].state_id}: AA and BB differ though the species are the same",
        f"{alike[1].state_id}: AB and BB differ",
        f"{other[2].state_id}: g of AA at 8 to 10 sigma is 1.2",
    ):
        assert part in text, part
    assert other[3].state_id not in text and len(found) == 4 + 1 + 3
    main(["verify", "--dataset", str(target)])
    out = capsys.readouterr().out
    assert "8 violations of physical bounds" in out and found[0] in out
    with pytest.raises(SystemExit) as stop:
        main(["verify", "--dataset", str(target), "--strict"])
    assert stop.value.code == 3 and found[0] in capsys.readouterr().err
