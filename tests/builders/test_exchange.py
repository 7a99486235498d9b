"""Exchange of identities: Boltzmann's distribution counted out for a few particles; chains with LAMMPS; the plan."""

from __future__ import annotations

import itertools
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from synthetic import chain

from binlj.builders.analysis.assemble import assemble_state
from binlj.builders.analysis.quality import quality
from binlj.builders.campaign import fixed_plan, identity_exchange
from binlj.builders.campaign.mixed_regime import whole_windows
from binlj.builders.campaign.scheduler import Progress, next_task
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import find_engine, stop_all
from binlj.builders.md.exchange import acceptance, exchange
from binlj.builders.md.profiles import get_profile
from binlj.builders.records import configuration
from binlj.builders.records import store as stores
from binlj.builders.records.record import EXCHANGES, SegmentRecord, write_records
from binlj.builders.records.survey import counted
from binlj.errors import EngineError
from binlj.grid import CUTOFF, State
from binlj.potential import pair_energy

SLOW = State(0.8, 0.2, 1.0, 0.6)
MISCIBLE = State(1.4, 0.2, 1.0, 0.8)


def energy(positions: np.ndarray, types: np.ndarray, length: float, state: State) -> float:
    """Potential energy, pair by pair."""
    total = 0.0
    for i, j in itertools.combinations(range(len(types)), 2):
        d = positions[i] - positions[j]
        d -= length * np.round(d / length)
        pair = ("AA", "AB", "BB")[types[i] + types[j]]
        total += float(pair_energy(np.linalg.norm(d), state.sigma(pair), state.epsilon(pair)))
    return total


def cluster(n: int, length: float) -> np.ndarray:
    """A loose cluster across the box's corner, some pairs beyond the cutoff."""
    rng = np.random.default_rng(4)
    found: list[np.ndarray] = []
    while len(found) < n:
        new = rng.uniform(-1.6, 1.6, 3)
        if all(np.linalg.norm(new - old) > 0.95 for old in found):
            found.append(new)
    return np.array(found)


@pytest.mark.parametrize(
    "state",
    [State(0.8, 0.4, 1.0, 0.3), State(1.0, 0.4, 1.3, 0.2), State(0.6, 0.4, 0.7, 0.2)],
    ids=lambda state: state.state_id,
)
def test_every_arrangement_comes_as_often_as_its_boltzmann_factor(state: State) -> None:
    length = 7.0
    positions = cluster(7, length)
    far = np.linalg.norm(positions[:, None] - positions[None], axis=-1)
    assert (far > CUTOFF).any()
    arrangements = [
        np.isin(np.arange(7), b).astype(np.int8) for b in itertools.combinations(range(7), 3)
    ]  # 3 B among 7
    weights = np.exp([-energy(positions, t, length, state) / state.T for t in arrangements])
    expected = weights / weights.sum()
    assert expected.max() > 3 / 35  # some are far from equally likely

    number = {tuple(t): i for i, t in enumerate(arrangements)}
    counts = np.zeros(len(arrangements))
    types = arrangements[0]
    n = 5_000
    for seed in range(n):
        types, _ = exchange(positions, types, length=length, state=state, tries=25, seed=seed)
        counts[number[tuple(types)]] += 1
    error = np.sqrt(expected * (1 - expected) / n)
    assert np.abs(counts / n - expected).max() < 5 * error.max()
    assert float((((counts / n - expected) / error) ** 2).mean()) < 3.0  # 25 tries leave some correlation


def test_composition_stays_and_like_particles_exchange_freely() -> None:
    rng = np.random.default_rng(1)
    positions = rng.uniform(0, 8.0, (300, 3))
    types = (np.arange(300) < 30).astype(np.int8)
    after, accepted = exchange(positions, types, length=8.0, state=State(1.0, 0.1, 1.0, 1.0), tries=5_000, seed=3)
    assert after.sum() == 30 and accepted == 5_000  # eps_AB = 1: no exchange costs anything
    assert not np.array_equal(after, types) and after.dtype == types.dtype
    again, _ = exchange(positions, types, length=8.0, state=State(1.0, 0.1, 1.0, 1.0), tries=5_000, seed=3)
    assert np.array_equal(after, again)


def test_acceptance_is_what_the_first_tries_give() -> None:
    state, length = State(1.2, 0.3, 1.3, 0.6), 8.0
    rng = np.random.default_rng(6)
    # A loose lattice: few pairs of neighbours among the tries.
    positions = np.stack(np.meshgrid(*[np.arange(6) * length / 6] * 3), -1).reshape(-1, 3)
    positions += rng.normal(0, 0.08, positions.shape)
    types = (rng.random(216) < 0.3).astype(np.int8)
    taken = [exchange(positions, types, length=length, state=state, tries=1, seed=seed)[1] for seed in range(400)]
    share = acceptance(positions, types, length=length, state=state)
    assert 0.02 < share < 0.98
    assert abs(np.mean(taken) - share) < 4 * np.sqrt(share * (1 - share) / len(taken)) + 0.02


def test_a_box_with_several_images_of_a_pair_is_refused() -> None:
    with pytest.raises(ValueError, match="twice the cutoff"):
        exchange(np.zeros((2, 3)), np.array([0, 1]), length=5.0, state=SLOW, tries=1, seed=0)
    with pytest.raises(ValueError, match="twice the cutoff"):  # B is larger
        exchange(np.zeros((2, 3)), np.array([0, 1]), length=7.0, state=State(1.0, 0.5, 1.5, 0.5), tries=1, seed=0)


@pytest.mark.parametrize("stretch", [0, 25])
def test_a_chain_exchanges_and_repeats_what_was_killed(tmp_path: Path, stretch: int) -> None:
    def job(store: Path) -> fixed_plan.Job:
        return fixed_plan.Job(Chain(MISCIBLE, "separated", 200), 1000, ((100, 50), (400, 50)), store, 20, 3, stretch)

    def run(store: Path) -> list[SegmentRecord]:
        assert fixed_plan.run([job(store)], engine=find_engine(), workers=1) == []
        return stores.load_records(store)

    first, second = run(tmp_path / "a")
    assert (first.exchanges, second.exchanges) == (3, 3) and first.step.tolist() == [50, 100]
    # B begins apart from A; dynamics alone needs thousands of steps to mix them.
    plain = fixed_plan.Job(Chain(MISCIBLE, "separated", 200), 1000, ((400, 50),), tmp_path / "plain", 20)
    fixed_plan.run([plain], engine=find_engine(), workers=1)
    (alone,) = stores.load_records(tmp_path / "plain")
    assert alone.exchanges == 0
    assert second.ab_coordination[-1] > 1.3 * alone.ab_coordination[-1]
    # Velocities and thermostat go on.
    assert abs(second.temperature[-3:].mean() - alone.temperature[-3:].mean()) < 0.15
    # Killed after the first record: the second comes out the same from its restart file.
    other = tmp_path / "b"
    fixed_plan.run([replace(job(other), pieces=((100, 50),))], engine=find_engine(), workers=1)
    (other / "work" / job(other).chain.name / "tmp-left").mkdir()
    again = run(other)[1]
    np.testing.assert_array_equal(again.counts, second.counts)
    np.testing.assert_array_equal(again.energy, second.energy)


def exchanged(start: str, **more: int) -> list[SegmentRecord]:
    records = chain(SLOW, start=start, replica=200, **more)
    return [replace(record, engine_args=f"-sf opt{EXCHANGES}100") for record in records]


def test_only_exchange_counts_once_both_starts_have_it() -> None:
    plain = [*chain(SLOW, segments=4), *chain(SLOW, segments=4, start="separated")]
    one = exchanged("separated", segments=4)
    both = [*one, *exchanged("mixed", segments=4)]
    assert counted([*plain, *one]) == plain
    assert counted([*plain, *both]) == both
    other = chain(State(1.0, 0.2, 1.0, 0.6), segments=2)
    assert counted([*plain, *both, *other]) == [*both, *other]
    assert assemble_state(SLOW, [*plain, *one]).exchanges == 0
    result = assemble_state(SLOW, [*plain, *both])
    assert result.exchanges == 100
    assert result.seeds == assemble_state(SLOW, both).seeds and result.atom_steps == sum(r.atom_steps for r in both)


def test_slabs_do_not_count_once_both_starts_enclose_the_smaller_phase() -> None:
    slabs = [*exchanged("separated", segments=4), *exchanged("supersaturated", segments=4)]
    slabs = [replace(record, shape="slab", replica=200) for record in slabs]
    mixed = chain(SLOW, segments=4)
    bodies = [replace(record, shape="A-cylinder", replica=300) for record in slabs]
    one = [record for record in bodies if record.start == "separated"]
    assert counted([*mixed, *slabs, *one]) == slabs
    assert counted([*mixed, *slabs, *bodies]) == bodies
    short = [replace(record, shape="A-cylinder", replica=300) for record in slabs if record.step_end < 8_000]
    assert counted([*mixed, *slabs, *short]) == slabs
    assert assemble_state(SLOW, [*slabs, *short]).geometry == assemble_state(SLOW, slabs).geometry
    assert "A-cylinder" in assemble_state(SLOW, [*slabs, *bodies]).geometry
    plain = [replace(record, engine_args="-sf opt") for record in bodies]
    assert counted([*mixed, *slabs, *plain]) == [*mixed, *plain]


def test_plain_campaigns_leave_such_states_and_the_window_of_mixing_alone(tmp_path: Path) -> None:
    records = [*exchanged("separated", segments=2), *exchanged("mixed", segments=4, steps=5000, frames=10, n_blocks=5)]
    found = quality(assemble_state(SLOW, records))
    assert found.exchanged and not found.converged  # too short
    chains = {(SLOW.state_id, start, 0): Progress(2, 600) for start in ("mixed", "separated")}
    profile = get_profile("release")
    assert next_task([SLOW], chains, {SLOW: found}, profile) is None
    assert next_task([SLOW], chains, {SLOW: replace(found, exchanged=False)}, profile) is not None
    # Before there is exchange, no start from between the two is begun for S = 1.
    apart = replace(found, exchanged=False, rival="mixed", published="separated", production=0.5)
    long = {(SLOW.state_id, start, 0): Progress(9, 40_000) for start in ("mixed", "separated")}
    task = next_task([SLOW], long, {SLOW: apart}, profile)
    assert task is not None and task.chain.start in ("mixed", "separated")
    (tmp_path / "loose").mkdir()
    write_records(tmp_path / "loose" / "a.parquet", records)
    assert whole_windows([SLOW], [tmp_path]) == {SLOW: []}


def test_plan_takes_slow_states_and_goes_on_where_a_round_was_not_enough(tmp_path: Path) -> None:
    done = assemble_state(SLOW, [*exchanged("separated", segments=4), *exchanged("mixed", segments=4)])
    states = {
        State(1.0, 0.2, 1.0, 0.4): {"converged": True, "phase": "demixed"},
        State(1.0, 0.3, 1.0, 0.4): {"converged": False, "start_gap": 0.1},
        State(1.0, 0.5, 1.0, 0.4): {"converged": False, "start_gap": 0.3},
        State(1.2, 0.3, 1.0, 0.4): {"converged": True, "phase": "homogeneous", "start_gap": 0.001},
        State(1.2, 0.5, 1.0, 0.4): {"converged": True, "phase": "homogeneous", "start_gap": None},
        State(1.2, 0.5, 1.0, 1.0): {"converged": False},  # one substance
        State(1.0, 0.5, 1.5, 0.4): {"converged": False, "start_gap": 0.2},
        State(0.6, 0.5, 1.5, 0.4): {"converged": False},  # too cold
        State(1.0, 0.5, 0.5, 0.4): {"converged": True, "phase": "homogeneous", "start_gap": 0.01},
        State(1.0, 0.5, 2.0, 0.4): {"converged": False},
    }
    results = {s: replace(done, state=s, exchanges=0, **more) for s, more in states.items()}  # type: ignore[arg-type]
    chosen = identity_exchange.wanted(results)
    assert chosen == [list(states)[i] for i in (2, 1, 6, 3, 8, 0)]
    slab = State(1.2, 0.5, 2.0, 0.4)  # of A, which is the smaller phase: a state to simulate again
    more = {slab: replace(done, state=slab, converged=False, phase="demixed", start_gap=0.01, reason="a slab, …")}
    assert identity_exchange.wanted({**results, **more}) == [slab, *chosen]
    first = chosen[0]
    plan = partial(identity_exchange.plan, store=tmp_path, profile=get_profile("release"))
    steps = {(first.state_id, start, 200): 22_000 for start in ("separated", "mixed")}
    results[first] = replace(results[first], exchanges=100, start="separated+mixed", rival="")
    jobs = plan(chosen, results=results, steps=steps)
    assert [(job.chain.start, job.chain.replica, job.exchanges) for job in jobs[:2]] == [
        ("separated", 200, 100), ("mixed", 200, 100),
    ]  # fmt: skip
    assert [job.steps for job in jobs] == [32_000] * 2 + [22_000] * 10
    # Unequal particles: a start whose phases are in place; more tries, and more often after new room was made.
    assert [job.chain.start for job in jobs[4:6]] == ["separated", "supersaturated"]
    equal, unequal = (100, 500, 0), (200, 100, 25)
    assert [(job.exchanges, job.pieces[0][1], job.stretch) for job in jobs[::2]] == [
        equal, equal, unequal, equal, unequal, equal,
    ]  # fmt: skip
    # A start that has come to its end waits for the other; where it lacks samples, it goes on as well.
    third = chosen[2]
    # Chains of an older number, whose body was a slab, do not go on: the A-rich phase is the smaller one.
    assert [job.chain.replica for job in jobs if job.chain.state == third] == [300, 300]
    steps = {(third.state_id, "separated", 300): 22_000, (third.state_id, "supersaturated", 300): 42_000}
    steps |= {(third.state_id, start, 200): 62_000 for start in ("separated", "supersaturated")}
    precise = replace(
        results[third], exchanges=200, phase="demixed", min_production_steps=16_000, relative_error=(0.0, 0.0, 0.0)
    )
    short, noisy = replace(precise, min_production_steps=9_000), replace(precise, relative_error=(0.1, 0.0, 0.0))
    for published, rival, result, ends in (
        ("supersaturated", "separated", precise, {"saturated": 22_000}),  # the separated one lags
        ("separated", "supersaturated", precise, {"supersaturated": 52_000}),
        ("supersaturated", "", noisy, {"supersaturated": 52_000}),
        ("mixed", "mixed", precise, {"separated": 32_000, "supersaturated": 52_000}),
    ):
        judged = replace(result, start=published, rival=rival, waits_for=rival)
        jobs = plan([third], results={third: judged}, steps=steps)
        assert {job.chain.start: job.steps for job in jobs} == ends
    with_third = steps | {(third.state_id, "saturated", 300): 22_000}
    for result, rival, ends in (
        (precise, "saturated", {"saturated": 32_000}),
        (precise, "separated", {"separated": 32_000}),
        (short, "saturated", {"saturated": 32_000, "supersaturated": 52_000}),
    ):
        judged = replace(result, start="supersaturated", rival=rival, compared_with=rival, waits_for=rival)
        jobs = plan([third], results={third: judged}, steps=with_third)
        assert {job.chain.start: job.steps for job in jobs} == ends
    assert [job.steps for job in plan([third], results={third: precise}, steps={})] == [22_000] * 2
    assert plan([third], results={third: replace(precise, converged=True)}, steps=steps) == [], "nothing to wait for"
    homogeneous = replace(precise, phase="homogeneous", geometry="slab", rival="separated", waits_for="separated")
    jobs = plan([third], results={third: homogeneous}, steps=steps)
    assert [(job.chain.start, job.chain.replica, job.steps) for job in jobs] == [("saturated", 200, 22_000)]
    steps[third.state_id, "saturated", 200] = 22_000
    jobs = plan([third], results={third: homogeneous}, steps=steps)
    assert [(job.chain.replica, job.steps) for job in jobs] == [(200, 72_000)], "a slab that dissolves goes on"
    steps[third.state_id, "supersaturated", 300] = 62_000
    differ = replace(precise, start="separated", rival="supersaturated", waits_for="supersaturated")
    jobs = plan([third], results={third: differ}, steps=steps)
    assert {job.chain.start: job.steps for job in jobs} == {"separated": 32_000, "supersaturated": 72_000}


def test_of_equal_particles_whose_starts_differ_with_exchange_a_third_is_run() -> None:
    differ = assemble_state(SLOW, [*exchanged("separated", segments=4), *exchanged("mixed", segments=4)])
    differ = replace(differ, rival="mixed")
    assert identity_exchange.starts(SLOW) == ("separated", "mixed")
    assert differ.rival and identity_exchange.starts(SLOW, differ) == ("separated", "supersaturated")
    assert identity_exchange.starts(SLOW, replace(differ, exchanges=0)) == ("separated", "mixed")


def test_a_lammps_that_stops_between_exchanges_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    job = fixed_plan.Job(Chain(MISCIBLE, "separated", 200), 1000, ((200, 50),), tmp_path, 20, 3)
    broken = "set group nobody type 1\n"
    monkeypatch.setattr(configuration, "write_species", lambda path, types: path.write_text(broken))
    with pytest.raises(EngineError, match="nobody"):
        fixed_plan.run([job], engine=find_engine(), workers=1)
    assert stores.load_records(tmp_path) == []
    monkeypatch.undo()

    def stop(*_: object) -> None:
        stop_all()

    monkeypatch.setattr(configuration, "write_species", stop)
    with pytest.raises(EngineError, match="killed by signal 9"):
        fixed_plan.run([job], engine=find_engine(), workers=1)
    monkeypatch.undo()
    assert fixed_plan.run([job], engine=find_engine(), workers=1) == []
