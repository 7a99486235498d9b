"""Chi-square of known noise, and a real repetition that is stopped, resumed and finished."""

from __future__ import annotations

import dataclasses
import json
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from synthetic import chain
from validation_cases import TEST_STATES, TINY, simulate, write_dataset

from binlj.builders.analysis import criteria
from binlj.builders.analysis.assemble import assemble_state
from binlj.builders.campaign import fixed_plan
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import find_engine
from binlj.builders.records import store as stores
from binlj.builders.records.record import write_records
from binlj.builders.validation import repeat, rerun_plots
from binlj.cli import cli
from binlj.data import read_table
from binlj.errors import DataError, EngineError, InputError
from binlj.grid import PAIRS
from binlj.schema import N_BINS, bin_centres

R = bin_centres()
STATE = next(s for s in TEST_STATES if s.C_B == 0.5 and s.T == 1.4 and s.eps_AB >= 0.8)


def two_curves(shift: float = 0.0, smooth: int = 1, seed: int = 0) -> tuple[np.ndarray, ...]:
    """g and error twice, the noise of the claimed size, correlated over `smooth` bins."""
    rng = np.random.default_rng(seed)
    g, error = 1 + np.exp(-R / 3) * np.cos(6 * R), np.full(N_BINS, 0.01)
    kernel = np.ones(smooth) / np.sqrt(smooth)

    def noise() -> np.ndarray:
        return 0.01 * np.convolve(rng.standard_normal(N_BINS + smooth - 1), kernel, mode="valid")

    return g + noise(), error, g + noise() + shift, error


def test_right_errors_give_one_and_a_shift_much_more() -> None:
    values = [repeat.chi_square(*two_curves(seed=s)).value for s in range(200)]
    assert np.mean(values) == pytest.approx(1, abs=0.06)
    shifted = repeat.chi_square(*two_curves(shift=0.05))
    assert shifted.value > 8 and not shifted.close
    g1, e1, g2, e2 = two_curves()
    assert repeat.chi_square(g1, e1 / 10, g2, e2 / 10).value > 50
    assert repeat.chi_square(g1, 5 * e1, g2, 5 * e2).value < 0.1


@pytest.mark.parametrize("smooth", [1, 4, 10])
def test_the_chance_interval_holds_also_where_bins_move_together(smooth: int) -> None:
    inside, found = 0, []
    close, expected = [], []
    for seed in range(300):
        chi = repeat.chi_square(*two_curves(smooth=smooth, seed=seed))
        low, high = chi.by_chance()
        inside += low <= chi.value <= high
        found.append(chi.independent)
        close.append(chi.close)
        expected.append(chi.chance_of_close())
    assert np.mean(expected) == pytest.approx(np.mean(close), abs=0.06)
    assert inside / 300 > 0.85
    rho = 1 - np.arange(1, smooth) / smooth  # of a moving sum
    assert np.mean(found) == pytest.approx(41 / (1 + 2 * np.sum(rho**2)), rel=0.4)


def test_empty_bins_and_other_ranges_do_not_count() -> None:
    g1, e1, g2, e2 = two_curves()
    core = R < 2
    for x in (g1, e1, g2, e2):
        x[core] = 0
    chi = repeat.chi_square(g1, e1, g2, e2)
    assert chi.bins == ((R > 2) & (R < 5)).sum()
    g2[R > 5] += 100
    assert repeat.chi_square(g1, e1, g2, e2).value == chi.value
    e1[core] = 1e-9  # an error at the dilute limit, no pair found by either
    assert repeat.chi_square(g1, e1, g2, e2) == chi
    nothing = repeat.chi_square(np.zeros(100), e1, np.zeros(100), e2)
    assert nothing.bins == 0 and np.isnan(nothing.value)


def test_the_builder_s_own_errors_hold_for_synthetic_records(tmp_path: Path) -> None:
    """From Poisson counts to chi-square through the whole chain: assemble, dataset, comparison."""
    first, again = (chain(STATE, segments=4, n=2_000, seed=s) for s in (1, 2))
    dataset = write_dataset(tmp_path, [assemble_state(STATE, first)])
    (row,) = [r for _, r in read_table("states", path=dataset).iterrows()]
    (item,) = repeat.repetitions([row], {STATE.state_id: again}, dataset=dataset)
    for chi in item.chi_squares():
        assert 0.3 < chi.value < 2
    assert abs(item.z_score("density")) < 4
    other = chain(STATE, segments=4, n=2_000, seed=3, g=1.1 * np.maximum(first[0].counts.sum(0) * 0 + 1.0, 0))
    (wrong,) = repeat.repetitions([row], {STATE.state_id: other}, dataset=dataset)
    assert min(chi.value for chi in wrong.chi_squares()) > 10
    assert all("short" in repeat.why(wrong, chi) for chi in wrong.chi_squares())
    apart = dataclasses.replace(wrong, new=dataclasses.replace(wrong.new, start_gap=0.04))
    assert all("starts of the rerun still 4 % apart" in repeat.why(apart, chi) for chi in apart.chi_squares())
    g, again_g = item.g[0], item.new.g[0]
    expected = np.sqrt(np.mean((again_g - g)[(R > 0.9) & (R < 5)] ** 2)) / g.max()
    assert item.differences()[0] == pytest.approx(expected)
    assert item.differences()[0] < criteria.COVERED * item.uncertainties()[0]
    assert min(wrong.differences()) > criteria.COVERED * max(wrong.uncertainties())
    wide = dataclasses.replace(wrong, row=wrong.row.copy())
    wide.row["start_gap"] = 0.5
    assert max(wide.differences()) < criteria.COVERED * min(wide.uncertainties())
    assert repeat.repetitions([row], {}, dataset=dataset) == []
    text, data = repeat.report([item, wrong], ["x: 1 of 2 steps"], total=3, dataset=dataset)
    assert "2 of 3 states have a rerun; 1 chain(s) not finished yet:\n- x: 1 of 2 steps" in text
    assert "\n3 of 6 curves differ by more than 2 times" in text
    assert data["summary"]["all"]["difference_max"] == pytest.approx(max(wrong.differences()))
    assert data["summary"]["all"]["above"] >= 3 and len(data["curves"]) == 6
    rerun_plots.draw_repeat([item, wrong]).savefig(tmp_path / "a.png")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A release store with one tiny real state, and the dataset made of it."""
    root = tmp_path_factory.mktemp("published")
    records = simulate(Chain(STATE), root / "release")
    shutil.rmtree(root / "release" / "work")
    simulate(Chain(STATE), root / "other")  # never asked for: the same again
    dataset = write_dataset(root / "data", [assemble_state(STATE, records)])
    return root / "release", dataset


def command(published: tuple[Path, Path], tmp_path: Path, *more: str) -> list[str]:
    release, dataset = published
    return ["validate", "repeat", "--release", str(release), "--dataset", str(dataset), "--store",
            str(tmp_path / "repeat"), "--out", str(tmp_path / "out"), "--state", STATE.state_id, *more]  # fmt: skip


@pytest.mark.lammps
def test_a_real_repetition_stopped_halfway_goes_on_and_then_does_nothing(
    published: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = {p: p.read_bytes() for p in published[0].rglob("*") if p.is_file()}
    real, calls = fixed_plan.run_task, []

    def dies(*args: object) -> list[str]:
        calls.append(args)
        if len(calls) == 2:
            raise EngineError("pulled out")
        return real(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(fixed_plan, "run_task", dies)
    stopped = CliRunner().invoke(cli, command(published, tmp_path))
    assert isinstance(stopped.exception, EngineError) and "pulled out" in str(stopped.exception)
    (head,) = stores.load_records(tmp_path / "repeat")
    partial = CliRunner().invoke(cli, command(published, tmp_path, "--no-run"))
    assert isinstance(partial.exception, DataError) and "--run" in str(partial.exception)  # one segment: no errors yet

    done = CliRunner().invoke(cli, command(published, tmp_path))
    assert done.exception is None, done.output
    assert "all chains finished" in done.output and "1 of 1 states have a rerun" in done.output
    assert len(calls) == 4, "the first segment is not run again"
    records = stores.load_records(tmp_path / "repeat")
    release = stores.load_records(published[0])
    assert records[0].checksum() == head.checksum()
    assert [(r.step_start, r.step_end, r.step.tolist()) for r in records] == [
        (r.step_start, r.step_end, r.step.tolist()) for r in release
    ]
    assert {r.replica for r in records} == {1} and records[0].seed != release[0].seed
    assert not np.array_equal(records[0].counts, release[0].counts)
    assert {p: p.read_bytes() for p in published[0].rglob("*") if p.is_file()} == before, "release is only read"

    again = CliRunner().invoke(cli, command(published, tmp_path))
    assert again.exception is None and len(calls) == 4
    data = json.loads((tmp_path / "out" / "repeat.json").read_text())
    assert len(data["curves"]) == 3 and data["unfinished"] == []
    assert all(0.1 < c["chi2"] < 10 for c in data["curves"])
    assert (tmp_path / "out" / "repeat.png").stat().st_size > 10_000
    table = pq.read_table(tmp_path / "out" / "repeat.parquet")
    assert table.column_names == ["state_id", "pair", "g"] and table["pair"].to_pylist() == list(PAIRS)
    want = assemble_state(STATE, records).g
    np.testing.assert_array_equal(np.array(table["g"].to_pylist()), want)


@pytest.mark.lammps
def test_a_spent_budget_begins_nothing_and_says_what_is_left(published: tuple[Path, Path], tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, command(published, tmp_path, "--budget", "0.000001s"))
    assert "1 chain(s) not finished" in result.output
    assert stores.load_records(tmp_path / "repeat") == []


def test_what_is_missing_is_said(published: tuple[Path, Path], tmp_path: Path) -> None:
    def error(*args: str) -> BaseException | None:
        return CliRunner().invoke(cli, command(published, tmp_path, *args)).exception

    missing = error("--no-run")
    assert isinstance(missing, DataError) and "no such store" in str(missing)
    (tmp_path / "repeat").mkdir()
    empty = error("--no-run")
    assert isinstance(empty, DataError) and "no records of these chains" in str(empty)
    unknown = error("--state", "T1.00-C0.500-S1.00-E1.00")
    assert isinstance(unknown, InputError) and "not in the dataset" in str(unknown)
    nowhere = error("--release", str(tmp_path / "nowhere"))
    assert isinstance(nowhere, DataError) and "no such store" in str(nowhere)
    itself = error("--store", str(published[0]))
    assert isinstance(itself, InputError) and "published average" in str(itself)
    assert not list((tmp_path / "repeat").rglob("*.parquet"))


def test_records_of_another_experiment_are_refused(tmp_path: Path) -> None:
    write_records(tmp_path / "loose" / "a.parquet", chain(STATE, n=1_000, replica=1))
    job = fixed_plan.Job(Chain(STATE, replica=1), 500, ((100, 50),), tmp_path, 10)
    with pytest.raises(DataError) as caught:
        fixed_plan.load([job])
    assert len(caught.value.problems) == 3, "N, seed and input scripts"


@pytest.mark.lammps
def test_one_failing_chain_does_not_stop_the_others(tmp_path: Path) -> None:
    other = next(s for s in TEST_STATES if s.T == 1.4 and s.C_B == 0.01)  # 0 B among 20 particles
    bad = fixed_plan.Job(Chain(other), 20, ((100, 50),), tmp_path / "bad", TINY.start_steps)
    good = fixed_plan.Job(Chain(STATE), 500, ((100, 50),), tmp_path / "good", TINY.start_steps)
    with pytest.raises(EngineError, match=r"1 chain\(s\) failed(.|\n)*leaves 20 A and 0 B"):
        fixed_plan.run([bad, good], engine=find_engine(), workers=1)
    assert stores.load_records(tmp_path / "good")


@pytest.mark.lammps
def test_chains_that_were_begun_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A campaign that is stopped should leave few chains half done."""
    order: list[int] = []
    real = fixed_plan.run_task
    monkeypatch.setattr(fixed_plan, "run_task", lambda *a: (order.append(a[2]), real(*a))[1])

    def job(replica: int, *ends: int) -> fixed_plan.Job:
        pieces = tuple((end, 50) for end in ends)
        return fixed_plan.Job(Chain(STATE, replica=replica), 500, pieces, tmp_path / "store", TINY.start_steps)

    fixed_plan.run([job(2, 100)], engine=find_engine(), workers=1)
    fixed_plan.run([job(1, 100, 200), job(2, 100, 200)], engine=find_engine(), workers=1)
    assert order == [2, 2, 1, 1]
    order.clear()
    jobs = [job(3, 100, 200), job(2, 100, 200, 300), job(1, 100, 200, 300)]
    fixed_plan.run(jobs, engine=find_engine(), workers=1, as_given=True)
    assert order == [3, 3, 2, 1], "urgent states before those begun"
