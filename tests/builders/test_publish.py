"""The dataset folder: what the datasets library and Croissant make of it, and what a crash leaves."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic import DATE, chain, results, snapshots

from binlj import data, schema
from binlj.builders.analysis.assemble import StateResult
from binlj.builders.records import store as stores
from binlj.builders.records.record import EXCHANGES, write_records
from binlj.builders.release import card, card_convergence, publish, tables, verify
from binlj.builders.starts import geometry
from binlj.cli import main
from binlj.errors import DataError, InputError, StoreBusyError
from binlj.grid import State, grid


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> object:
    """The datasets library with a cache of its own, offline."""
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    return datasets


def hashes(folder: Path) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_config_loads_by_the_bare_name(published: Path, library: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(published.parent)
    ds = library.load_dataset("binlj-rdf")  # type: ignore[attr-defined]
    assert {k: v.num_rows for k, v in ds.items()} == {"train": 900, "test": 600}
    assert ds["train"].features["pair"].names == ["AA", "AB", "BB"]
    assert ds["train"].features["g"].length == 100
    for config, want in {
        "interpolation": {"train": 1200, "test": 300},
        "fine": {"full": 1500},
        "states": {"full": 500},
        "snapshots": {"full": 500},
    }.items():
        assert {k: v.num_rows for k, v in data.load(config, path=published).items()} == want


def test_what_is_loaded_is_what_was_assembled(published: Path, whole: list[StateResult]) -> None:
    frame = data.read_table("fine", path=published).set_index(["state_id", "pair"])
    result = whole[123]
    row = frame.loc[(result.state.state_id, "AB")]
    np.testing.assert_allclose(row.g, result.g_fine[1], rtol=1e-7)
    np.testing.assert_allclose(row.g_stderr, result.g_fine_stderr[1], rtol=1e-7)
    want = {
        "fine": schema.rdf_schema(500),
        "states": schema.states_schema("0.1.0"),
        "snapshots": schema.snapshots_schema(),
    }
    for name in schema.ALWAYS:
        assert pq.read_schema(published / name).equals(want.get(name.split("/")[0], schema.rdf_schema(100)))


def test_published_twice_is_byte_identical(published: Path, whole: list[StateResult], tmp_path: Path) -> None:
    again = tmp_path / "binlj-rdf"
    for _ in range(2):  # once into nothing, once over itself
        publish.publish(whole[::-1], target=again, version="0.1.0", released=DATE, snapshots=snapshots()[::-1])
        assert hashes(again) == hashes(published)


def test_the_date_stays_while_the_data_do(copy: Path, whole: list[StateResult]) -> None:
    done = publish.publish(whole, target=copy, version="0.1.0", snapshots=snapshots())
    assert done.manifest["released"] == DATE
    done = publish.publish(whole, target=copy, version="0.1.1", snapshots=None)
    assert done.manifest["released"] != DATE


def test_a_version_names_one_set_of_data(
    copy: Path, whole: list[StateResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = hashes(copy)
    other = [dataclasses.replace(r, energy=r.energy - 0.001) for r in whole]
    with pytest.raises(InputError, match=r"version 0.1.0 is in (.|\n)*with other data(.|\n)*give another --version"):
        publish.publish(other, target=copy, version="0.1.0", released=DATE, snapshots=None)
    assert hashes(copy) == before
    publish.publish(other, target=copy, version="0.1.1", released=DATE, snapshots=None)
    monkeypatch.setattr("binlj.paths.dataset_dir", lambda: copy)
    with pytest.raises(InputError, match="version 0.1.1 is in"):
        publish.publish(whole, target=tmp_path / "new", version="0.1.1", snapshots=snapshots())


def test_a_new_version_is_never_served_stale(copy: Path, whole: list[StateResult], library: object) -> None:
    def first() -> float:
        ds = library.load_dataset(str(copy), "interpolation")  # type: ignore[attr-defined]
        return ds["train"][0]["g"][50]

    old = first()
    times = {p: p.stat().st_mtime for p in copy.rglob("*.parquet")}
    changed = [dataclasses.replace(r, g=r.g * 2, g_fine=r.g_fine * 2) for r in whole]
    new = copy.parent / "new"
    publish.publish(changed, target=new, version="0.1.0", released=DATE, snapshots=snapshots())
    publish.swap(new, copy)
    for path, mtime in times.items():  # same names, same version, same times: only the contents differ
        os.utime(path, (mtime, mtime))
    assert first() == pytest.approx(2 * old, rel=1e-6)


def test_croissant_is_valid_and_describes_the_files(published: Path) -> None:
    import mlcroissant

    dataset = mlcroissant.Dataset(published / "croissant.json")
    assert not dataset.metadata.ctx.issues.errors and not dataset.metadata.ctx.issues.warnings
    record = next(iter(dataset.records("extrapolation-test")))
    row = pq.read_table(published / "extrapolation" / "test.parquet").slice(0, 1).to_pylist()[0]
    assert record["extrapolation-test/state_id"] == row["state_id"].encode()
    assert list(record["extrapolation-test/g"]) == row["g"]
    listed = json.loads((published / "croissant.json").read_text())
    manifest = data.dataset_info(path=published)
    for file in listed["distribution"]:
        assert file["sha256"] == manifest["files"][file["contentUrl"]]


def test_card_has_no_gaps_and_its_numbers_come_from_the_data(published: Path) -> None:
    text = (published / "README.md").read_text()
    assert "{{ " not in text and " nan" not in text
    assert "500 thermodynamic states × 3 pairs = 1500" in text and "INCOMPLETE" not in text
    assert "100 B particles" not in text and "there are 1 B particles" in text  # N = 100 here
    assert "500 of 500 states (100 %) meet every criterion" in text
    assert "| energy from the three g(r) over LAMMPS's energy, minus 1 | 0.025 % |" in text
    import yaml

    head = yaml.safe_load(text.split("---")[1])
    digest = data.dataset_info(path=published)["data_sha256"]
    assert head["license"] == "cc-by-4.0"
    names = [c["config_name"] for c in head["configs"]]
    assert names == ["extrapolation", "interpolation", "fine", "states", "snapshots"]
    assert all(digest in c["description"] and c["version"] == "0.1.0" for c in head["configs"])
    assert [c["config_name"] for c in head["configs"] if c.get("default")] == ["extrapolation"]


def test_card_counts_what_is_not_converged(copy: Path, whole: list[StateResult]) -> None:
    some = [
        dataclasses.replace(
            r,
            converged=False,
            phase="demixed",
            start_gap=0.04,
            compared_with="separated",
            reason="start gap: neither start is seen to drift, and they differ; 4000 production steps, 16000 wanted",
        )
        if r.state.T == 0.6 and r.state.eps_AB == 0.2
        else r
        for r in whole
    ]
    publish.publish(some, target=copy, version="0.2.0", snapshots=None)
    text = (copy / "README.md").read_text()
    assert "480 of 500 states (96 %)" in text and "| demixed | 20 | 0 |" in text
    assert "| production steps | 20 |" in text and "| the two starts differ | 20 |" in text
    assert "Two starts or more were run for 20 states" in text


def test_card_says_which_geometry_was_taken(copy: Path, whole: list[StateResult]) -> None:
    shapes = {0.01: "sphere", 0.3: "cylinder", 0.5: "slab"}  # of S = 1, whose volume fraction is C_B
    some = [
        dataclasses.replace(r, start="separated", geometry=shapes[r.state.C_B])
        if r.state.S == 1.0 and r.state.C_B in shapes
        else dataclasses.replace(r, start="mixed+separated", geometry="mixed+slab")
        if r.state.S == 2.0 and r.state.C_B == 0.5
        else r
        for r in whole
    ]
    publish.publish(some, target=copy, version="0.2.0", snapshots=None)
    text = " ".join((copy / "README.md").read_text().split())
    assert "published starts: mixed 425, slab 50, cylinder 25, sphere 25 (" in text
    assert "at this N: cylinder at C_B = 0.3, S = 1 (25)." in text
    assert " 0 demixed states are still published as such slabs, although" in text
    reason = "a slab, 20 % more surface than another body of the A-rich phase"
    thin = [dataclasses.replace(r, converged=False, reason=reason) if r.geometry == "mixed+slab" else r for r in some]
    publish.publish(thin, target=copy, version="0.3.0", snapshots=None)
    text = " ".join((copy / "README.md").read_text().split())
    assert " 25 demixed states are still published as such slabs, although" in text
    assert "| a slab where another body has less surface | 25 |" in text


def test_card_counts_states_that_only_starts_from_the_pure_side_settle(whole: list[StateResult]) -> None:
    pairs = {0.2: ("separated", "saturated"), 0.4: ("saturated", "separated"), 0.6: ("separated", "supersaturated")}
    some = [
        dataclasses.replace(r, start=start, compared_with=other, start_gap=0.01)
        for r in whole if r.state.S == 2.0 and r.state.C_B == 0.5
        for start, other in [pairs.get(r.state.eps_AB, ("mixed", ""))]
    ]  # fmt: skip
    states = tables.states_table(some).to_pandas()
    assert card_convergence.convergence_values(states)["n_from_pure"] == "10"  # two of five eps_AB at five T*
    states.loc[(states["T"] == 0.6) & (states.eps_AB == 0.2), "exchanges"] = 25
    states.loc[(states["T"] == 0.8) & (states.eps_AB == 0.4), "converged"] = False
    assert card_convergence.convergence_values(states)["n_from_pure"] == "8"


def test_starts_that_began_alike_are_counted_as_such() -> None:
    """At T* = 0.8, S = 1, eps_AB = 0.2 hardly anything dissolves, from either side; at T* = 0.6, S = 1, eps_AB = 0.8
    the first round of small simulations left 0.07 between the sides, and the exchange of species closed it."""
    alike, apart = State(0.8, 0.3, 1.0, 0.2), State(0.6, 0.3, 1.0, 0.8)
    assert card_convergence._twins(alike, "saturated+supersaturated", "supersaturated")
    assert card_convergence._twins(alike, "supersaturated", "saturated")
    assert not card_convergence._twins(alike, "mixed+saturated", "saturated"), "the mixed start has no phases"
    assert not card_convergence._twins(apart, "supersaturated", "saturated")
    assert card_convergence._twins(apart, "supersaturated2", "saturated2")


@pytest.mark.parametrize(("share", "ratio"), [(4 * np.pi / 81, 1.0), (1 / np.pi, 1.0), (0.5, 1.2533), (0.02, 1.4070)])
def test_surface_of_the_second_best_geometry(share: float, ratio: float) -> None:
    """At 4 pi / 81 a sphere has a cylinder's surface, at 1 / pi a cylinder has a slab's; else by their formulas."""
    assert geometry.next_surface(share) == pytest.approx(ratio, rel=1e-4)
    assert geometry.next_surface(1 - share) == pytest.approx(ratio, rel=1e-4), "of the smaller phase"


def test_documents_are_rewritten_and_tables_are_not(copy: Path, tmp_path: Path) -> None:
    before = data.dataset_info(path=copy)
    card_file = tmp_path / "dataset_card.md"
    text = (Path(__file__).parents[2] / "dataset_card.md").read_text()
    card_file.write_text(text.replace("## Provenance", "## Where from"))
    after = publish.rewrite_documents(copy, template=card_file).manifest
    assert "## Where from" in (copy / "README.md").read_text()
    assert {key: after[key] for key in ("version", "released", "data_sha256")} == {
        key: before[key] for key in ("version", "released", "data_sha256")
    }
    assert verify.check_structure(copy) == []
    (copy / "states" / "all.parquet").write_bytes(b"not what was published")
    with pytest.raises(DataError, match="states/all.parquet was changed"):
        publish.rewrite_documents(copy, template=card_file)


def test_card_out_of_step_with_the_data_is_an_error() -> None:
    with pytest.raises(InputError) as info:
        card.render("{{ a }} {{ b }}", {"a": "1", "c": "2"})
    assert "no value for {{ b }}" in str(info.value) and "nothing asks for c" in str(info.value)


def test_snapshots_are_those_of_the_published_start(whole: list[StateResult], tmp_path: Path) -> None:
    starts = {r.state.state_id: "mixed" for r in whole}
    separated, both = whole[7].state.state_id, whole[8].state.state_id
    starts |= {separated: "separated", both: "mixed+separated"}
    left = tables.write_snapshots(
        tmp_path / "s.parquet", [s for s in snapshots() if s[0] != whole[0].state.state_id], starts
    )
    assert left == [whole[0].state.state_id]
    rows = {row["state_id"]: row for row in pq.read_table(tmp_path / "s.parquet").to_pylist()}
    assert len(rows) == 499 and list(rows) == sorted(rows)
    assert (rows[separated]["start"], rows[both]["start"], rows[whole[1].state.state_id]["start"]) == (
        "separated",
        "separated",
        "mixed",
    )
    source = next(s for s in snapshots() if s[:2] == (separated, "separated"))
    assert rows[separated]["positions"] == source[5].tolist() and rows[separated]["types"] == source[4].tolist()


def test_kept_snapshots_of_another_start_are_refused_from_2_0_0_on(whole: list[StateResult], copy: Path) -> None:
    moved = dataclasses.replace(whole[0], start="saturated", geometry="slab")
    with pytest.raises(InputError, match=f"{whole[0].state.state_id}: those kept are not of the published start"):
        publish.publish([moved, *whole[1:]], target=copy, version="2.0.0", snapshots=None)


def test_an_incomplete_grid_is_refused_and_allowed_for_development(whole: list[StateResult], tmp_path: Path) -> None:
    target = tmp_path / "binlj-rdf"
    with pytest.raises(InputError) as info:
        publish.publish(whole[:490], target=target, version="0.1.0", snapshots=snapshots())
    assert "10 of 500 states have no records" in str(info.value) and not target.exists()
    some = {r.state.state_id for r in whole[:40]}
    done = publish.publish(
        whole[:40], target=target, version="0.1.0", partial=True, snapshots=[s for s in snapshots() if s[0] in some]
    )
    assert "INCOMPLETE: 40 of 500 states" in (target / "README.md").read_text()
    assert done.without_snapshot == ()


def test_everything_wrong_with_a_request_is_listed(whole: list[StateResult], copy: Path) -> None:
    (copy / "notes.txt").write_text("mine")
    off = dataclasses.replace(whole[0], state=State(0.7, 0.1, 1.0, 1.0))
    before = hashes(copy)
    with pytest.raises(InputError) as info:
        publish.publish([*whole[:3], whole[2], off], target=copy, version="one", released="tomorrow", snapshots=None)
    text = str(info.value)
    for part in (
        "comes twice",
        "not a state of the grid",
        "497 of 500 states",
        "'one' is not of the form",
        "'tomorrow'",
        "notes.txt",
    ):
        assert part in text
    assert hashes(copy) == before


def test_failure_leaves_the_old_dataset_whole(whole: list[StateResult], copy: Path, tmp_path: Path) -> None:
    before = hashes(copy)
    broken = tmp_path / "card.md"
    broken.write_text("{{ unknown }}")
    with pytest.raises(InputError, match="dataset_card"):
        publish.publish(whole, target=copy, version="0.2.0", snapshots=None, template=broken)
    bad = [dataclasses.replace(whole[0], g=whole[0].g * np.nan), *whole[1:]]
    with pytest.raises(DataError, match="g is not finite"):
        publish.publish(bad, target=copy, version="0.2.0", snapshots=None)
    assert hashes(copy) == before
    assert [p.name for p in copy.parent.iterdir() if p.name.startswith(".binlj")] == []


def test_kill_during_publish_leaves_a_whole_dataset(copy: Path) -> None:
    """kill -9 while another process publishes: one whole version is left, and the next publish goes on from it."""
    from binlj.builders.release.verify import check_structure

    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\nfrom synthetic import results\nfrom binlj.builders.release.publish import publish\n"
        "import dataclasses\nwhole = results()\n"
        "print('ready', flush=True)\n"
        "for i in range(1, 100):\n"
        "    new = [dataclasses.replace(r, g=r.g * (1 + i), g_fine=r.g_fine * (1 + i)) for r in whole]\n"
        "    publish(new, target=Path(sys.argv[1]), version=f'0.2.{i}', snapshots=None)\n"
    )
    here = Path(__file__).parent
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(copy), str(here), str(here.parent)], stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(1.0)
    process.send_signal(signal.SIGKILL)
    process.wait()
    aside = copy.parent / ".binlj-rdf.old.tmp"
    assert check_structure(copy if copy.exists() else aside) == []
    if copy.exists():  # as if the kill had come between the two renames
        shutil.rmtree(aside, ignore_errors=True)
        copy.rename(aside)
    leftovers = copy.parent / ".binlj-rdf.new.tmp"
    leftovers.mkdir(exist_ok=True)
    publish.publish(results(), target=copy, version="0.3.0", snapshots=None)
    assert data.dataset_info(path=copy)["version"] == "0.3.0"
    assert not leftovers.exists() and not aside.exists()


def test_two_publishes_at_once(whole: list[StateResult], copy: Path) -> None:
    with publish._only_one(copy.parent, copy.name), pytest.raises(StoreBusyError, match="another"):
        publish.publish(whole, target=copy, version="0.2.0", snapshots=None)


def test_a_failed_swap_puts_the_old_folder_back(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "who").write_text("old")
    with pytest.raises(FileNotFoundError):
        publish.swap(tmp_path / "missing", tmp_path / "a")
    assert (tmp_path / "a" / "who").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_commands_from_records_to_verified_dataset(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    store = tmp_path / "store"
    some = (grid()[0], grid()[250])
    records = [r for s in some for r in chain(s, n=1000, frames=4, seed=3)]
    write_records(store / "loose" / "a.parquet", records)
    main(["assemble", "--store", str(store), "--out", str(tmp_path / "out"), "--workers", "1"])
    assert "2 states (2 homogeneous" in capsys.readouterr().out
    table = pq.read_table(tmp_path / "out" / "rdf.parquet")
    assert table.num_rows == 6 and table.schema.equals(schema.rdf_schema(100))
    assert pq.read_table(tmp_path / "out" / "states.parquet").schema.equals(schema.states_schema())
    target = tmp_path / "binlj-rdf"
    options = ["--store", str(store), "--dataset", str(target), "--snapshots", "refresh", "--workers", "1"]
    options += ["--version", "0.9.0"]
    with pytest.raises(SystemExit) as stop:
        main(["publish", *options])
    assert stop.value.code == 2 and "498 of 500 states have no records" in capsys.readouterr().err
    main(["publish", *options, "--partial"])
    assert "2 states without one" in capsys.readouterr().out
    main(["verify", "--dataset", str(target), "--partial"])
    assert "tables and the manifest are sound" in capsys.readouterr().out
    for arguments, code, text in (
        (["assemble", "--store", str(tmp_path / "none")], 2, "no such store"),
        (["assemble", "--store", str(store), "--state", "T1"], 2, "not of the form"),
        (["assemble", "--store", str(store), "--state", grid()[9].state_id], 2, "has no records"),
        (["publish", "--dry-run"], 2, "goes with --to-hub"),
        (["verify", "--dataset", str(target)], 3, "is missing"),
        (["verify", "--dataset", str(tmp_path / "none")], 3, "no folder"),
    ):
        with pytest.raises(SystemExit) as stop:
            main(arguments)
        assert stop.value.code == code and text in capsys.readouterr().err


def test_snapshots_of_the_installed_dataset_serve_another_folder(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """If the store's records end with them; those of a longer or another run do not."""
    store, some = tmp_path / "store", (grid()[0], grid()[250])
    write_records(store / "loose" / "a.parquet", [r for s in some for r in chain(s, n=1000, frames=4, seed=3)])
    ends = {r.state_id: r.step_end for r in stores.load_records(store)}
    for state, step in ((some[0], ends[some[0].state_id]), (some[1], ends[some[1].state_id] + 1)):
        folder = store / "work" / f"{state.state_id}_mixed-0"
        folder.mkdir(parents=True)
        types = np.repeat([0, 1], state.counts(1000)).astype(np.int8)
        np.savez(folder / "last.npz", step=step, box_length=9.0, types=types, positions=np.zeros((1000, 3), np.int16))

    def publish_into(name: str) -> str:
        options = ["--store", str(store), "--dataset", str(tmp_path / name), "--partial"]
        main(["publish", *options, "--snapshots", "refresh", "--version", f"0.9.0+{name}"])
        return capsys.readouterr().out

    assert "0 states without one" in publish_into("first")
    shutil.rmtree(store / "work")
    assert "2 states without one" in publish_into("second")
    monkeypatch.setattr("binlj.paths.dataset_dir", lambda: tmp_path / "first")
    assert "1 states without one" in publish_into("third")


def test_a_snapshot_made_with_exchange_survives_a_second_publication(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is known by the record that ends with it, not taken for one of the plain chain of the same start."""
    store, state = tmp_path / "store", State(0.8, 0.3, 1.0, 0.4)
    plain = chain(state, n=1000, frames=8, seed=3)
    made = [
        dataclasses.replace(r, engine_args=f"-sf opt{EXCHANGES}25")
        for start in ("mixed", "separated")
        for r in chain(state, n=1000, frames=8, seed=4, steps=4000, start=start, replica=200)
    ]
    write_records(store / "loose" / "a.parquet", [*plain, *made])
    folder = store / "work" / f"{state.state_id}_mixed-200"
    folder.mkdir(parents=True)
    types = np.repeat([0, 1], state.counts(1000)).astype(np.int8)
    np.savez(folder / "last.npz", step=8000, box_length=9.0, types=types, positions=np.zeros((1000, 3), np.int16))
    options = ["--store", str(store), "--dataset", str(tmp_path / "data"), "--partial", "--snapshots", "refresh"]
    for version in ("2.9.0", "2.9.1"):
        main(["publish", *options, "--version", version])
        assert "0 states without one" in capsys.readouterr().out
        shutil.rmtree(store / "work", ignore_errors=True)
    monkeypatch.setattr("binlj.paths.dataset_dir", lambda: tmp_path / "data")
    key = (state.state_id, "mixed", 200)
    assert stores.stored_steps(store, [*plain, *made], n=1000) == {key: {8000}}
    assert stores.find_configuration(store, key, step=8000, n=1000) is not None, "the chain goes on from it"
    assert stores.find_configuration(store, (*key[:2], 0), step=8000, n=1000) is None, "another one does not"
    assert stores.write_configurations(store, [*plain, *made]) == (None, 0), "no second copy"
