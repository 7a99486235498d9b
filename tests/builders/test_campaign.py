"""The scheduler's choices, and real campaigns that are killed, stopped, and given bad input."""

from __future__ import annotations

import dataclasses
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import chain

from binlj.builders.analysis.assemble import assemble_state
from binlj.builders.analysis.quality import Quality
from binlj.builders.campaign import running as campaigns
from binlj.builders.campaign import workers
from binlj.builders.campaign.scheduler import Progress, next_task, order
from binlj.builders.commands.options import duration
from binlj.builders.md.engine import find_engine
from binlj.builders.md.profiles import PROFILES, get_profile
from binlj.builders.records import store as stores
from binlj.builders.records.record import SegmentRecord
from binlj.cli import cli
from binlj.errors import DataError, InputError
from binlj.grid import State, grid

STATES = grid()[:3]
A, B, C = sorted(STATES, key=order)
GOOD = Quality(0.5, 0.1, 0.0, 0.5, False, True)
BAD = Quality(3.0, 0.1, 0.0, 5.0, False, False)
WORSE = Quality(9.0, 0.1, 0.0, 5.0, False, False)
ASKS = dataclasses.replace(BAD, needs_second_start=True)
RELEASE = PROFILES["release"]


def key(state: State, start: str = "mixed") -> tuple[str, str, int]:
    return state.state_id, start, 0


def test_the_first_pass_comes_first_then_second_starts_then_what_is_not_done() -> None:
    two = Progress(2, 1200)
    task = next_task(STATES, {key(A): two}, {A: WORSE}, RELEASE)
    assert task is not None
    assert (task.chain.state, task.phase, task.segments) == (B, 1, 2)
    task = next_task(STATES, {key(A): Progress(1, 400), key(B): two, key(C): two}, {}, RELEASE)
    assert task is not None
    assert (task.chain.state, task.segments, task.done.step) == (A, 1, 400)
    all_two = {key(s): two for s in STATES}
    task = next_task(STATES, all_two, {A: WORSE, B: ASKS, C: BAD}, RELEASE)
    assert task is not None
    assert (task.chain.state, task.chain.start, task.phase) == (B, "separated", 2)
    both = {**all_two, key(B, "separated"): two}
    task = next_task(STATES, both, {A: GOOD, B: BAD, C: GOOD}, RELEASE)
    assert task is not None
    assert (task.chain.state, task.chain.start, task.phase, task.segments) == (B, "mixed", 3, 1)


def test_a_state_out_of_its_bounds_comes_before_a_noisy_one() -> None:
    two = Progress(2, 1200)
    chains = {key(s): two for s in STATES}
    expands = dataclasses.replace(WORSE, bounds=1.2)
    quality = {A: BAD, B: expands, C: GOOD}
    task = next_task(STATES, chains, quality, RELEASE)
    assert task is not None and task.chain.state == B
    long_enough = dataclasses.replace(expands, production=0.9)  # it has had its share: the order is by need again
    task = next_task(STATES, chains, {**quality, B: long_enough}, RELEASE)
    assert task is not None and task.chain.state == A


def test_the_nearest_to_its_end_comes_first_and_open_gaps_last() -> None:
    near, far = dataclasses.replace(BAD, error=0.5, production=1.1), dataclasses.replace(BAD, error=0.5, production=6.0)
    apart = dataclasses.replace(near, gap=9.0, rival="mixed", published="separated")
    waits = dataclasses.replace(apart, production=0.5)
    unclear = dataclasses.replace(far, gap=9.0, rival="mixed", undecided=True)
    nearly = dataclasses.replace(apart, production=4.0, gap=1.2)
    by_need = [unclear, near, far, nearly, waits, apart]
    assert sorted(by_need, key=lambda q: q.urgency, reverse=True) == by_need
    noisy = dataclasses.replace(near, production=0.5, error=2.0)  # four times the sample: further than `far`'s errors
    assert far.urgency < noisy.urgency < near.urgency


def test_a_start_that_may_close_a_gap_at_once_comes_before_long_runs() -> None:
    apart = dataclasses.replace(BAD, gap=9.0, rival="mixed", published="separated", error=0.5, production=1.1)
    quality = {A: apart, B: dataclasses.replace(apart, gap=3.0)}
    chains = {key(s, start): Progress(9, 20_000) for s in (A, B) for start in ("mixed", "separated")}
    task = next_task([A, B], chains, quality, RELEASE)
    assert task is not None and (task.chain.state, task.chain.start) == (A, "saturated")
    chains |= {key(A, start): Progress(3, 13_000) for start in ("saturated", "supersaturated")}
    task = next_task([A, B], chains, quality, RELEASE)
    assert task is not None and task.chain.state == B, "all of A's are heard, and its gap is the wider one"


def test_nothing_of_the_second_round_goes_on() -> None:
    apart = dataclasses.replace(BAD, gap=9.0, rival="supersaturated", published="saturated", error=0.5, production=0.5)
    heard = ("mixed", "separated", "saturated", "supersaturated")
    chains = {key(A, start): Progress(9, 20_000) for start in heard}
    task = next_task([A], chains, {A: apart}, RELEASE)
    assert task is not None and task.chain.start == "supersaturated"
    # Where only the second round agrees, the start of the first that differs has to come to it.
    later = {"published": "saturated2+supersaturated2", "rival": "saturated2", "production": 3.0}
    only = dataclasses.replace(apart, waits_for="saturated", **later)  # type: ignore[arg-type]
    chains |= {key(A, start): Progress(1, 5_000) for start in ("saturated2", "supersaturated2")}
    task = next_task([A], chains, {A: only}, RELEASE)
    assert task is not None and task.chain.start == "saturated"


def test_a_thin_slab_is_run_again_with_the_smaller_phase_inside() -> None:
    state = State(0.6, 0.5, 2.0, 0.2)
    slab = dataclasses.replace(GOOD, published="separated", thin_slab=True, converged=False)
    done = {key(state, start): Progress(9, 20_000) for start in ("mixed", "separated")}
    task = next_task([state], done, {state: slab}, RELEASE)
    assert task is not None and (task.chain.start, task.chain.replica) == ("separated", 400)
    assert task.chain.shape == "A-sphere"
    done[state.state_id, "separated", 400] = Progress(1, 2_000)
    task = next_task([state], done, {state: slab}, RELEASE)
    assert task is not None and (task.chain.start, task.chain.replica) == ("supersaturated", 400)
    done[state.state_id, "supersaturated", 400] = Progress(3, 10_000)
    task = next_task([state], done, {state: slab}, RELEASE)
    assert task is not None and task.chain.start == "separated", "the shorter one"
    # Once these two count, the state is judged by them, and goes on with them.
    apart = dataclasses.replace(BAD, published="supersaturated", rival="separated", error=0.5, production=3.0)
    task = next_task([state], done, {state: apart}, RELEASE)
    assert task is not None and (task.chain.start, task.chain.replica) == ("saturated", 400)
    urgent = next_task([state, A], {**done, key(A): Progress(2, 1_200)}, {state: slab, A: BAD}, RELEASE)
    assert urgent is not None and urgent.chain.state == A, "states that lack steps come first"
    stays = dataclasses.replace(BAD, gap=1.5, rival="separated", published="mixed", error=0.5, production=0.2)
    heard = {key(A, start): Progress(9, 20_000) for start in ("mixed", "separated", "saturated", "supersaturated")}
    urgent = next_task([state, A], {**done, **heard}, {state: slab, A: stays}, RELEASE)
    assert urgent is not None and urgent.chain.state == state, "gaps that stay come later"


def test_the_published_start_goes_on_once_the_other_is_twice_as_long() -> None:
    apart = dataclasses.replace(BAD, gap=2.0, rival="saturated", published="supersaturated", error=0.5, production=0.5)
    heard = {key(A, start): Progress(9, 20_000) for start in ("mixed", "separated", "supersaturated")}
    for steps, wanted in ((40_000, "saturated"), (45_000, "supersaturated")):
        chains = {**heard, key(A, "saturated"): Progress(9, steps)}
        task = next_task([A], chains, {A: apart}, RELEASE)
        assert task is not None and task.chain.start == wanted


def test_a_gap_that_stays_does_not_take_everybodys_steps() -> None:
    stays = dataclasses.replace(BAD, gap=1.5, rival="supersaturated", published="saturated", error=0.5, production=0.2)
    tried = dataclasses.replace(stays, gap=3.0, production=3.0)
    heard = ("mixed", "separated", "saturated", "supersaturated")
    chains = {key(s, start): Progress(5, 13_000) for s in (A, B) for start in heard}
    task = next_task([A, B], chains, {A: stays, B: tried}, RELEASE)
    assert task is not None and task.chain.state == A, "the narrower gap, where as much was spent"
    chains[key(A, "saturated")] = Progress(20, 83_000)
    task = next_task([A, B], chains, {A: stays, B: tried}, RELEASE)
    assert task is not None and task.chain.state == B


def test_which_of_two_starts_goes_on() -> None:
    chains = {key(A): Progress(9, 9_000), key(A, "separated"): Progress(5, 5_000)}
    apart = dataclasses.replace(BAD, gap=9.0, rival="mixed", published="separated")

    def start(quality: Quality, chains: dict = chains, **more) -> str:  # noqa: ANN003
        task = next_task([A], chains, {A: quality}, RELEASE, **more)
        assert task is not None
        return task.chain.start

    assert start(apart) == "saturated", "they differ: another comes from between them"
    chains[key(A, "saturated")] = Progress(1, 3_000)
    assert start(apart) == "saturated", "until it is in the comparison"
    chains[key(A, "saturated")] = Progress(3, 13_000)
    assert start(apart) == "supersaturated", "it is not, or differs too"
    heard = {**chains, key(A, "supersaturated"): Progress(3, 13_000)}
    assert start(apart, heard) == "separated", "the published one, until it has its steps"
    assert start(dataclasses.replace(apart, published="mixed"), heard) == "mixed"
    enough = dataclasses.replace(apart, production=0.9, error=0.9)
    assert start(enough, heard) == "mixed", "then the one that has to come to it"
    assert start(dataclasses.replace(enough, error=1.1), heard) == "separated", "errors count too"
    closed = dataclasses.replace(enough, published="mixed+separated", rival="")
    assert start(closed) == "separated", "the shorter of two that agree, and none from between them"
    pair = dataclasses.replace(enough, published="saturated", rival="supersaturated")
    assert start(pair, heard) == "supersaturated"
    assert start(dataclasses.replace(pair, production=2.0), heard) == "saturated"
    assert start(apart, {k: v for k, v in chains.items() if k[1] != "saturated"}) == "saturated"
    assert start(dataclasses.replace(apart, published="mixed", undecided=True), heard) == "separated"
    unclear = dataclasses.replace(apart, noisy=True)
    assert start(unclear) == "separated", "the shorter of the two, and no start from between them"
    assert start(unclear, {**chains, key(A, "separated"): Progress(12, 12_000)}) == "mixed"
    assert start(apart, heard, failed=frozenset({key(A, "separated")})) == "mixed"
    spent = {**heard, key(A, "separated"): Progress(30, RELEASE.max_steps)}
    assert start(apart, spent) == "mixed"


def test_a_restart_is_numbered_like_its_root() -> None:
    def records(replica: int, segments: int = 2) -> list[SegmentRecord]:
        return chain(A, segments=segments, steps=100, replica=replica, seed=replica + 1)

    held = {(*key(A)[:2], replica): records(replica) for replica in (0, 200, 300)}
    stored = {chain: {100} for chain in held}
    restarts = {key[2]: done.restart for key, done in campaigns.Situation(held, stored=stored).chains().items()}
    assert restarts == {0: 1, 200: 201, 300: 301}, "the number says what kind of chain it is"


def test_a_restart_goes_on_for_its_root() -> None:
    chains = {key(A): Progress(4, 3_600, restart=2)}
    task = next_task([A], chains, {A: BAD}, RELEASE)
    assert task is not None
    assert task.chain.key == (A.state_id, "mixed", 2)
    assert task.key == key(A) and task.chain.base_seed != task.root.base_seed
    assert next_task([A], chains, {A: BAD}, RELEASE, busy=frozenset({key(A)})) is None


def test_nothing_busy_failed_converged_or_at_the_step_limit_is_begun() -> None:
    two = Progress(2, 1200)
    chains = {key(s): two for s in STATES}
    quality = {A: WORSE, B: BAD, C: GOOD}
    task = next_task(STATES, chains, quality, RELEASE, busy=frozenset({key(A)}))
    assert task is not None
    assert task.chain.state == B
    assert (
        next_task(STATES, chains, quality, RELEASE, busy=frozenset({key(A)}), failed=frozenset({key(B)}))
        is None
    )
    spent = {key(s): Progress(30, RELEASE.max_steps) for s in STATES}
    assert next_task(STATES, spent, quality, RELEASE) is None
    assert next_task(STATES, chains, quality, RELEASE, phases=frozenset({1})) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90), ("90s", 90), ("45m", 2700), ("2h", 7200), ("1h30m", 5400)]
)
def test_durations(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "0", "-5", "soon", "2 days"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not a positive length of time"):
        duration(text)


def test_unknown_profiles_sites_and_states_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="smoke, release, paper"):
        get_profile("huge")
    with pytest.raises(InputError, match="local, slurm"):
        workers.load_site("nowhere", workers=1, run_dir=tmp_path)
    (tmp_path / "mine.py").write_text("x = 1\n")
    with pytest.raises(InputError, match="defines no function config"):
        workers.load_site(str(tmp_path / "mine.py"), workers=1, run_dir=tmp_path)
    result = CliRunner().invoke(cli, ["campaign", "run", "--store", str(tmp_path), "--states", "T9*"])
    assert isinstance(result.exception, InputError)
    assert "matches no state" in str(result.exception)


def test_the_slurm_site_asks_for_whole_nodes(tmp_path: Path) -> None:
    config = workers.load_site("slurm", workers=100, run_dir=tmp_path)
    (executor,) = config.executors
    assert executor.provider.max_blocks == 2
    assert executor.max_workers_per_node == 64


def _command(store: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "binlj.cli", "campaign", "run", "--store", str(store), "--profile", "smoke",
            "--states", "T1.40-C0.500-S0.50-E0.[246]*", "--phase", "1", *more]  # fmt: skip


def _finish(store: Path, *more: str) -> str:
    """Run the command in this process, which has imported everything already, to its end; what it says."""
    done = CliRunner().invoke(cli, _command(store, *more)[3:])
    assert done.exit_code == 0, (done.exception, done.output)
    return done.output


@pytest.mark.lammps
def test_a_campaign_killed_again_and_again_gives_the_undisturbed_result(tmp_path: Path) -> None:
    rng = random.Random(7)
    disturbed, quiet = tmp_path / "disturbed", tmp_path / "quiet"
    for _ in range(4):
        process = subprocess.Popen(_command(disturbed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(1.0, 5.0))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        stores.load_records(disturbed)  # whatever is there is whole
    for store in (disturbed, quiet):
        assert "nothing left to do" in _finish(store)
    a, b = stores.load_records(disturbed), stores.load_records(quiet)
    assert len(a) == len(b) == 6
    for x, y in zip(a, b, strict=True):
        assert x.key == y.key
        np.testing.assert_array_equal(x.counts, y.counts)
        np.testing.assert_array_equal(x.density, y.density)
    assert not list(disturbed.rglob("*.tmp"))


@pytest.mark.lammps
def test_ctrl_c_stops_at_once_and_keeps_what_is_done(tmp_path: Path) -> None:
    process = subprocess.Popen(
        _command(tmp_path, "--lmp-args", "-sf opt"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 90
    while not list(tmp_path.glob("loose/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err
    assert "Traceback" not in err
    assert stores.load_records(tmp_path)


@pytest.mark.lammps
def test_a_failing_engine_is_reported_and_nothing_is_written(tmp_path: Path) -> None:
    done = subprocess.run(
        _command(tmp_path, "--lmp-args", "-k nonsense"), capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "3 chain(s) failed" in done.stderr
    assert "log:" in done.stderr
    assert stores.load_records(tmp_path) == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that fills up; only root may mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs root")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.lammps
def test_a_full_disk_is_named_and_no_record_is_half_written(small_disk: Path) -> None:
    done = subprocess.run(_command(small_disk), capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode != 0
    assert "disk" in done.stderr and "full" in done.stderr and "free some room" in done.stderr
    assert "Traceback" not in done.stderr
    before = stores.load_records(small_disk)  # whatever is there is whole
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    _finish(small_disk)
    after = stores.load_records(small_disk)
    assert len(after) == 6 and {r.key for r in before} <= {r.key for r in after}


@pytest.mark.lammps
def test_records_of_another_size_or_input_script_are_refused(tmp_path: Path) -> None:
    engine = find_engine()
    profile = dataclasses.replace(PROFILES["smoke"], n=500, start_steps=20, steps=20, every=10)
    state = State(1.4, 0.5, 0.5, 0.2)
    campaigns.run(tmp_path, [state], profile=profile, engine=engine, workers=1, max_tasks=1)
    with pytest.raises(DataError, match="N = 500, profile smoke has 1000"):
        campaigns.run(tmp_path, [state], profile=PROFILES["smoke"], engine=engine, workers=1)


@pytest.mark.lammps
def test_a_budget_that_is_too_short_begins_nothing_more(tmp_path: Path) -> None:
    assert "more to do" in _finish(tmp_path, "--budget", "1s")


@pytest.mark.lammps
def test_a_chain_whose_restart_is_lost_goes_on_as_a_restart(tmp_path: Path) -> None:
    state = State(1.4, 0.5, 1.0, 1.0)
    profile = dataclasses.replace(PROFILES["smoke"], n=500, start_steps=50, steps=40, every=20, max_steps=400)

    def run(tasks: int) -> list:
        campaigns.run(
            tmp_path, [state], profile=profile, engine=find_engine(), workers=1, max_tasks=tasks,
            phases=frozenset({1, 3}),
        )  # fmt: skip
        return stores.load_records(tmp_path)

    held = run(1)
    stores.write_configurations(tmp_path, held)
    assert [r.key[2:] for r in run(2)] == [(0, 0, 40), (0, 40, 80), (0, 80, 120), (0, 120, 160)]
    shutil.rmtree(tmp_path / "work")
    records = run(2)
    assert [r.key[2:] for r in records[4:]] == [(1, 80, 120), (1, 120, 160)]
    assert records[4].seed != records[0].seed
    assert not np.array_equal(records[4].counts, records[2].counts), "new velocities"
    assert abs(records[4].density.mean() / records[2].density.mean() - 1) < 0.05, "the same fluid"
    progress = campaigns.load_situation(tmp_path, profile).chains()
    assert progress[state.state_id, "mixed", 0] == Progress(4, 160, restart=1)
    with pytest.raises(InputError, match="is a restart of another chain"):
        campaigns.run(tmp_path, [state], profile=profile, engine=find_engine(), workers=1, replica=1)
    result = assemble_state(state, records)
    cut = result.equilibration_steps  # both chains count from there on, and what they share counts once
    assert result.production_steps == (160 - cut) + (160 - max(80, cut))
