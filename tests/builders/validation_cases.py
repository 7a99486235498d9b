"""What the tests of the validation share: a dataset of a few states, and tiny real chains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from binlj.builders.analysis.assemble import StateResult
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import find_engine
from binlj.builders.md.profiles import Profile
from binlj.builders.md.segment import advance
from binlj.builders.records.record import SegmentRecord, read_records
from binlj.builders.release import tables
from binlj.files import write_json
from binlj.tracks import split

TINY = Profile("tiny", 500, 60, ((100, 50), (200, 50)), 200, 50, 10_000)
TEST_STATES = split("interpolation")[1]


def write_dataset(folder: Path, results: Sequence[StateResult]) -> Path:
    """The tables of some results, as a dataset folder."""
    for name, table in tables.grid_tables(results, version="1.0.0").items():
        tables.write_table(folder / name, table)
    (folder / "README.md").write_text("a few states\n", encoding="utf-8")
    write_json(folder / "manifest.json", {"version": "0.0.0", "data_sha256": "0" * 64, "files": {}})
    return folder


def simulate(chain: Chain, store: Path, *, segments: int = 3, profile: Profile = TINY) -> list[SegmentRecord]:
    """A tiny chain in a store; without its working folder, as in a fresh clone."""
    files = advance(
        chain, profile=profile, engine=find_engine(), folder=store / "work" / chain.name, records=store / "loose",
        segments=segments,
    )
    return [record for file in files for record in read_records(file)]
