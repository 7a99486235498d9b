"""The window of the mixed regime: which blocks count, and which states still need a chain."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import chain

from binlj.builders.analysis.window import WINDOW, longest_window, window_blocks
from binlj.builders.campaign import mixed_regime
from binlj.builders.md.profiles import get_profile
from binlj.builders.records.record import write_records
from binlj.cli import cli
from binlj.grid import State, grid

STATE = State(1.0, 0.5, 1.0, 1.0)
FIVE_BLOCKS = {"steps": 5000, "frames": 10, "n_blocks": 5}  # blocks of 1,000 steps


def test_only_blocks_inside_the_window_count() -> None:
    records = chain(STATE, segments=4, **FIVE_BLOCKS)
    blocks, steps = window_blocks(records)
    assert steps == WINDOW[1] - WINDOW[0] and len(blocks) == 10 and (blocks.frames == 2).all()
    np.testing.assert_array_equal(blocks.counts[0], records[0].counts[4])  # steps 4,000 to 5,000
    np.testing.assert_array_equal(blocks.counts[-1], records[2].counts[3])  # 13,000 to 14,000
    # A block that reaches over either end does not count.
    assert window_blocks(records, window=(4_500, 13_900))[1] == 8_000
    assert window_blocks(records[:1], window=(5_000, 14_000))[1] == 0


def test_the_longest_chain_counts() -> None:
    short, long = chain(STATE, segments=1, **FIVE_BLOCKS), chain(STATE, segments=2, replica=1, **FIVE_BLOCKS)
    assert longest_window({0: short, 1: long}) == 6_000
    assert longest_window({}) == 0


def test_plan_leaves_out_filled_states(tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_records(other / "packs" / "a.parquet", chain(STATE, segments=3, **FIVE_BLOCKS))
    short = State(1.0, 0.5, 1.0, 0.8)
    write_records(other / "packs" / "b.parquet", chain(short, segments=1, **FIVE_BLOCKS))
    apart = State(1.0, 0.5, 1.0, 0.6)
    write_records(other / "packs" / "c.parquet", chain(apart, start="separated", segments=3, **FIVE_BLOCKS))
    states, profile = [STATE, short, apart], get_profile("release")
    elsewhere = mixed_regime.window_steps(states, [other])
    jobs = mixed_regime.plan(states, store=tmp_path / "mixed", elsewhere=elsewhere, profile=profile)
    assert {job.chain.state for job in jobs} == {short, apart}
    assert all(job.key[1:] == ("mixed", mixed_regime.REPLICA) and job.n == 10_000 for job in jobs)
    # What a job runs fills the window, and its first segment lies outside.
    (first, _), *_, (last, every) = jobs[0].pieces
    assert first == WINDOW[0] and last == WINDOW[1] and (WINDOW[1] - first) % every == 0


@pytest.mark.parametrize("filled", [0, 2])
def test_dry_run_counts_states(filled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("binlj.builders.commands.campaign.default_store", lambda which="grid": tmp_path / which)
    for i, state in enumerate(grid()[:filled]):
        write_records(tmp_path / "grid" / "packs" / f"{i}.parquet", chain(state, segments=3, **FIVE_BLOCKS))
    done = CliRunner().invoke(cli, ["campaign", "mixed", "--dry-run"])
    assert done.exit_code == 0 and f"{filled} of 500 states have the whole window" in done.output
