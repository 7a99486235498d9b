"""What the error messages advise, `binlj campaign repair`, is carried out, and the campaign then continues."""

from __future__ import annotations

import dataclasses
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from synthetic import chain

from binlj.builders.campaign import running as campaigns
from binlj.builders.campaign import status
from binlj.builders.campaign.running import Outcome
from binlj.builders.md.engine import find_engine
from binlj.builders.md.profiles import PROFILES
from binlj.builders.records import store as stores
from binlj.builders.records.configuration import compact
from binlj.builders.records.record import SegmentRecord, read_records, write_records
from binlj.builders.records.survey import record_name
from binlj.cli import cli
from binlj.errors import DataError, EngineError
from binlj.grid import State

STATE = State(1.4, 0.5, 1.0, 1.0)
KEY = (STATE.state_id, "mixed", 0)
TINY = dataclasses.replace(PROFILES["smoke"], n=500, start_steps=20, first=(), steps=40, every=20, max_steps=400)
CONFIGURATIONS = Path("configurations/last.parquet")


@pytest.fixture(scope="module")
def records() -> list[SegmentRecord]:
    return chain(STATE, segments=4, frames=2, n_blocks=1, steps=40, n=500)


def fill(store: Path, records: list[SegmentRecord]) -> Path:
    for r in records:
        write_records(store / "loose" / record_name(r.chain, r.step_start, r.step_end), [r])
    return store


def advised(error: BaseException) -> list[str]:
    """The arguments of the command that an error advises."""
    found = re.search(r"^    binlj (campaign repair .*)$", str(error), re.MULTILINE)
    assert found, str(error)
    return shlex.split(found.group(1))


def repair(error: BaseException) -> str:
    """Follow the advice: first dry, which changes nothing, then twice, of which the second finds nothing to do."""
    command = advised(error)
    folder = Path(command[-1])
    before = contents(folder)
    dry = CliRunner().invoke(cli, [*command, "--dry-run"], catch_exceptions=False)
    assert before == contents(folder)
    done = CliRunner().invoke(cli, command, catch_exceptions=False)
    assert dry.output == done.output + "nothing was changed (--dry-run)\n"
    assert CliRunner().invoke(cli, command, catch_exceptions=False).output == "nothing to repair\n"
    aside = {path.relative_to(folder / "damaged"): data for path, data in contents(folder / "damaged").items()}
    kept = {path.relative_to(folder): data for path, data in contents(folder).items()}
    for path, data in before.items():
        name = path.relative_to(folder)
        assert data in (aside.get(name), kept.get(name)) or (name == CONFIGURATIONS and name in kept), "nothing is lost"
    return done.output


def contents(folder: Path) -> dict[Path, bytes]:
    return {p: p.read_bytes() for p in folder.rglob("*") if p.is_file() and p.name != ".lock"}


def spoil(path: Path) -> None:
    data = path.read_bytes()
    middle = len(data) // 2
    path.write_bytes(data[:middle] + bytes(64) + data[middle + 64 :])


def configuration(step: int, n: int = 500) -> stores.Configuration:
    rng = np.random.default_rng(0)
    return compact(rng.random((n, 3)) * 9, np.repeat([0, 1], n // 2), box_length=9.0, step=step)


def working_folder(store: Path, step: int) -> Path:
    folder = store / "work" / stores.chain_name(KEY)
    folder.mkdir(parents=True)
    c = configuration(step)
    np.savez(folder / "last.npz", step=step, box_length=c.box_length, types=c.types, positions=c.positions)
    (folder / f"step-{step}.restart").write_text("")
    return folder


def refusal(store: Path) -> DataError:
    with pytest.raises(DataError) as error:
        stores.load_records(store)
    return error.value


def test_the_advice_holds_a_path_that_a_shell_takes_apart(records: list[SegmentRecord], tmp_path: Path) -> None:
    store = fill(tmp_path / "it's a $store", records[:1])
    spoil(next(store.glob("loose/*")))
    assert advised(refusal(store))[-1] == str(store)


def test_a_damaged_newest_record_takes_its_stale_folder_along(records: list[SegmentRecord], tmp_path: Path) -> None:
    fill(tmp_path, records)
    folder = working_folder(tmp_path, 160)
    newest = sorted(tmp_path.glob("loose/*"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    said = repair(refusal(tmp_path))
    assert "continues from step 120, with the configuration of step 160: the steps between do not count" in said
    assert (tmp_path / "damaged" / "loose" / newest.name).is_file() and not folder.exists()
    assert [r.step_end for r in stores.load_records(tmp_path)] == [40, 80, 120]
    found = stores.find_configuration(tmp_path, KEY, step=120, n=500)
    assert found is not None
    np.testing.assert_array_equal(found.positions, configuration(160).positions)


def test_a_stored_configuration_of_a_records_end_comes_before_one_beyond_them(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    fill(tmp_path, records)
    stores.store_configurations(tmp_path, {KEY: configuration(80)})
    working_folder(tmp_path, 160)
    spoil(sorted(tmp_path.glob("loose/*"))[-1])
    assert "continues from step 80, with the configuration stored" in repair(refusal(tmp_path))
    assert stores.read_configurations(tmp_path)[KEY].step == 80


def test_the_sound_records_of_a_damaged_archive_are_kept(records: list[SegmentRecord], tmp_path: Path) -> None:
    other = chain(STATE, segments=2, frames=2, n_blocks=1, steps=40, n=500, start="separated")
    archive = tmp_path / "packs" / "pack-a.parquet"
    write_records(archive, [*records, *other])
    table = pq.read_table(archive)
    energies = table["energy"].to_pylist()
    energies[2] = [9.0, 9.0]  # the third of the mixed chain
    column = table.schema.get_field_index("energy")
    pq.write_table(table.set_column(column, "energy", pa.array(energies)), archive)
    stores.store_configurations(tmp_path, {KEY: configuration(160)})
    said = repair(refusal(tmp_path))
    assert "1 of its records follow one that is missing" in said and "copy the 4 sound records" in said
    left = stores.load_records(tmp_path)
    assert [(r.start, r.step_end) for r in left] == [
        ("mixed", 40), ("mixed", 80), ("separated", 40), ("separated", 80)
    ]  # fmt: skip
    assert stores.find_configuration(tmp_path, KEY, step=80, n=500) is not None


def test_of_two_different_records_of_one_segment_the_archived_one_is_kept(
    records: list[SegmentRecord], tmp_path: Path
) -> None:
    write_records(tmp_path / "packs" / "pack-a.parquet", records[:2])
    fill(tmp_path, [dataclasses.replace(records[1], energy=records[1].energy + 1)])
    repair(refusal(tmp_path))
    assert [r.checksum() for r in stores.load_records(tmp_path)] == [r.checksum() for r in records[:2]]


def test_a_missing_record_stops_its_chain_only(records: list[SegmentRecord], tmp_path: Path) -> None:
    other = chain(STATE, segments=2, frames=2, n_blocks=1, steps=40, n=500, start="separated")
    fill(tmp_path, [*records[:1], *records[2:], *other])
    missing = f"loose/{record_name(KEY, 40, 80)}"
    assert missing in str(refusal(tmp_path))
    found = stores.usable_records(tmp_path)
    assert [(r.start, r.step_end) for r in found.records] == [("mixed", 40), ("separated", 40), ("separated", 80)]
    row, other_row = status.table(tmp_path, [STATE, State(1.4, 0.5, 1.0, 0.8)], TINY)
    assert missing in row["reason"] and not row["converged"] and "missing" not in other_row["reason"]
    assert stores.pack(tmp_path)[1] == 5, "what waits for the missing record is archived too"
    fill(tmp_path, records[1:2])
    assert len(stores.load_records(tmp_path)) == 6, "the record is back"


def test_damaged_configurations_are_set_aside(records: list[SegmentRecord], tmp_path: Path) -> None:
    fill(tmp_path, records)
    folder = working_folder(tmp_path, 160)
    (folder / "last.npz").write_bytes(b"")
    stores.store_configurations(tmp_path, {KEY: configuration(80)})
    spoil(tmp_path / "configurations" / "last.parquet")
    with pytest.raises(DataError) as error:
        stores.write_configurations(tmp_path, records)
    repair(error.value)
    assert (folder / "step-160.restart").is_file(), "the chain continues from its restart file"
    assert not (folder / "last.npz").exists() and stores.read_configurations(tmp_path) == {}


def run(store: Path, tasks: int) -> Outcome:
    states = [STATE, State(1.4, 0.5, 1.0, 0.8)]
    return campaigns.run(
        store, states, profile=TINY, engine=find_engine(), workers=1, max_tasks=tasks, phases=frozenset({1, 3})
    )


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("campaign")
    run(store, 4)
    return store


def damage_the_newest_record(store: Path) -> None:
    spoil(sorted(store.glob("loose/*"))[-1])


def damage_an_archived_record(store: Path) -> None:
    newest = read_records(sorted(store.glob("loose/*"))[-1])[0].key
    archive, _ = stores.pack(store)
    assert archive is not None
    table = pq.read_table(archive)
    keys = [r.key for r in read_records(archive)]
    seeds = [row + (key == newest) for row, key in zip(table["seed"].to_pylist(), keys, strict=True)]
    pq.write_table(table.set_column(table.schema.get_field_index("seed"), "seed", pa.array(seeds)), archive)


def damage_the_stored_configurations(store: Path) -> None:
    stores.write_configurations(store, stores.load_records(store))
    spoil(store / "configurations" / "last.parquet")


def damage_the_last_configuration(store: Path) -> None:
    for path in store.glob("work/*/last.npz"):
        path.write_bytes(b"garbage")


def remove_the_newest_record(store: Path) -> None:
    sorted(store.glob("loose/*"))[-1].unlink()


def remove_a_record(store: Path) -> None:
    sorted(store.glob("loose/*"))[0].unlink()


def errors(store: Path) -> Iterator[Exception]:
    """What archiving or running the damaged store says."""
    try:
        stores.write_configurations(store, stores.load_records(store))
    except DataError as error:
        yield error
    yield from map(EngineError, run(store, 1).failures)


@pytest.mark.lammps
@pytest.mark.parametrize(
    "damage",
    [
        damage_the_newest_record, damage_an_archived_record, damage_the_stored_configurations,
        damage_the_last_configuration, remove_the_newest_record, remove_a_record,
    ],
)  # fmt: skip
def test_a_campaign_continues_after_the_repair(
    campaign: Path, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    store = Path(shutil.copytree(campaign, tmp_path / "a store"))
    damage(store)
    repair(next(errors(store)))
    steps = sum(r.steps for r in stores.load_records(store))
    outcome = run(store, 2)
    assert not outcome.failures and outcome.tasks == 2
    after = stores.load_records(store)
    assert sum(r.steps for r in after) >= steps + 2 * TINY.steps
    both = {r.state_id for r in after}
    assert len(both) == 2
