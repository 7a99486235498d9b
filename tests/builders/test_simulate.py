"""Real LAMMPS, small: physics that must come out, determinism, and every way a chain can be broken."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from binlj.builders.analysis.observables import energy_and_pressure
from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import Engine, find_engine
from binlj.builders.md.profiles import PROFILES, Profile
from binlj.builders.md.segment import advance
from binlj.builders.records import store as stores
from binlj.builders.records.configuration import Frame, read_frames
from binlj.builders.records.record import SegmentRecord, read_records
from binlj.builders.starts import geometry
from binlj.builders.starts.kinds import STARTS
from binlj.builders.validation import resimulate as again
from binlj.cli import cli
from binlj.errors import DataError, EngineError, InputError
from binlj.grid import PAIRS, State

pytestmark = pytest.mark.lammps
TINY = Profile("tiny", 500, 100, (), 200, 50, 10_000)


@pytest.fixture(scope="module")
def engine() -> Engine:
    return find_engine()


@pytest.fixture(scope="module")
def equal(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SegmentRecord]]:
    """Two segments of a state in which A and B are the same substance, N = 1,000."""
    root = tmp_path_factory.mktemp("equal")
    profile = dataclasses.replace(PROFILES["smoke"], steps=1000, every=100)
    paths = advance(Chain(State(1.2, 0.3, 1.0, 1.0)), profile=profile, engine=engine, folder=root / "w",
                    records=root / "loose", segments=2)  # fmt: skip
    return root, [read_records(p)[0] for p in paths]


def g_of(records: list[SegmentRecord]) -> np.ndarray:
    return sum(r.counts.sum(0) for r in records) / sum(r.ideal_counts().sum(0) for r in records)


def test_energy_and_pressure_come_back_from_the_counts(equal: tuple[Path, list[SegmentRecord]]) -> None:
    for record in equal[1]:
        density = record.density.mean()
        energy, pressure = energy_and_pressure(
            record.state, g_of([record]), density, n_a=record.n_A, n_b=record.n_B
        )
        assert energy == pytest.approx(record.energy.mean(), rel=2e-3)
        thermal = density * (record.temperature.mean() - record.state.T)
        assert pressure + thermal == pytest.approx(record.pressure.mean(), abs=0.03)


def test_three_pairs_of_one_substance_agree_within_counting_noise(
    equal: tuple[Path, list[SegmentRecord]],
) -> None:
    records = equal[1][1:]
    counts = sum(r.counts.sum(0) for r in records).reshape(3, 100, 5).sum(2).astype(float)
    ideal = sum(r.ideal_counts().sum(0) for r in records).reshape(3, 100, 5).sum(2)
    enough = counts.min(0) > 50
    g, variance = counts / ideal, counts / ideal**2
    for i, j in ((0, 1), (0, 2), (1, 2)):
        chi2 = np.mean((g[i] - g[j])[enough] ** 2 / (variance[i] + variance[j])[enough])
        assert 0.3 < chi2 < 3.0, f"{PAIRS[i]} against {PAIRS[j]}"


def test_counts_do_not_depend_on_half_the_box(equal: tuple[Path, list[SegmentRecord]]) -> None:
    """Beyond half the box (L = 11.4) the ghosts must go on counting: g stays near 1."""
    record = equal[1][1]
    assert (1000 / record.density.mean()) ** (1 / 3) / 2 < 6.5
    assert g_of([record])[0, 450:].mean() == pytest.approx(1.0, abs=0.01)


def test_rdf_agrees_with_freud(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import freud

    chain, profile = Chain(State(1.0, 0.3, 1.5, 0.6)), dataclasses.replace(TINY, steps=100, every=100)
    kept = []

    import binlj.builders.md.segment as module

    def keeping(path: Path) -> list[Frame]:
        kept.extend(read_frames(path))
        return kept

    monkeypatch.setattr(module.configurations, "read_frames", keeping)
    (path,) = advance(chain, profile=profile, engine=engine, folder=tmp_path / "w", records=tmp_path / "r")
    record = read_records(path)[0]
    xyz, types, length = kept[0].coordinates, kept[0].types, kept[0].box_length
    bins = int(0.49 * length / 0.02)  # freud looks no further than half the box
    box = freud.box.Box.cube(length)
    points = (xyz - length / 2).astype(np.float32)
    a, b = points[types == 0], points[types == 1]
    for k, (targets, queries, times) in enumerate(((a, a, 2), (a, b, 1), (b, b, 2))):
        rdf = freud.density.RDF(bins=bins, r_max=bins * 0.02)
        rdf.compute((box, targets), query_points=None if times == 2 else queries, reset=True)
        theirs = np.asarray(rdf.bin_counts) / times
        ours = record.counts.sum(0)[k, :bins]
        assert theirs.sum() > 100
        # freud works in single precision: a pair at a bin's edge may fall on the other side.
        assert np.abs(np.cumsum(theirs) - np.cumsum(ours)).max() <= 0.001 * theirs.sum() + 2, PAIRS[k]


def test_same_seed_same_record_and_another_replica_another(engine: Engine, tmp_path: Path) -> None:
    state = State(1.0, 0.2, 1.0, 0.8)

    def once(name: str, replica: int = 0) -> SegmentRecord:
        (path,) = advance(Chain(state, replica=replica), profile=TINY, engine=engine, folder=tmp_path / name / "w",
                          records=tmp_path / name)  # fmt: skip
        return read_records(path)[0]

    a, b, c = once("a"), once("b"), once("c", replica=1)
    np.testing.assert_array_equal(a.counts, b.counts)
    np.testing.assert_array_equal(a.energy, b.energy)
    assert a.seed != c.seed
    assert not np.array_equal(a.energy, c.energy)


@pytest.mark.parametrize(("share", "shape"), [(0.1, "sphere"), (0.2, "cylinder"), (0.5, "slab")])
def test_separated_starts_are_separated(engine: Engine, tmp_path: Path, share: float, shape: str) -> None:
    state = State(1.0, share, 1.0, 0.2)
    chain = Chain(state, "separated")
    assert chain.shape == shape
    profile = dataclasses.replace(TINY, n=1000, start_steps=20, steps=20, every=20)
    (apart,) = advance(chain, profile=profile, engine=engine, folder=tmp_path / "s", records=tmp_path)
    (mixed,) = advance(Chain(state), profile=profile, engine=engine, folder=tmp_path / "m", records=tmp_path)
    assert read_records(apart)[0].composition_fluctuation > 3 * read_records(mixed)[0].composition_fluctuation


def test_a_saturated_start_has_the_phases_it_was_given(
    engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both species in both phases, in all three shapes, and no particle lost."""
    profile = dataclasses.replace(TINY, n=1000, start_steps=20, steps=20, every=20)
    for c_b, shape in ((0.1, "sphere"), (0.25, "cylinder"), (0.5, "slab")):
        state = State(1.0, c_b, 1.0, 0.2)
        monkeypatch.setattr(geometry, "start_phases", lambda state, start: (0.02, 0.9))

        def first(start: str, state: State = state) -> SegmentRecord:
            chain = Chain(state, start)
            folder = tmp_path / chain.name
            (path,) = advance(chain, profile=profile, engine=engine, folder=folder, records=tmp_path)
            return read_records(path)[0]

        mixed, apart, saturated = (first(start) for start in ("mixed", "separated", "saturated"))
        assert (saturated.shape, saturated.step_start) == (shape, 0)
        assert (saturated.n_A, saturated.n_B) == state.counts(1000)
        neighbours = [r.ab_coordination.mean() / r.density.mean() for r in (apart, saturated, mixed)]
        assert neighbours == sorted(neighbours), "more A around B than in pure phases, fewer than at random"


def test_no_saturated_start_of_what_does_not_demix(engine: Engine, tmp_path: Path) -> None:
    chain = Chain(State(1.4, 0.5, 1.0, 1.0), "saturated")
    with pytest.raises(InputError, match="one phase only"):
        advance(chain, profile=TINY, engine=engine, folder=tmp_path / "w", records=tmp_path)


def test_later_starts_have_first_segments_of_their_own() -> None:
    profile = dataclasses.replace(TINY, first=((60, 20),), first_later=((80, 40),), steps=100, every=50)
    lengths = {start: profile.of(start).segment(0) for start in STARTS}
    assert lengths == {start: (60, 20) if start in ("mixed", "separated") else (80, 40) for start in STARTS}
    assert profile.of("saturated").segment(1) == (100, 50)


def test_resimulate_into_a_relative_folder(tmp_path: Path, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As `make benchmark` calls it; LAMMPS runs in another folder than we do. The toy is no fluid: it disagrees."""
    monkeypatch.chdir(tmp_path)
    for name, value in {"N": 500, "START_STEPS": 20, "STEPS": 60, "EVERY": 20}.items():
        monkeypatch.setattr(again, name, value)
    done = CliRunner().invoke(cli, ["resimulate", "--out", "out/again", "--dataset", str(toy)])
    assert isinstance(done.exception, DataError) and "differ from the published ones" in str(done.exception)
    assert all(f"{state.state_id}: DISAGREES" in done.output for state in again.STATES)
    assert len(list(tmp_path.glob("out/again/loose/*.parquet"))) == again.SEGMENTS * len(again.STATES)
    assert (tmp_path / "out" / "again" / "overlay.png").stat().st_size > 10_000


def test_a_chain_stands_between_two_frames_of_the_next_interval(engine: Engine, tmp_path: Path) -> None:
    """Segments end at frames, whatever intervals came before, also when several are run in one go."""
    profile = dataclasses.replace(TINY, first=((60, 20), (60, 30)), steps=100, every=50)
    assert [profile.segment_from(i, step) for i, step in ((0, 0), (1, 60), (2, 120), (3, 200))] == [
        (60, 20), (60, 30), (80, 50), (100, 50),
    ]  # fmt: skip
    assert profile.segment_from(2, 149) == (51, 50)
    assert dataclasses.replace(profile, steps=10).segment_from(2, 120) == (30, 50)
    paths = advance(
        Chain(State(1.4, 0.3, 1.0, 0.6)), profile=profile, engine=engine, folder=tmp_path / "w",
        records=tmp_path / "r", segments=4,
    )  # fmt: skip
    records = [read_records(path)[0] for path in paths]
    assert [(r.step_start, r.step_end) for r in records] == [(0, 60), (60, 120), (120, 200), (200, 300)]
    assert [r.step.tolist() for r in records] == [[20, 40, 60], [90, 120], [150, 200], [250, 300]]


def test_continuing_equals_not_stopping(engine: Engine, tmp_path: Path) -> None:
    chain = Chain(State(1.4, 0.3, 1.0, 0.6))
    whole = advance(
        chain, profile=TINY, engine=engine, folder=tmp_path / "a", records=tmp_path / "ra", segments=2
    )
    first = advance(chain, profile=TINY, engine=engine, folder=tmp_path / "b", records=tmp_path / "rb")
    (tmp_path / "b" / "tmp-left-behind").mkdir()
    second = advance(
        chain, profile=TINY, engine=engine, folder=tmp_path / "b", records=tmp_path / "rb", done=(1, 200)
    )
    for a, b in zip(whole, [*first, *second], strict=True):
        np.testing.assert_array_equal(read_records(a)[0].counts, read_records(b)[0].counts)
    assert not list((tmp_path / "b").glob("tmp-*"))
    assert [p.name for p in (tmp_path / "b").glob("*.restart")] == ["step-400.restart"]


def test_a_chain_goes_on_from_a_stored_configuration(engine: Engine, tmp_path: Path) -> None:
    chain, records = Chain(State(1.0, 0.3, 1.0, 0.6)), tmp_path / "r"
    paths = advance(chain, profile=TINY, engine=engine, folder=tmp_path / "a", records=records, segments=8)
    before = [read_records(path)[0] for path in paths[-3:]]
    configuration = stores.last_configuration(tmp_path / "a")
    assert configuration is not None
    (path,) = advance(
        chain,
        profile=TINY,
        engine=engine,
        folder=tmp_path / "elsewhere",
        records=records,
        done=(8, 1600),
        configuration=configuration,
    )
    after = read_records(path)[0]
    assert (after.step_start, after.step_end) == (1600, 1800)
    assert after.density.mean() == pytest.approx(np.mean([r.density for r in before]), rel=0.08)
    assert after.energy.mean() == pytest.approx(np.mean([r.energy for r in before]), rel=0.08)


def test_stale_restart_and_missing_restart_are_refused(engine: Engine, tmp_path: Path) -> None:
    chain = Chain(State(1.4, 0.3, 1.0, 0.6))
    advance(chain, profile=TINY, engine=engine, folder=tmp_path / "a", records=tmp_path / "r")
    with pytest.raises(DataError, match="records end at step 400, but the folder holds step-200.restart"):
        advance(
            chain, profile=TINY, engine=engine, folder=tmp_path / "a", records=tmp_path / "r", done=(2, 400)
        )
    with pytest.raises(DataError, match="no restart file and no stored configuration"):
        advance(
            chain, profile=TINY, engine=engine, folder=tmp_path / "b", records=tmp_path / "r", done=(2, 400)
        )
    configuration = stores.last_configuration(tmp_path / "a")
    with pytest.raises(DataError, match="stored configuration is of step 200"):
        advance(chain, profile=TINY, engine=engine, folder=tmp_path / "b", records=tmp_path / "r", done=(2, 400),
                configuration=configuration)  # fmt: skip


def test_a_lammps_error_is_passed_on_with_its_log(engine: Engine, tmp_path: Path) -> None:
    broken = dataclasses.replace(engine, args="-sf nonsense-suffix -k on")
    with pytest.raises(EngineError) as error:
        advance(
            Chain(State(1.4, 0.3, 1.0, 0.6)),
            profile=TINY,
            engine=broken,
            folder=tmp_path / "w",
            records=tmp_path,
        )
    text = str(error.value)
    assert "LAMMPS stopped in start.lmp" in text
    assert "ERROR" in text or "KOKKOS" in text
    log = Path(text.split("log: ")[1].splitlines()[0])
    assert log.parent.is_dir(), "the folder is kept so that the log can be read"
    assert not list(tmp_path.glob("*.parquet"))


def test_a_failed_write_keeps_what_there_was(engine: Engine, tmp_path: Path) -> None:
    """The record cannot be written (its folder is a file): the restart it needs must still be there."""
    (tmp_path / "r").write_text("not a folder")
    chain = Chain(State(1.4, 0.3, 1.0, 0.6))
    with pytest.raises(OSError):
        advance(chain, profile=TINY, engine=engine, folder=tmp_path / "w", records=tmp_path / "r")
    (tmp_path / "r").unlink()
    (path,) = advance(chain, profile=TINY, engine=engine, folder=tmp_path / "w", records=tmp_path / "r")
    assert read_records(path)[0].step_start == 0


def test_bad_chains_are_refused_with_every_problem() -> None:
    with pytest.raises(InputError) as error:
        Chain(State(1.0, 0.2, 1.0, 1.0), start="sideways", replica=-1, seed=0)
    assert len(error.value.problems) == 3


@pytest.mark.parametrize(
    ("state", "shape"), [(State(1.0, 0.5, 1.5, 0.2), "A-cylinder"), (State(1.2, 0.5, 2.0, 0.2), "A-sphere")]
)
@pytest.mark.parametrize("start", ["separated", "supersaturated"])
def test_the_smaller_phase_is_inside_be_it_a(tmp_path: Path, state: State, shape: str, start: str) -> None:
    chain = Chain(state, start, geometry.EITHER)
    assert chain.shape == shape and Chain(state, start).shape == "slab"
    profile = Profile("test", 2_000, 20, (), 20, 20, 20)
    advance(chain, profile=profile, engine=find_engine(), folder=tmp_path, records=tmp_path)
    last = stores.last_configuration(tmp_path)
    assert last is not None
    half = last.box_length / 2
    axes = slice(None) if shape == "A-sphere" else slice(0, 2)  # a cylinder lies along the third
    radius = np.sqrt((np.abs(last.coordinates()[:, axes] - half) ** 2).sum(1))
    inside, outside = last.types[radius < 0.3 * half], last.types[radius > half]
    assert len(inside) > 20 and inside.mean() < 0.05
    assert outside.mean() > 0.7
