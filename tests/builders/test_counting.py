"""Pair counts against explicit sums over images and against LAMMPS."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from binlj.builders.md.chain import Chain
from binlj.builders.md.counting import blocks_in, pair_counts
from binlj.builders.md.engine import find_engine, run_script
from binlj.builders.md.profiles import Profile
from binlj.builders.md.segment import advance
from binlj.builders.records.configuration import read_frames
from binlj.grid import State
from binlj.schema import N_FINE, bin_edges, shell_volumes


def explicit(xyz: np.ndarray, types: np.ndarray, length: float) -> np.ndarray:
    """Every image of every pair, from both ends."""
    reach = int(np.ceil(10 / length)) + 1
    shifts = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 3, indexing="ij"), -1).reshape(-1, 3) * length
    ordered = np.zeros((3, N_FINE))
    pair = types[:, None] + types[None]
    for shift in shifts:
        d = np.sqrt((((xyz[:, None] - xyz[None]) + shift) ** 2).sum(-1))
        for k in range(3):
            ordered[k] += np.histogram(d[(pair == k) & (d > 0)], bin_edges(N_FINE))[0]
    return ordered / 2


@pytest.mark.parametrize("length", [4.7, 9.1, 12.3, 18.6, 21.0, 30.0])
def test_counts_are_those_of_an_explicit_sum_over_images(length: float) -> None:
    rng = np.random.default_rng(3)
    xyz, types = rng.uniform(-0.1, 1.1, (30, 3)) * length, rng.integers(0, 2, 30)
    counts = pair_counts(xyz, types, length=length)
    np.testing.assert_array_equal(counts, explicit(np.mod(xyz, length), types, length))
    if length > 20:
        return
    # Within 10 sigma of a particle lie as many images as the volume holds.
    assert counts.sum() == pytest.approx(30 * 30 / 2 * 4 / 3 * np.pi * 1000 / length**3, rel=0.25)


def test_one_species_alone() -> None:
    xyz = np.array([[0.5, 0.5, 0.5], [11.5, 0.5, 0.5]])
    for kind, row in ((0, 0), (1, 2)):
        counts = pair_counts(xyz, np.full(2, kind), length=12.0)
        # The nearest image is 1 away; the next, 11 away, is out of reach, and so is each particle's own at 12.
        assert counts.sum() == counts[row, 49:51].sum() == 1


@pytest.mark.lammps
@pytest.mark.parametrize(("n", "state"), [(500, State(1.0, 0.3, 1.5, 0.6)), (4000, State(1.2, 0.1, 0.5, 0.8))])
def test_counts_are_those_of_lammps(n: int, state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import binlj.builders.md.segment as module

    held = tmp_path / "held"
    held.mkdir()

    def keeping(script_engine, script, folder, variables):  # noqa: ANN001, ANN202
        done = run_script(script_engine, script, folder, variables)
        for file in ("new.restart", "frames.dump"):
            if (folder / file).exists():
                (held / file).write_bytes((folder / file).read_bytes())
        return done

    monkeypatch.setattr(module, "run_script", keeping)
    engine = find_engine()
    profile = Profile("tiny", n, 100, (), 100, 50, 10_000)
    advance(Chain(state), profile=profile, engine=engine, folder=tmp_path / "w", records=tmp_path / "r")
    variables = {"start": "new.restart", "frames": "frames.dump", "every": 50, "out": "rdf.txt"}
    run_script(engine, "rdf", held, variables, accelerate=False)
    frames = list(read_frames(held / "frames.dump"))
    assert [f.step for f in frames] == [50, 100]
    for frame, theirs in zip(frames, lammps_counts(held / "rdf.txt", frames, state.counts(n)), strict=True):
        ours = pair_counts(frame.coordinates, frame.types, length=frame.box_length)
        np.testing.assert_array_equal(ours, theirs)


def lammps_counts(path: Path, frames: list, counts: tuple[int, int]) -> np.ndarray:
    """Undo LAMMPS's normalisation, N_i (N_j - delta_ij) shell / V, which must give whole numbers."""
    rows = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    g = np.array([[row[2], row[4], row[6]] for i, row in enumerate(rows) if i % (N_FINE + 1)], dtype=float)
    g = g.reshape(len(frames), N_FINE, 3).transpose(0, 2, 1)
    a, b = counts
    pairs = np.array([a * (a - 1) / 2, a * b, b * (b - 1) / 2])
    volume = np.array([f.box_length for f in frames])[:, None, None] ** 3
    raw = g * pairs[:, None] * shell_volumes(N_FINE) / volume
    assert np.abs(raw - np.rint(raw)).max() < 0.05
    return np.rint(raw).astype(int)


def test_frames_are_read_one_after_the_other(tmp_path: Path) -> None:
    frame = "ITEM: TIMESTEP\n{step}\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp pp\n" + "-1 3\n" * 3
    frame += "ITEM: ATOMS id type x y z\n1 1 {x} 0 0\n2 2 1 1 3.5\n"
    path = tmp_path / "frames.dump"
    path.write_text(frame.format(step=100, x=0.0) + frame.format(step=200, x=1.0))
    first, last = read_frames(path)
    assert (first.step, last.step, last.box_length) == (100, 200, 4.0)
    np.testing.assert_allclose(first.coordinates, [[1, 1, 1], [2, 2, 4.5]])
    stored = last.compact()
    assert (stored.step, stored.box_length) == (200, 4.0)
    np.testing.assert_array_equal(stored.types, [0, 1])
    np.testing.assert_allclose(stored.coordinates(), [[2, 1, 1], [2, 2, 0.5]], atol=1e-3)


def test_blocks() -> None:
    assert [blocks_in(n) for n in (10, 4, 3)] == [5, 2, 1]
