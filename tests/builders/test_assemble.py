"""From records to results: what is cut, what is flagged, which start is published."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from synthetic import R, chain, g_at_right_pressure, true_g

from binlj.builders.analysis import criteria, equilibration, reconcile
from binlj.builders.analysis.assemble import assemble_all, assemble_state, finished
from binlj.builders.analysis.chains import SERIES, equilibrated_part, equilibrated_parts
from binlj.builders.analysis.observables import energy_and_pressure
from binlj.builders.analysis.quality import quality
from binlj.builders.starts import geometry
from binlj.errors import DataError
from binlj.grid import State
from binlj.pets import pets_density, pets_stable

STATE = State(1.0, 0.5, 1.0, 0.6)
BUMP = np.array([1.0, -1.0, 1.0])[:, None] * 0.4 * np.exp(-((R - 1.5) ** 2))[None, :]


def same(a: object, b: object) -> bool:
    pairs = zip(dataclasses.asdict(a).values(), dataclasses.asdict(b).values(), strict=True)  # type: ignore[call-overload]
    return all(np.array_equal(x, y) if isinstance(x, np.ndarray) else x == y for x, y in pairs)


def test_result_does_not_depend_on_order_or_workers() -> None:
    other = State(1.2, 0.3, 1.5, 0.8)
    records = [*chain(STATE, segments=3), *chain(STATE, segments=3, start="separated", seed=2), *chain(other)]
    checksums = [r.checksum() for r in records]
    one = assemble_all(records)
    two = assemble_all(records[::-1], workers=2)
    assert [r.state for r in one] == [STATE, other]
    assert all(same(a, b) for a, b in zip(one, two, strict=True))
    assert [r.checksum() for r in records] == checksums


def test_first_segment_is_always_dropped() -> None:
    result = assemble_state(STATE, chain(STATE, segments=2, frames=4, steps=1000))
    assert (result.equilibration_steps, result.production_steps) == (1000, 1000)


def test_one_segment_is_used_but_not_trusted() -> None:
    result = assemble_state(STATE, chain(STATE, segments=1, frames=4))
    assert result.production_steps == 2000 and not result.converged
    assert "one segment only" in result.reason


def test_a_transient_is_cut_off() -> None:
    result = assemble_state(STATE, chain(STATE, segments=12, relaxing=0.3, relaxation_frames=6.0))
    assert result.equilibration_steps >= 4000
    far = (R > 1.5) & (R < 9)
    truth, error = true_g(STATE)[0, far], result.g_fine_stderr[0, far]
    assert np.mean(((result.g_fine[0, far] - truth) / error) ** 2) < 1.5
    records = chain(STATE, segments=12, relaxing=0.3, relaxation_frames=6.0)
    everything = sum(r.counts.sum(0) for r in records) / sum(r.ideal_counts().sum(0) for r in records)
    assert np.mean(((everything[0, far] - truth) / error) ** 2) > 5



def test_the_head_of_long_records_is_cut_by_blocks() -> None:
    first, second = chain(STATE, segments=2, frames=32, n_blocks=2, steps=8000)
    part = equilibrated_part([first, second])
    assert part.equilibration_steps == 8000 / 2 and part.production_steps == 12000
    assert part.counts.sum() == first.counts[1].sum() + second.counts.sum()


def shifted(records: list, *, by: int, replica: int) -> list:
    """The records as a branch that begins at step `by`."""
    return [
        dataclasses.replace(
            r, replica=replica, step_start=r.step_start + by, step_end=r.step_end + by, step=r.step + by
        )
        for r in records
    ]


def test_every_record_of_a_family_counts_once() -> None:
    trunk = chain(STATE, segments=6)
    branch = shifted(chain(STATE, segments=6, seed=2), by=trunk[1].step_end, replica=1)
    twig = shifted(chain(STATE, segments=2, seed=3), by=branch[0].step_end, replica=2)
    main, *rest = equilibrated_parts({0: trunk, 1: branch, 2: twig})
    assert (main.replica, main.total_steps) == (1, 16_000)
    assert {part.replica for part in rest} == {0, 2}
    since = main.equilibration_steps
    counted = [r for r in (*trunk, *branch, *twig) if r.step_start >= since]
    assert since >= 2000 and sum(p.production_steps for p in (main, *rest)) == sum(r.steps for r in counted)
    assert sum(p.counts.sum() for p in (main, *rest)) == sum(r.counts.sum() for r in counted)
    result = assemble_state(STATE, [*trunk, *branch, *twig])
    assert result.min_production_steps == result.production_steps == sum(r.steps for r in counted)
    assert result.seeds == (1, 2, 3)[: len(result.seeds)] and len(result.seeds) >= 1


def test_what_a_trunk_saw_before_its_branch_was_in_equilibrium_is_left_out() -> None:
    trunk = chain(STATE, segments=4, relaxing=0.3, relaxation_frames=40.0)
    on = chain(STATE, segments=20, seed=2, relaxing=0.3 * np.exp(-16 / 40), relaxation_frames=40.0)
    main, *rest = equilibrated_parts({0: trunk, 1: shifted(on, by=trunk[1].step_end, replica=1)})
    assert main.equilibration_steps >= trunk[-1].step_end and rest == []


def test_a_transient_longer_than_half_is_cut_where_enough_steps_remain() -> None:
    def cut(segments: int) -> tuple[int, int]:
        (part,) = equilibrated_parts({0: chain(STATE, segments=segments, relaxing=0.5, relaxation_frames=40.0)})
        return part.equilibration_steps, part.production_steps

    long, short = cut(30), cut(14)
    assert long[0] > 1.2 * long[1] and long[1] >= criteria.MIN_PRODUCTION_STEPS
    assert short[0] <= short[1] < criteria.MIN_PRODUCTION_STEPS, "of a short chain not more than half"


def test_a_trunk_that_is_missing_is_named() -> None:
    with pytest.raises(ValueError, match="steps 0 to 4000 are missing"):
        equilibrated_parts({1: shifted(chain(STATE, segments=2), by=4000, replica=1)})


def test_ramp_is_reported_as_drift() -> None:
    result = assemble_state(STATE, chain(STATE, segments=12, relaxing=0.5, relaxation_frames=80.0))
    assert result.drift > criteria.DRIFT_LIMIT and "drifts" in result.reason and not result.converged


@pytest.mark.parametrize(("n", "memory"), [(8, 0.0), (8, 0.5), (48, 0.5), (100, 0.0)])
def test_drift_of_stationary_series_is_rare(n: int, memory: float) -> None:
    rng = np.random.default_rng(n)
    found = 0
    for _ in range(200):
        x = np.empty(n)
        x[0] = rng.standard_normal()
        for i in range(1, n):
            x[i] = memory * x[i - 1] + np.sqrt(1 - memory**2) * rng.standard_normal()
        found += abs(equilibration.drift(x)) > criteria.DRIFT_LIMIT
    assert found <= 6  # 3 %; nominal 0.33 %


def test_drift_limit_is_the_stated_level() -> None:
    from scipy import stats

    assert stats.norm.isf(criteria.DRIFT_LEVEL / len(SERIES) / 2) == pytest.approx(
        criteria.DRIFT_LIMIT, abs=1e-3
    )


def test_scalar_errors_follow_theory() -> None:
    rng = np.random.default_rng(0)
    x = rng.standard_normal(400)
    mean, stderr = equilibration.mean_and_error([x])
    assert mean == pytest.approx(x.mean()) and stderr == pytest.approx(0.05, rel=0.3)
    assert equilibration.mean_and_error([x[:3]])[1] is None


def test_phase_flags() -> None:
    assert assemble_state(STATE, chain(STATE)).phase == "homogeneous"
    assert assemble_state(STATE, chain(STATE, composition=9.0)).phase == "demixed"
    result = assemble_state(STATE, chain(STATE, composition=9.0, solid=(0.0, 0.6)))
    assert result.phase == "solid-like" and result.solid_fraction == pytest.approx(0.3)


def test_a_state_that_crystallises_is_not_converged() -> None:
    still = chain(STATE, segments=12, composition=9.0, solid=(0.0, 0.5))
    growing = [dataclasses.replace(r, solid_B=0.4 + 0.02 * i) for i, r in enumerate(still)]
    phrase = "B crystallises (mixed start, solid-like fraction grows by 0.20)"
    assert phrase in assemble_state(STATE, growing).reason and "crystallises" not in assemble_state(STATE, still).reason
    liquid = [dataclasses.replace(r, solid_B=r.solid_B - 0.4) for r in growing]
    assert "crystallises" not in assemble_state(STATE, liquid).reason, "clusters in a supercooled liquid"


def test_energy_and_pressure_come_back_from_counts() -> None:
    result = assemble_state(STATE, chain(STATE, segments=5))
    u, p = energy_and_pressure(STATE, true_g(STATE), 0.6, n_a=5000, n_b=5000)
    assert result.energy_from_rdf == pytest.approx(u, rel=2e-3)
    assert result.pressure_from_rdf == pytest.approx(p, abs=0.1)
    assert result.energy == pytest.approx(u, rel=2e-3)


def test_density_of_pets_is_the_published_one() -> None:
    density, reason = pets_density(State(0.8, 0.5, 1.0, 1.0))
    assert density == pytest.approx(0.8218, abs=1e-4) and reason == ""
    size = pets_density(State(0.8, 0.5, 2.0, 1.0))[0]
    assert size is not None and size < 0.3  # larger particles, fewer in a volume


def test_pets_failure_is_a_reason_not_a_crash() -> None:
    density, reason = pets_density(State(0.01, 0.5, 1.0, 1.0), pressure=1e6)
    assert density is None and reason.startswith("PeTS: ")


def test_pets_knows_which_mixtures_demix() -> None:
    assert pets_stable(State(1.4, 0.5, 1.0, 1.0)) is True
    assert pets_stable(State(0.8, 0.5, 1.0, 0.2)) is False


def test_second_start_is_asked_for() -> None:
    unstable = State(0.8, 0.5, 1.0, 0.2)
    result = assemble_state(unstable, chain(unstable, composition=1.5))
    assert "not stable by PeTS" in result.reason and quality(result).needs_second_start
    stable = State(1.4, 0.5, 1.0, 1.0)
    assert not quality(assemble_state(stable, chain(stable, composition=1.5))).needs_second_start
    assert quality(assemble_state(stable, chain(stable, composition=5.0))).needs_second_start


def test_starts_that_agree_are_averaged() -> None:
    result = assemble_state(STATE, [*chain(STATE, segments=10), *chain(STATE, segments=10, start="separated", seed=9)])
    assert result.start == "mixed+separated" and result.start_gap is not None and result.start_gap < 0.02
    assert "gap" not in result.reason and result.seeds == (1, 9)
    assert result.start_pairs == 1 and 0 < result.start_gap_stderr < 0.02  # type: ignore[operator]
    alone = assemble_state(STATE, chain(STATE, segments=10))
    assert (alone.start_pairs, alone.start_gap_stderr) == (0, None)
    assert np.median(alone.g_stderr[0, 20:] / result.g_stderr[0, 20:]) > 1.2


@pytest.mark.parametrize(
    ("rms", "stderr", "agree", "differ"),
    [
        ((0.021, 0.0, 0.0), (0.008, 0.01, 0.01), True, False),  # 1.94 % without its noise
        ((0.03, 0.0, 0.0), (0.005, 0.01, 0.01), False, True),
        ((0.0, 0.0, 0.028), (0.001, 0.002, 0.0099), True, False),  # three errors cover it, and are 2.97 %
        ((0.0, 0.0, 0.032), (0.001, 0.002, 0.012), False, False),  # three errors cover it, and are 3.6 %
        ((0.01, 0.0, 0.0), (0.011, 0.01, 0.01), False, False),  # the error is more than twice the target
        ((0.019, 0.0, 0.0), (0.001, 0.001, 0.001), True, False),  # 19 errors, yet small enough
    ],
)
def test_agreement_is_tested_with_the_error_of_the_difference(
    rms: tuple, stderr: tuple, agree: bool, differ: bool
) -> None:
    gap = reconcile.Gap(np.array(rms), np.array(stderr), np.array([0.005, 0.01, 0.03]))
    assert (gap.agree, gap.differ) == (agree, differ)


def test_the_gap_is_the_largest_without_noise_and_has_its_error() -> None:
    target = np.array([0.005, 0.01, 0.03])
    gap = reconcile.Gap(np.array([0.005, 0.01, 0.013]), np.array([0.003, 0.002, 0.012]), target)
    assert gap.largest == (pytest.approx(np.sqrt(0.01**2 - 0.002**2)), 0.002)
    assert str(gap) == "AB differs by 1 % (standard error 0.2 %)"
    quiet = reconcile.Gap(np.array([0.001, 0.001, 0.01]), np.array([0.002, 0.002, 0.02]), target)
    assert quiet.largest == (0.0, 0.02)


def test_the_stationary_start_is_published_when_the_other_drifts_towards_it() -> None:
    goal = true_g(STATE) + BUMP
    frames = 12 * 8

    def creep(i: int) -> np.ndarray:
        return BUMP * 0.6 * i / frames

    mixed = chain(STATE, segments=12, change=creep)
    mixed = _with_ramp(mixed)
    still = chain(STATE, segments=12, g=goal, start="separated", seed=5)
    result = assemble_state(STATE, [*mixed, *still])
    assert result.start == "separated" and "drifts towards the separated" in result.reason
    assert result.start_gap is not None and result.start_gap > 0.02 and not result.converged
    assert np.abs(result.g_fine - goal)[:, 60:].max() < 0.1


def test_two_stationary_starts_that_differ_are_flagged() -> None:
    still = chain(STATE, segments=12, g=true_g(STATE) + BUMP, start="separated", seed=5)
    result = assemble_state(STATE, [*chain(STATE, segments=12), *still])
    assert result.start == "separated"
    assert "neither the mixed nor the separated start is seen to drift, and they differ" in result.reason
    assert quality(result).gap > 1


@pytest.mark.parametrize("moving", ["mixed", "separated"])
def test_the_start_that_closes_the_gap_is_not_the_one_published(moving: str) -> None:
    """A droplet dissolves (or grows) while energy and density show nothing: g itself says which start moves."""
    frames = 12 * 8
    far = {"mixed": true_g(STATE), "separated": true_g(STATE) + BUMP}
    sign = {"mixed": 1, "separated": -1}[moving]
    parts = [
        chain(STATE, segments=12, g=g, start=name, seed=5,
              change=(lambda i: sign * BUMP * 0.5 * i / frames) if name == moving else None)
        for name, g in far.items()
    ]  # fmt: skip
    result = assemble_state(STATE, [record for part in parts for record in part])
    assert result.start != moving and f"the {moving} start closes" in result.reason and not result.converged
    share = int(result.reason.split("closes ")[1].split(" %")[0])
    assert share == pytest.approx(100 * 0.25 / 0.75, abs=4)  # half of the run: 0.25; the mean gap: 0.75


def test_drift_takes_uneven_intervals_into_account() -> None:
    """A straight creep in time, sampled ever more coarsely, is no noise."""
    time = np.concatenate([np.arange(200, 3600, 200), np.arange(4000, 13600, 500)]).astype(float)
    x = time / 1e4 + 0.02 * np.random.default_rng(3).standard_normal(len(time))
    assert equilibration.drift(x, time) > criteria.DRIFT_LIMIT
    assert equilibration.drift(x, time) > equilibration.drift(x)
    assert equilibration.drift(x, np.arange(len(x)) * 7.0 + 3) == pytest.approx(equilibration.drift(x), rel=1e-12)


def test_short_starts_that_differ_are_settled_by_the_equation_of_state() -> None:
    """A chain too short to show a drift is not evidence; neighbouring states must not be labelled by chance."""
    unstable, stable = State(0.8, 0.5, 1.0, 0.2), State(1.4, 0.5, 1.0, 1.0)
    for state, start in ((unstable, "separated"), (stable, "mixed")):
        other = chain(state, segments=1, g=true_g(state) + BUMP, start="separated", seed=5)
        result = assemble_state(state, [*chain(state, segments=1), *other])
        assert result.start == start and "too short to tell" in result.reason and not result.converged


MIXED, APART = 1.0, 8.0  # variance of the composition over that at random


def starts(segments: int = 12, *, began: float = APART, **sizes: float) -> list:
    """Chains whose g is the toy's plus so many bumps; `segments` and `began` are of the starts from between."""
    parts = []
    for seed, (name, size) in enumerate(sizes.items()):
        n, composition = {"mixed": (12, MIXED), "separated": (12, APART)}.get(name, (segments, began))
        parts += chain(STATE, segments=n, g=true_g(STATE) + size * BUMP, start=name, seed=seed, composition=composition)
    return parts


def test_a_saturated_start_that_agrees_with_the_published_one_closes_the_gap() -> None:
    without = assemble_state(STATE, starts(mixed=0.0, separated=1.0))
    assert without.start == "separated" and without.rival == "mixed" and "start gap" in without.reason
    assert without.compared_with == "mixed" and assemble_state(STATE, starts(mixed=0.0)).compared_with == ""
    result = assemble_state(STATE, starts(mixed=0.0, separated=1.0, saturated=1.0))
    assert result.rival == "" and "start gap" not in result.reason
    assert {result.compared_with, *result.start.split("+")} == {"separated", "saturated"}
    assert result.start_gap is not None and result.start_gap < 0.02
    assert np.abs(result.g_fine - true_g(STATE) - BUMP)[:, 60:].max() < 0.1


def test_agreeing_starts_are_averaged_if_both_are_long_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    records = starts(8, mixed=0.0, separated=1.0, saturated=1.0)
    one = assemble_state(STATE, records)
    assert one.start == "separated", "the longer one, where neither has all steps wanted"
    monkeypatch.setattr(criteria, "MIN_PRODUCTION_STEPS", one.production_steps)
    checked = assemble_state(STATE, records)
    assert checked.start == "separated" and checked.start_gap is not None and "start gap" not in checked.reason
    assert (checked.compared_with, checked.rival) == ("saturated", "")
    monkeypatch.setattr(criteria, "MIN_PRODUCTION_STEPS", 5_000)
    both = assemble_state(STATE, records)
    assert (both.start, both.compared_with) == ("separated+saturated", "saturated")
    assert (one.geometry, both.geometry) == ("slab", "slab+slab")
    assert both.production_steps > 1.5 * one.production_steps


def test_noise_closes_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    records = starts(mixed=0.0, separated=1.0, saturated=1.0)
    monkeypatch.setattr(criteria, "GAP_NOISE", 1e-3)
    result = assemble_state(STATE, records)
    assert (result.start, result.rival) == ("separated", "saturated") and "too noisy to tell" in result.reason
    assert quality(result).noisy and not quality(assemble_state(STATE, starts(mixed=0.0, separated=1.0))).noisy


def test_a_saturated_start_between_the_others_leaves_a_gap_of_its_own() -> None:
    far = assemble_state(STATE, starts(mixed=0.0, separated=1.0))
    result = assemble_state(STATE, starts(mixed=0.0, separated=1.0, saturated=0.5))
    assert (result.start, result.rival) == ("saturated", "separated") and "start gap" in result.reason
    assert result.start_gap is not None and far.start_gap is not None
    assert result.start_gap == pytest.approx(far.start_gap / 2, rel=0.1)
    last = assemble_state(STATE, starts(mixed=0.0, separated=1.0, saturated=0.5, supersaturated=0.5))
    assert [r.start_pairs for r in (far, result, last)] == [1, 1 + 2, 1 + 2 + 3]
    assert last.rival == "" and last.start.startswith("saturated") and "start gap" not in last.reason
    apart = assemble_state(STATE, starts(mixed=0.0, separated=1.2, saturated=0.8, supersaturated=0.4))
    assert (apart.start, apart.rival) == ("supersaturated", "saturated") and "start gap" in apart.reason


def test_two_rounds_of_one_side_say_nothing_by_agreeing() -> None:
    apart = {"mixed": 0.0, "separated": 3.0, "saturated": 2.0, "supersaturated": 1.0}
    same = assemble_state(STATE, starts(**apart, saturated2=2.0))
    assert "start gap" in same.reason and "supersaturated" in (same.start, same.rival)
    both = assemble_state(STATE, starts(**apart, saturated2=2.0, supersaturated2=1.0))
    assert "start gap" in both.reason and both.start_gap == pytest.approx(same.start_gap, rel=0.2)
    closed = assemble_state(STATE, starts(**apart, saturated2=1.5, supersaturated2=1.5))
    assert closed.start_pairs == 1 + 2 + 3 + 3 + 4, "not with the same side's first round"
    assert closed.reason.startswith(reconcile.SECOND_ROUND) and {closed.start, closed.compared_with} <= {
        "saturated2", "supersaturated2", "saturated2+supersaturated2"
    }  # fmt: skip
    assert not closed.converged
    assert quality(closed).waits_for in ("saturated", "supersaturated"), "one of the first round has to come to it"
    uneven = assemble_state(STATE, starts(**apart, saturated2=1.7, supersaturated2=1.7))
    assert uneven.waits_for == "saturated", "the nearer one"
    settled = dataclasses.replace(same, converged=True)
    assert finished([closed, settled]) == {STATE.state_id: tuple(same.start.split("+"))}, "others go on"
    nearer = assemble_state(STATE, starts(**apart, saturated2=1.5))
    assert {nearer.start, nearer.rival} == {"supersaturated", "saturated2"}
    further = assemble_state(STATE, starts(**apart, saturated2=1.5, supersaturated2=0.5))
    assert {further.start, further.rival} == {"supersaturated", "saturated2"}, "the narrower gap stays"
    apart |= {"separated": 5.0, "supersaturated": 1.2}
    new = assemble_state(STATE, starts(**apart, saturated2=3.2, supersaturated2=2.7))
    assert {new.start, new.rival} == {"saturated2", "supersaturated2"}, "also where its first came no nearer"
    apart["supersaturated"] = 1.0
    across = assemble_state(STATE, starts(**apart, saturated2=1.0))
    assert across.reason.startswith(reconcile.SECOND_ROUND) and across.compared_with in ("supersaturated", "saturated2")


def test_without_a_mixed_start_two_from_the_pure_side_say_nothing_by_agreeing() -> None:
    """As with identity exchange of unequal particles."""
    pure = assemble_state(STATE, starts(separated=3.0, saturated=3.0, supersaturated=0.0))
    assert "start gap" in pure.reason and pure.start == "supersaturated" and pure.start_pairs == 2
    assert pure.waits_for in ("separated", "saturated")
    closed = assemble_state(STATE, starts(separated=3.0, saturated=0.0, supersaturated=0.0))
    assert "start gap" not in closed.reason and {closed.compared_with, *closed.start.split("+")} == {
        "saturated", "supersaturated"
    }  # fmt: skip
    nearer = assemble_state(STATE, starts(separated=3.0, saturated=1.0, supersaturated=0.0))
    assert (nearer.start, nearer.rival, nearer.waits_for) == ("supersaturated", "saturated", "saturated")
    moving = chain(STATE, segments=12, start="supersaturated", relaxing=0.1, relaxation_frames=100, composition=APART)
    stays = assemble_state(STATE, [*starts(separated=3.0, saturated=3.0), *moving])
    assert (stays.start, stays.rival, stays.start_pairs) == ("separated", "supersaturated", 2), "it drifts"
    with_mixed = assemble_state(STATE, starts(mixed=5.0, separated=3.0, saturated=3.0))
    assert "start gap" not in with_mixed.reason, "plain dynamics, where a third start outvotes one of two"


def test_where_small_simulations_were_still_mixing_only_the_mixed_start_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    demixed = starts(mixed=0.0, separated=3.0, saturated=1.5, supersaturated=1.5)
    assert assemble_state(STATE, demixed).rival == "", "from both sides"
    monkeypatch.setattr(reconcile, "still_mixing", lambda state: True)
    result = assemble_state(STATE, demixed)
    assert "mixed" in (result.start, result.rival) and "start gap" in result.reason
    same = assemble_state(STATE, starts(mixed=0.0, separated=3.0, saturated=3.0))
    assert "start gap" in same.reason, "the separated one comes from that side too"
    nearer = assemble_state(STATE, starts(mixed=0.0, separated=3.0, saturated=1.5, saturated2=1.0))
    assert nearer.start_gap is not None and result.start_gap is not None and nearer.start_gap < result.start_gap
    closed = assemble_state(STATE, starts(mixed=0.0, separated=3.0, saturated=1.5, supersaturated=0.0))
    assert closed.rival == "" and {"mixed", "supersaturated"} >= set(closed.start.split("+"))


def test_a_saturated_start_that_is_short_decides_nothing() -> None:
    without = assemble_state(STATE, starts(mixed=0.0, separated=1.0))
    short = assemble_state(STATE, starts(2, mixed=0.0, separated=1.0, saturated=1.0))
    assert (short.start, short.rival, short.start_gap) == (without.start, without.rival, without.start_gap)


@pytest.mark.parametrize("began", [APART, MIXED])
def test_a_start_that_mixes_at_once_is_no_evidence_against_a_separated_one_that_stays(began: float) -> None:
    """A droplet may just have been too small to last."""
    result = assemble_state(STATE, starts(mixed=0.0, separated=1.0, saturated=0.0, began=began))
    assert result.start == ("mixed+saturated" if began == APART else "saturated")
    assert ("start gap" in result.reason) == (began == MIXED)


def test_a_start_that_mixes_at_once_counts_where_the_separated_one_is_seen_to_mix() -> None:
    frames = 12 * 8
    moving = chain(STATE, segments=12, start="separated", seed=5, change=lambda i: BUMP * (1 - 0.5 * i / frames))
    saturated = chain(STATE, segments=12, start="saturated", seed=6, composition=MIXED)
    result = assemble_state(STATE, [*chain(STATE, segments=12), *moving, *saturated])
    assert result.start == "mixed+saturated" and "start gap" not in result.reason


def test_two_starts_that_agree_outvote_the_published_one() -> None:
    """The mixed one stands still for want of a nucleus, the separated one hardly moves."""
    frames = 12 * 8
    moving = chain(STATE, segments=12, start="separated", seed=5, change=lambda i: BUMP * (2 - 0.5 * i / frames))
    saturated = chain(STATE, segments=12, start="saturated", g=true_g(STATE) + 1.75 * BUMP, seed=6, composition=APART)
    mixed = chain(STATE, segments=12)
    assert assemble_state(STATE, [*mixed, *moving]).start == "mixed"
    result = assemble_state(STATE, [*mixed, *moving, *saturated])
    assert "mixed" not in result.start and result.rival == "" and "start gap" not in result.reason


def test_a_saturated_start_that_differs_from_a_mixed_one_is_published() -> None:
    """The mixed start stands still for want of a nucleus while the pure phases of the other dissolve in each other."""
    frames = 12 * 8
    moving = chain(STATE, segments=12, start="separated", seed=5, change=lambda i: BUMP * (2 - 0.5 * i / frames))
    saturated = chain(STATE, segments=12, start="saturated", g=true_g(STATE) + BUMP, seed=6, composition=APART)
    mixed = chain(STATE, segments=12)
    assert assemble_state(STATE, [*mixed, *moving]).start == "mixed"
    result = assemble_state(STATE, [*mixed, *moving, *saturated])
    assert (result.start, result.rival) == ("saturated", "mixed") and "start gap" in result.reason


def test_two_drifting_starts_are_flagged() -> None:
    mixed = _with_ramp(chain(STATE, segments=12))
    moving = _with_ramp(chain(STATE, segments=12, g=true_g(STATE) + BUMP, start="separated", seed=5), size=0.2)
    result = assemble_state(STATE, [*mixed, *moving])
    assert "the mixed and the separated start drift and differ" in result.reason and result.start == "mixed"


def test_a_long_quiet_state_converges() -> None:
    state = State(1.4, 0.5, 1.0, 1.0)
    g = g_at_right_pressure(state)
    result = assemble_state(state, chain(state, segments=14, g=g))
    assert result.reason == "" and result.converged
    q = quality(result)
    assert q.converged and q.error <= 1 and q.drift <= 1
    short = assemble_state(state, chain(state, segments=4, g=g))
    assert not short.converged and short.reason.endswith("production steps, 16000 wanted")
    assert quality(short).production > 1


def test_a_slab_with_more_surface_than_another_body_has_not_converged() -> None:
    """In volume A is a ninth of the first mixture; in the second the A-rich phase is hardly below a slab's share."""
    least, close = State(0.6, 0.5, 2.0, 0.2), State(1.2, 0.2, 2.0, 0.2)
    for state, shape, composition, thin in (
        (least, "slab", 9.0, True), (least, "A-sphere", 9.0, False),
        (least, "slab", 1.0, False), (close, "slab", 9.0, False),
    ):  # fmt: skip
        records = chain(state, start="separated", composition=composition)
        result = assemble_state(state, [dataclasses.replace(record, shape=shape) for record in records])
        assert result.thin_slab is thin is ("a slab, 80 % more surface" in result.reason)
        assert quality(result).thin_slab is thin
    share = 1 / 9  # of A, if its phase is pure: a sphere
    assert geometry.slab_surface(least) == pytest.approx(2 / ((36 * np.pi) ** (1 / 3) * share ** (2 / 3)), rel=0.1)
    assert geometry.slab_surface(State(0.6, 0.1, 1.0, 0.2)) == 1.0, "B is the smaller phase"


def test_error_targets() -> None:
    assert criteria.error_target(State(1.0, 0.01, 1.0, 1.0), "BB") == 0.08
    assert [criteria.error_target(STATE, p) for p in ("AA", "AB", "BB")] == [0.005, 0.01, 0.03]


def test_records_that_do_not_belong_together_are_all_listed() -> None:
    records = chain(STATE, segments=3)
    other = dataclasses.replace(records[1], deck_sha256="e" * 64, step_start=1500)
    with pytest.raises(DataError) as info:
        assemble_state(STATE, [*records, other])
    text = str(info.value)
    assert "different deck_sha256" in text and "overlap" in text and info.value.exit_code == 3
    sphere = dataclasses.replace(records[2], shape="sphere")
    with pytest.raises(DataError, match="mixed starts of different shape: mixed, sphere"):
        assemble_state(STATE, [*records[:2], sphere])
    with pytest.raises(DataError, match="different state_id"):
        assemble_state(State(1.2, 0.5, 1.0, 0.6), records)
    with pytest.raises(DataError, match="no segment records"):
        assemble_state(STATE, [])
    with pytest.raises(DataError, match="T1.00-C0.500-S1.00-E0.60: records of different deck"):
        assemble_all([*records, other, *chain(State(1.2, 0.5, 1.0, 0.6))])


def _with_ramp(records: list, size: float = 0.05) -> list:
    total = sum(r.n_frames for r in records)
    out, i = [], 0
    for r in records:
        ramp = 1 + size * (i + np.arange(r.n_frames)) / total
        out.append(dataclasses.replace(r, ab_coordination=r.ab_coordination * ramp))
        i += r.n_frames
    return out

