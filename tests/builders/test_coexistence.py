"""Coexisting phases: the table, the lever rule, reading compositions off a profile, and a real pair of slabs."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from binlj.builders.analysis import small_simulations
from binlj.builders.coexistence import slab_simulations
from binlj.builders.coexistence.slab_simulations import begin, compositions, profile
from binlj.builders.md.engine import find_engine
from binlj.builders.starts import coexistence_table, kinds
from binlj.builders.starts.coexistence_table import Slabs, Triple, start_phases, two_phases
from binlj.builders.validation import coexistence_report
from binlj.errors import DataError
from binlj.grid import State, states
from binlj.pets import pets_phases, pets_stable


@pytest.mark.parametrize("phases", [(0.0, 1.0), (0.03, 0.8), (0.15, 0.25)])
def test_the_lever_rule_keeps_every_particle(phases: tuple[float, float]) -> None:
    n_a, n_b, S = 8_000, 2_000, 1.5
    parts = two_phases(phases, n_a=n_a, n_b=n_b, S=S)
    inside = parts.a_inside + n_b - parts.b_outside
    outside = n_a + n_b - inside
    assert (n_b - parts.b_outside) / inside == pytest.approx(phases[1], abs=1e-3)
    assert parts.b_outside / outside == pytest.approx(phases[0], abs=1e-3)
    volume = parts.a_inside + (n_b - parts.b_outside) * S**3
    assert parts.share == pytest.approx(volume / (n_a + n_b * S**3), abs=1e-3)


def test_pure_phases_are_the_separated_start() -> None:
    state = State(0.8, 0.3, 2.0, 0.2)
    n_a, n_b = state.counts()
    parts = two_phases((0.0, 1.0), n_a=n_a, n_b=n_b, S=state.S)
    assert (parts.a_inside, parts.b_outside) == (0, 0) and parts.share == pytest.approx(state.volume_fraction_B)


def test_compositions_are_found_wherever_the_slab_is() -> None:
    """Known phases, 10 % B outside and 80 % inside, shifted along the box and across its ends."""
    rng = np.random.default_rng(1)
    z = rng.random(200_000)
    kinds = np.where(rng.random(len(z)) < np.where(np.abs(z - 0.5) < 0.25, 0.8, 0.1), 1, 0)
    for shift in (0.0, 0.3, 0.6):
        low, high = compositions(profile((z + shift) % 1.0, kinds))
        assert (low, high) == pytest.approx((0.1, 0.8), abs=0.01)


def test_phases_of_pets_are_symmetric_where_the_species_are_and_merge_with_temperature() -> None:
    state = State(1.0, 0.3, 1.0, 0.4)
    low, high = pets_phases(state) or (0.0, 0.0)
    assert low == pytest.approx(1 - high, abs=1e-6) and 0 < low < 0.1
    warm = pets_phases(state, T=1.3) or (0.0, 0.0)
    assert low < warm[0] < warm[1] < high and pets_phases(state, T=3.0) is None
    for s in states():
        if pets_stable(s):
            assert pets_phases(s) is None, s.state_id


def test_the_table_covers_the_grid_and_phases_lie_around_the_state() -> None:
    found = {(s.triple, s.side): s for s in coexistence_table.read_table()}
    wanted = set(slab_simulations.triples())
    for sides in coexistence_table.ROUNDS:  # another round where the two sides were apart, and there only
        assert all({t for t, s in found if s == side} == wanted for side in sides)
        ends = {t: [found[t, side].end for side in sides] for t in wanted}
        gaps = {t: np.abs(np.subtract(one, other)).max() for t, (one, other) in ends.items()}
        apart = {t for t, gap in gaps.items() if gap > slab_simulations.APART}
        wanted = {t for t in apart if max(h - w for w, h in ends[t]) > coexistence_table.LEAST_WIDTH}
    for slabs in found.values():
        if slabs.side in slab_simulations.BEFORE:
            before = found[slabs.triple, slab_simulations.BEFORE[slabs.side]]
            off = np.abs(np.subtract(slabs.begin, before.end)).max()
            allowed = slab_simulations.APART if slabs.triple.S == 1 else 1e-5
            assert off < allowed, "it goes on where the first round ended"
            continue
        n_b, phases = begin(slabs.triple, slabs.side)
        assert slabs.begin == pytest.approx(phases, abs=1e-6) and n_b == pytest.approx(slabs.C_B * slab_simulations.N)
    for state in states():
        for start in kinds.SEEDED:
            sides = kinds.BY_NAME[start].simulations
            phases = start_phases(state, start)
            again = (Triple(state.T, state.S, state.eps_AB), sides[0]) in found
            assert (phases is None) == (pets_phases(state) is None or not again)
            if phases:
                assert 0 <= phases[0] < state.C_B < phases[1] <= 1, (state.state_id, start)


def test_where_one_phase_is_left_the_starts_come_from_the_separated_side() -> None:
    state = State(1.4, 0.01, 1.5, 0.4)  # outside the phases the simulations found, inside those of PeTS
    pure = pets_phases(state)
    assert pure is not None
    for start in kinds.SEEDED:
        left = kinds.BY_NAME[start].contrast
        low, high = start_phases(state, start) or (0.0, 0.0)
        assert high - low == pytest.approx(left * (pure[1] - pure[0]))


def test_off_the_grid_a_start_has_the_phases_of_pets() -> None:
    state = State(0.9, 0.3, 1.0, 0.4)
    saturated, supersaturated = (start_phases(state, start) or (0.0, 0.0) for start in ("saturated", "supersaturated"))
    assert start_phases(state, "saturated2") is None, "a second round needs a first"
    assert saturated == pets_phases(state)
    assert saturated[0] < supersaturated[0] < state.C_B < supersaturated[1] < saturated[1]
    assert start_phases(State(1.3, 0.3, 1.0, 0.95), "saturated") is None
    # 1.3 times this temperature has three decimals, more than a state id holds.
    assert start_phases(State(1.13, 0.112, 1.81, 0.2), "supersaturated") is not None


def test_a_broken_table_is_refused_with_every_problem(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    slabs = coexistence_table.read_table()[:4]
    coexistence_table.write_table(path, slabs)
    assert [s.triple for s in coexistence_table.read_table(path)] == [s.triple for s in slabs]
    lines = path.read_text().splitlines()
    bad = [lines[0], lines[1].replace("pure", "left"), lines[2].rsplit(",", 1)[0], lines[3] + "x"]
    path.write_text("\n".join(bad))
    with pytest.raises(DataError) as error:
        coexistence_table.read_table(path)
    assert [p.split(":")[0] for p in error.value.problems] == ["line 2", "line 3", "line 4"]
    path.write_text("something,else\n")
    with pytest.raises(DataError, match="columns"):
        coexistence_table.read_table(path)


@pytest.mark.lammps
def test_two_slabs_that_hardly_mix_stay_pure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slab_simulations, "N", 500)
    monkeypatch.setattr(slab_simulations, "STEPS", 400)
    monkeypatch.setattr(slab_simulations, "EVERY", 50)
    monkeypatch.setattr(slab_simulations, "APART", 0.1)  # at this length
    monkeypatch.setattr(slab_simulations, "triples", lambda: [Triple(0.8, 1.0, 0.2)])
    seen: list[tuple[int, int]] = []
    table = tmp_path / "table.csv"

    def run() -> list[Slabs]:
        return slab_simulations.run(
            table, engine=find_engine(), folder=tmp_path / "w", workers=2, progress=lambda *x: seen.append(x)
        )

    found = run()
    assert [s.side for s in found] == ["pure", "mixed"] and seen[-1] == (2, 2), "they meet: no second round"
    for slabs in found:
        assert slabs.end[0] < 0.1 and slabs.end[1] > 0.9
    again = run()
    assert again == coexistence_table.read_table(table) and seen[-1] == (2, 2), "nothing is run twice"
    assert not list((tmp_path / "w").iterdir())


@pytest.mark.lammps
def test_a_second_round_of_a_symmetric_mixture_exchanges_species(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal chemical potentials: from far too many B particles in A, hardly any are left; and where the species are
    the same, half of the particles are B, from wherever it began."""
    monkeypatch.setattr(slab_simulations, "N", 500)
    monkeypatch.setattr(slab_simulations, "SWAP_STEPS", 2_400)
    ends = {}
    for eps, x in ((0.2, 0.15), (1.0, 0.3)):
        before = Slabs(Triple(0.8, 1.0, eps), "mixed", 0.5, (0.3, 0.7), ((x, 1 - x), (x, 1 - x)))
        found = slab_simulations.simulate(before.triple, "mixed2", before=before, engine=find_engine(), folder=tmp_path)
        assert (*found.begin, found.C_B) == pytest.approx((x, 1 - x, x))
        assert all(low == pytest.approx(1 - high) for low, high in found.quarters)
        ends[eps] = found.end[0]
    assert ends[0.2] < 0.01 and ends[1.0] == pytest.approx(0.5, abs=0.07)


@pytest.mark.lammps
def test_a_second_round_goes_on_where_the_first_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slab_simulations, "N", 500)
    monkeypatch.setattr(slab_simulations, "STEPS", 200)
    monkeypatch.setattr(slab_simulations, "LATER_STEPS", 400)
    monkeypatch.setattr(slab_simulations, "EVERY", 50)
    monkeypatch.setattr(slab_simulations, "APART", 0.0)
    monkeypatch.setattr(slab_simulations, "triples", lambda: [Triple(0.8, 1.5, 0.4)])
    seen: list[tuple[int, int]] = []
    table, folder = tmp_path / "table.csv", tmp_path / "w"
    found = slab_simulations.run(
        table, engine=find_engine(), folder=folder, workers=2, progress=lambda *x: seen.append(x)
    )
    pure, mixed, pure2, mixed2, pure3, mixed3 = found
    assert [s.side for s in found] == list(slab_simulations.SEEDS) and seen[-1] == (6, 6)
    assert (pure2.begin, mixed2.begin, mixed3.begin) == (pure.end, mixed.end, mixed2.end) and pure3.C_B == pure.C_B
    held = coexistence_table.read_table(table)
    coexistence_table.write_table(table, held[1:])
    slab_simulations.run(table, engine=find_engine(), folder=folder)
    assert coexistence_table.read_table(table)[1:] == held[1:], "a run that is made again costs no later one"


def test_a_mixed_side_that_goes_on_mixing_was_none(monkeypatch: pytest.MonkeyPatch) -> None:
    state = State(0.8, 0.3, 1.5, 0.4)
    triple = Triple(state.T, state.S, state.eps_AB)

    def still(*widths: float, side: str = "mixed") -> bool:
        slabs = Slabs(triple, side, 0.5, (0.1, 0.9), tuple((0.5 - w / 2, 0.5 + w / 2) for w in widths))
        monkeypatch.setattr(coexistence_table, "_all", lambda: {(triple, side): slabs})
        return small_simulations.still_mixing(state)

    assert still(0.5, 0.4, 0.3, 0.2) and still(0.5, 0.5, 0.44, 0.44, side="mixed2")
    assert not still(0.5, 0.5, 0.48, 0.46) and not still(0.2, 0.3, 0.4, 0.5)
    assert not still(0.5, 0.4, 0.3, 0.2, side="pure"), "that side has to"


def test_two_rounds_of_one_side_are_of_one_side() -> None:
    same = kinds.same_side
    assert same("saturated", "saturated2") and same("supersaturated2", "supersaturated")
    assert not same("saturated", "supersaturated2") and not same("mixed", "saturated2")
    assert not same("mixed", "separated")


def test_report_names_one_phase_as_such() -> None:
    triple = coexistence_table.read_table()[0].triple
    slabs = [Slabs(triple, side, 0.5, (0.1, 0.9), ((0.2, 0.8), (0.45, 0.5))) for side in ("pure", "mixed")]
    text, data = coexistence_report.report([slabs[0], dataclasses.replace(slabs[1], quarters=((0.1, 0.9), (0.2, 0.8)))])
    assert text.count("one phase") == 1 and "0.200, 0.800" in text
    assert data["slabs"][0]["end"] == (0.45, 0.5)
