"""The window of the mixed regime: which blocks count, what comes of them, and which states still need a chain."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import chain

from binlj.builders.analysis.assemble import StateResult
from binlj.builders.analysis.window import (
    WINDOW,
    best_lines,
    scaled,
    scatter_factors,
    window_blocks,
    window_result,
)
from binlj.builders.campaign import mixed_regime
from binlj.builders.md.profiles import get_profile
from binlj.builders.records.record import write_records
from binlj.cli import cli
from binlj.errors import DataError
from binlj.grid import PAIRS, State, grid

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


def test_every_independent_run_counts_once() -> None:
    short, long = chain(STATE, segments=1, **FIVE_BLOCKS), chain(STATE, segments=2, replica=1, **FIVE_BLOCKS)
    # A restart of the second chain goes further than the chain itself; both share their beginning.
    again = [replace(r, replica=2) for r in chain(STATE, segments=5, replica=1, **FIVE_BLOCKS)[2:]]
    lines = best_lines({0: short, 1: long, 2: again})
    assert [line[-1].step_end for line in lines] == [5_000, 15_000]  # nothing that begins after the window
    assert [record.replica for record in lines[1]] == [1, 1, 2]
    assert best_lines({}) == []


def test_the_result_is_that_of_the_window_alone() -> None:
    records = chain(STATE, segments=6, **FIVE_BLOCKS)
    result = window_result(STATE, records)
    inside = np.concatenate([records[0].counts[4:], records[1].counts, records[2].counts[:4]]).sum(0)
    ideal = np.concatenate([r.ideal_counts() for r in records[:3]])[4:14].sum(0)
    np.testing.assert_allclose(result.g_fine, inside / ideal, rtol=1e-12)
    assert (result.equilibration_steps, result.production_steps, result.start) == (4_000, 10_000, "mixed")
    assert result.converged and not result.reason and result.start_gap is None
    density = np.concatenate([r.density for r in records])[8:28]
    assert result.density == pytest.approx(density.mean())


def test_a_short_chain_is_flagged_and_one_before_the_window_refused() -> None:
    result = window_result(STATE, chain(STATE, segments=2, **FIVE_BLOCKS))
    assert not result.converged and result.reason == "6000 of 10000 steps of the window"
    with pytest.raises(DataError, match=r"1 blocks inside the steps 4,000 to 14,000"):
        window_result(STATE, chain(STATE, segments=1, **FIVE_BLOCKS))


def test_scatter_between_runs_scales_the_errors() -> None:
    """Runs whose g differ by more or less than their blocks show: the factor gives the true spread back."""
    rng = np.random.default_rng(3)
    base = replace(window_result(STATE, chain(STATE, segments=3, **FIVE_BLOCKS)), n_eff=9.0)
    inflation = np.array([2.0, 3.0, 0.5])[:, None]  # of the standard error

    def run(larger: float, n_eff: float) -> StateResult:
        noise = larger * inflation * base.g_stderr * rng.standard_normal(base.g.shape)
        return replace(base, g=base.g + noise, n_eff=n_eff)

    repeated = [[run(1.0, 9.0) for _ in range(3)] for _ in range(20)]
    repeated += [[run(0.5, 3.0) for _ in range(3)] for _ in range(20)]  # these change: their blocks contain the trend
    factors = scatter_factors(repeated)
    assert set(factors) == {(kind, pair) for kind in ("settled", "changing") for pair in PAIRS}
    for kind, larger in (("settled", 1.0), ("changing", 0.5)):
        expected = (larger * inflation[:, 0]) ** 2
        np.testing.assert_allclose([factors[kind, pair] for pair in PAIRS], expected, rtol=0.15)
    wide = scaled(base, factors)
    np.testing.assert_allclose(wide.g_stderr, base.g_stderr * np.sqrt([[factors["settled", p]] for p in PAIRS]))
    assert wide.relative_error[1] > 2.5 * base.relative_error[1]
    narrow = scaled(replace(base, n_eff=3.0), factors)
    assert (narrow.g_stderr[:, 20] < 0.7 * wide.g_stderr[:, 20]).all()
    with pytest.raises(DataError, match="demixed in the mixed regime, and no other state"):
        scaled(replace(base, phase="demixed"), factors)


def test_plan_leaves_out_filled_states_and_repeats_some(tmp_path: Path) -> None:
    other = tmp_path / "other"
    write_records(other / "packs" / "a.parquet", chain(STATE, segments=3, **FIVE_BLOCKS))
    short = State(1.0, 0.5, 1.0, 0.8)
    write_records(other / "packs" / "b.parquet", chain(short, segments=1, **FIVE_BLOCKS))
    apart = State(1.0, 0.5, 1.0, 0.6)
    write_records(other / "packs" / "c.parquet", chain(apart, start="separated", segments=3, **FIVE_BLOCKS))
    states, profile = [STATE, short, apart], get_profile("release")
    elsewhere = mixed_regime.whole_windows(states, [other])
    assert {state: len(runs) for state, runs in elsewhere.items()} == {STATE: 1, short: 0, apart: 0}
    store = tmp_path / "mixed"
    jobs = mixed_regime.plan(
        states, store=store, elsewhere=elsewhere, profile=profile, repeated={STATE, apart}
    )
    first, rest = jobs[:2], jobs[2:]
    assert {job.chain.state for job in first} == {short, apart}
    assert all(job.key[1:] == ("mixed", mixed_regime.REPLICA) and job.n == 10_000 for job in first)
    # Three runs each, whether the first is in another store or not.
    assert sorted((job.chain.state, job.chain.replica) for job in rest) == sorted(
        [(STATE, 100), (STATE, 101), (apart, 101), (apart, 102)]
    )
    # What a job runs fills the window, and its first segment lies outside.
    (begin, _), *_, (last, every) = jobs[0].pieces
    assert begin == WINDOW[0] and last == WINDOW[1] and (WINDOW[1] - begin) % every == 0


@pytest.mark.parametrize("filled", [0, 2])
def test_dry_run_counts_states(filled: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("binlj.builders.commands.campaign.default_store", lambda which="grid": tmp_path / which)
    for i, state in enumerate(grid()[:filled]):
        write_records(tmp_path / "grid" / "packs" / f"{i}.parquet", chain(state, segments=3, **FIVE_BLOCKS))
    if filled:
        write_records(tmp_path / "repeat" / "packs" / "a.parquet", chain(grid()[0], segments=3, seed=2, **FIVE_BLOCKS))
    done = CliRunner().invoke(cli, ["campaign", "mixed", "--dry-run"])
    assert done.exit_code == 0 and f"{filled} of 500 of the grid" in done.output
    assert f"0 of {min(filled, 1)} 3 times" in done.output and "0 of 100 off the grid; run the same" in done.output
