"""Records and stores: nothing damaged is read, nothing is lost by packing and copying."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from synthetic import chain

from binlj.builders.campaign.running import Situation
from binlj.builders.records import store as stores
from binlj.builders.records.configuration import compact
from binlj.builders.records.record import SegmentRecord, read_records, write_records
from binlj.errors import DataError, StoreBusyError
from binlj.grid import State
from binlj.schema import shell_volumes

STATE = State(1.0, 0.2, 1.0, 0.6)


@pytest.fixture(scope="module")
def records() -> list[SegmentRecord]:
    return chain(STATE, segments=12, frames=10, n_blocks=5, steps=2000, n=1000)


def fill(store: Path, records: list[SegmentRecord]) -> Path:
    for r in records:
        write_records(store / "loose" / f"{stores.chain_name(r.chain)}_{r.step_start:09d}.parquet", [r])
    return store


def total(records: list[SegmentRecord]) -> np.ndarray:
    return sum(r.counts.sum(0) for r in records)


def test_a_record_survives_the_file(records: list[SegmentRecord], tmp_path: Path) -> None:
    write_records(tmp_path / "a.parquet", records)
    back = read_records(tmp_path / "a.parquet")
    assert [r.checksum() for r in back] == [r.checksum() for r in records]
    write_records(tmp_path / "b.parquet", list(reversed(records)))
    assert (tmp_path / "a.parquet").read_bytes() == (tmp_path / "b.parquet").read_bytes()


def test_ideal_gas_of_an_expanding_box_gives_one(records: list[SegmentRecord]) -> None:
    record = records[0]
    volume = 1000 / record.density.reshape(record.n_blocks, -1)
    expected = record.pairs()[:, None] * shell_volumes(500)[None] * (1 / volume).sum()
    np.testing.assert_allclose(record.ideal_counts().sum(0), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda p: p.write_bytes(p.read_bytes()[:-200]), "not a readable record file"),
        (lambda p: p.write_bytes(b""), "not a readable record file"),
        (lambda p: p.write_text("not parquet at all"), "not a readable record file"),
        (lambda p: pq.write_table(pq.read_table(p).drop_columns(["seed"]), p), "columns differ"),
        (lambda p: _edit(p, "pressure", [[9.9] * 10]), "does not match its checksum"),
        (lambda p: _edit(p, "record_version", [99]), "record version 99"),
        (lambda p: _edit(p, "state_id", ["T9"]), "does not match its checksum"),
    ],
)
def test_damage_is_noticed(records: list[SegmentRecord], tmp_path: Path, damage, words: str) -> None:  # noqa: ANN001
    path = tmp_path / "loose" / "r.parquet"
    write_records(path, records[:1])
    damage(path)
    with pytest.raises(DataError, match=words) as error:
        stores.load_records(tmp_path)
    assert "r.parquet" in str(error.value)


def _edit(path: Path, column: str, values: list) -> None:
    table = pq.read_table(path)
    i = table.schema.get_field_index(column)
    import pyarrow as pa

    pq.write_table(
        table.set_column(i, table.schema.field(i), pa.array(values, type=table.schema.field(i).type)), path
    )


def test_contradictions_inside_a_record_are_all_listed(records: list[SegmentRecord], tmp_path: Path) -> None:
    bad = dataclasses.replace(
        records[0], start="separated", density=-records[0].density, n_B=500, step=records[0].step + 10**6
    )
    write_records(tmp_path / "loose" / "r.parquet", [bad])
    with pytest.raises(DataError) as error:
        stores.load_records(tmp_path)
    for words in ("are B, but C_B", "with shape", "outside the step range", "negative counts or density"):
        assert words in str(error.value)


def test_gaps_overlaps_and_strangers_in_a_chain_are_listed(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    fill(tmp_path, [records[0], records[2], dataclasses.replace(records[3], deck_sha256="f" * 64)])
    with pytest.raises(DataError) as error:
        stores.load_records(tmp_path)
    assert len(error.value.problems) == 2
    assert "steps 2000 to 4000 are missing" in str(error.value)
    assert "different deck_sha256" in str(error.value)


def test_the_same_segment_twice_counts_once_and_two_versions_are_refused(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    fill(tmp_path, records[:2])
    write_records(tmp_path / "packs" / "copied.parquet", records[:2])
    assert len(stores.load_records(tmp_path)) == 2
    other = dataclasses.replace(records[1], energy=records[1].energy + 1)
    write_records(tmp_path / "packs" / "other.parquet", [other])
    with pytest.raises(DataError, match="another record than the one in"):
        stores.load_records(tmp_path)


def test_packing_loses_nothing_and_leaves_older_packs_alone(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    fill(tmp_path, records[:6])
    first, n = stores.pack(tmp_path)
    assert first is not None
    assert n == 6
    before = first.read_bytes()
    fill(tmp_path, records[6:])
    second, n = stores.pack(tmp_path)
    assert second != first
    assert n == 6
    assert first.read_bytes() == before
    assert not list((tmp_path / "loose").iterdir())
    np.testing.assert_array_equal(total(stores.load_records(tmp_path)), total(records))
    assert stores.pack(tmp_path) == (None, 0)


def test_two_campaigns_do_not_share_a_store(tmp_path: Path) -> None:
    code = "from pathlib import Path; from binlj.builders.records.store import locked\n"
    code += f"with locked(Path({str(tmp_path)!r})): pass"
    with stores.locked(tmp_path):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert done.returncode != 0
        assert "another campaign" in done.stderr
        with pytest.raises(StoreBusyError, match="uses this store"), stores.locked(tmp_path):
            pass
    with stores.locked(tmp_path):  # free again
        pass


def test_configurations_survive_and_keep_what_is_not_here(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    key = (STATE.state_id, "mixed", 0)
    made = compact(rng.random((50, 3)) * 9, rng.integers(0, 2, 50), box_length=9.0, step=400)
    folder = tmp_path / "work" / stores.chain_name(key)
    folder.mkdir(parents=True)
    np.savez(folder / "last.npz", step=400, box_length=9.0, types=made.types, positions=made.positions)
    held = chain(STATE, segments=1, frames=2, n_blocks=1, steps=400, n=100)
    path, count = stores.write_configurations(tmp_path, held)
    assert count == 1 and path is not None
    shutil.rmtree(tmp_path / "work")
    stores.write_configurations(tmp_path, held)  # on a machine without the working folder
    back = stores.read_configurations(tmp_path)[key]
    np.testing.assert_array_equal(back.positions, made.positions)
    np.testing.assert_array_equal(back.types, made.types)
    assert (back.step, back.box_length) == (400, 9.0)
    assert stores.read_configurations(tmp_path, only=(STATE.state_id, "separated")) == {}
    assert stores.stored_steps(tmp_path, held, n=50)[key] == {400}
    fill(tmp_path, held)
    # A restart goes on from it; a chain that stands elsewhere does not.
    assert stores.find_configuration(tmp_path, (STATE.state_id, "mixed", 3), step=400, n=50) is not None
    assert stores.find_configuration(tmp_path, key, step=800, n=50) is None
    assert stores.find_configuration(tmp_path, key, step=400, n=60) is None


def restart(records: list[SegmentRecord], *, at: int) -> list[SegmentRecord]:
    """The records as a restart that begins at step `at`."""
    return [
        dataclasses.replace(
            r, replica=1, seed=9, step_start=r.step_start + at, step_end=r.step_end + at, step=r.step + at
        )
        for r in records
    ]


def test_a_restart_hangs_on_a_record_of_its_root(records: list[SegmentRecord], tmp_path: Path) -> None:
    new = restart(records[:3], at=4000)
    fill(tmp_path / "good", [*records[:4], *new])
    assert len(stores.load_records(tmp_path / "good")) == 7
    fill(tmp_path / "bad", [*records[:2], *new[1:]])
    missing = "_mixed-1: steps 4000 to 6000 are missing: loose/.*_mixed-0_000004000-000006000.parquet"
    with pytest.raises(DataError, match=missing):
        stores.load_records(tmp_path / "bad")


def test_one_configuration_a_lineage_is_kept_the_furthest(records: list[SegmentRecord], tmp_path: Path) -> None:
    made = compact(np.random.default_rng(0).random((50, 3)) * 9, np.zeros(50, int), box_length=9.0, step=0)
    held = [*records[:4], *restart(records[:4], at=4000)]
    for replica, step in ((0, 4000), (1, 12_000)):
        folder = tmp_path / "work" / stores.chain_name((STATE.state_id, "mixed", replica))
        folder.mkdir(parents=True)
        np.savez(folder / "last.npz", step=step, box_length=9.0, types=made.types, positions=made.positions)
    assert stores.write_configurations(tmp_path, held)[1] == 1
    assert {k[2]: c.step for k, c in stores.read_configurations(tmp_path).items()} == {1: 12_000}
    # Of a dataset that has been replaced: what is newer is taken, what is older or of another size is not.
    keys = {replica: (STATE.state_id, "mixed", replica) for replica in (0, 1)}
    small = [dataclasses.replace(r, n_A=40, n_B=10) for r in held]
    stores.write_configurations(tmp_path, small, more={keys[0]: dataclasses.replace(made, step=2000)})
    assert {k[2]: c.step for k, c in stores.read_configurations(tmp_path).items()} == {1: 12_000}
    stores.write_configurations(tmp_path, held, more={keys[1]: dataclasses.replace(made, step=14_000)})
    assert {k[2]: c.step for k, c in stores.read_configurations(tmp_path).items()} == {1: 12_000}
    further = [dataclasses.replace(r, n_A=40, n_B=10) for r in (*records[:4], *restart(records[:5], at=4000))]
    stores.write_configurations(tmp_path, further, more={keys[1]: dataclasses.replace(made, step=14_000)})
    assert {k[2]: c.step for k, c in stores.read_configurations(tmp_path).items()} == {1: 14_000}


def test_a_configuration_ahead_of_its_records_does_not_replace_the_one_that_fits(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    """A kill between writing last.npz and the record."""
    made = compact(np.random.default_rng(0).random((50, 3)) * 9, np.zeros(50, int), box_length=9.0, step=0)
    folder = tmp_path / "work" / stores.chain_name(records[0].chain)
    folder.mkdir(parents=True)
    for step in (4000, 6000):
        np.savez(folder / "last.npz", step=step, box_length=9.0, types=made.types, positions=made.positions)
        stores.write_configurations(tmp_path, records[:2])
        assert [c.step for c in stores.read_configurations(tmp_path).values()] == [4000]


def test_a_replica_does_not_go_on_from_another_ones_configuration(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    other = [dataclasses.replace(r, replica=1, seed=9) for r in records[:2]]
    fill(tmp_path, [*records[:2], *other])
    made = compact(np.random.default_rng(0).random((1000, 3)) * 9, np.zeros(1000, int), box_length=9.0, step=4000)
    folder = tmp_path / "work" / stores.chain_name(records[0].chain)
    folder.mkdir(parents=True)
    np.savez(folder / "last.npz", step=4000, box_length=9.0, types=made.types, positions=made.positions)
    held = stores.load_records(tmp_path)
    stores.write_configurations(tmp_path, held)
    shutil.rmtree(tmp_path / "work")
    assert stores.find_configuration(tmp_path, records[0].chain, step=4000, n=1000) is not None
    assert stores.find_configuration(tmp_path, other[0].chain, step=4000, n=1000) is None
    situation = Situation(stores.by_chain(held), stored=stores.stored_steps(tmp_path, held, n=1000))
    assert situation.chains()[other[0].chain].restart is None, "nor does the campaign plan a restart from it"


@pytest.mark.parametrize("content", [b"", b"garbage", b"PK\x03\x04 not a zip file"])
def test_damaged_configurations_are_named(records: list[SegmentRecord], tmp_path: Path, content: bytes) -> None:
    folder = tmp_path / "work" / stores.chain_name(records[0].chain)
    folder.mkdir(parents=True)
    (folder / "last.npz").write_bytes(content)
    with pytest.raises(DataError, match=r"last.npz(.|\n)*not a readable file of configurations"):
        stores.write_configurations(tmp_path, records[:2])
    (tmp_path / "configurations").mkdir()
    (tmp_path / "configurations" / "last.parquet").write_bytes(content)
    for read in (stores.read_configurations, lambda store: stores.stored_steps(store, records, n=1000)):
        with pytest.raises(DataError, match=r"last.parquet(.|\n)*not a readable file of configurations"):
            read(tmp_path)


def test_of_a_converged_state_only_what_is_published_is_kept(tmp_path: Path) -> None:
    made = compact(np.random.default_rng(0).random((50, 3)) * 9, np.zeros(50, int), box_length=9.0, step=400)
    held = []
    for start in ("mixed", "separated", "saturated"):
        held += chain(STATE, segments=1, frames=2, n_blocks=1, steps=400, n=100, start=start)
        folder = tmp_path / "work" / stores.chain_name((STATE.state_id, start, 0))
        folder.mkdir(parents=True)
        np.savez(folder / "last.npz", step=400, box_length=9.0, types=made.types, positions=made.positions)
    assert stores.write_configurations(tmp_path, held, finished={"another": ("mixed",)})[1] == 3
    done = {STATE.state_id: ("separated", "saturated")}
    assert stores.write_configurations(tmp_path, held, finished=done)[1] == 2
    assert {key[1] for key in stores.read_configurations(tmp_path)} == {"separated", "saturated"}
