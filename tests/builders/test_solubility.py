"""Solubility beside droplets: known configurations, and what Kelvin's equation allows."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from synthetic import results

from binlj.builders.analysis.solubility import (
    Dissolved,
    dissolved,
    flat,
    largest_cluster,
    verdict,
)
from binlj.builders.release.publish import without_contradictions
from binlj.builders.release.tables import write_snapshots
from binlj.builders.validation.solubility import draw, report
from binlj.grid import State
from binlj.theory.gibbs import binodal, gibbs_curve, tension

DROPLET, LARGER = State(1.0, 0.01, 1.0, 0.2), State(1.0, 0.5, 1.0, 0.2)


def test_clusters_reach_across_the_periodic_boundary() -> None:
    chain = np.array([[9.9, 5.0, 5.0], [0.4, 5.0, 5.0], [1.2, 5.0, 5.0], [5.0, 5.0, 5.0]])
    assert largest_cluster(chain, length=10.0, reach=1.0) == 3
    assert largest_cluster(chain, length=10.0, reach=0.3) == 1
    assert largest_cluster(chain + 10.0, length=10.0, reach=1.0) == 3


def snapshot(apart: int) -> SimpleNamespace:
    """A cubic lattice of A with 64 B in one block, `apart` of which lie elsewhere, each alone."""
    length, n = 20.0, 20
    sites = np.stack(np.meshgrid(*[np.arange(n)] * 3, indexing="ij"), axis=-1).reshape(-1, 3) + 0.5
    types = (sites < 4.0).all(axis=1).astype(int)
    block = np.flatnonzero(types)[:apart]
    far = np.flatnonzero((sites > 9.0).all(axis=1) & (sites.astype(int) % 3 == 0).all(axis=1))[:apart]
    types[block], types[far] = 0, 1
    positions = np.round(sites / length * 65536 - 32768).astype(np.int16).ravel()
    return SimpleNamespace(box_length=length, types=types, positions=positions)


@pytest.mark.parametrize("apart", [0, 3])
def test_particles_outside_the_body_are_dissolved(apart: int) -> None:
    found = dissolved(DROPLET, snapshot(apart), converged=True, geometry="sphere")
    assert (found.dissolved, found.n_B, found.n_A) == (apart, 64, 8000 - 64)
    assert found.x == pytest.approx(apart / (8000 - 64 + apart))


def test_kelvins_equation() -> None:
    curve = gibbs_curve(1.0, 1.0, 0.2)
    assert curve is not None
    phases = binodal(curve)
    assert phases is not None
    rho = float(curve.rho(phases[1])) * phases[1]
    radius = (3 * 64 / (4 * np.pi * rho)) ** (1 / 3)
    sphere, slab, cylinder = (
        dissolved(DROPLET, snapshot(0), converged=True, geometry=shape).curvature
        for shape in ("sphere+sphere", "slab", "cylinder")
    )
    assert sphere == pytest.approx(2 * tension(curve, *phases) / (rho * radius))
    assert slab == 0.0 < cylinder


def family(droplet: int, larger: int, curvature: float = 1.0) -> list[Dissolved]:
    return [
        Dissolved(DROPLET, True, droplet, 100, 9900, curvature),
        Dissolved(LARGER, True, larger, 5000, 5000, 0.0),
        Dissolved(LARGER, False, 4000, 5000, 5000, 0.0),  # not converged: does not count
    ]


def test_flat_solubility_is_that_of_converged_bodies() -> None:
    x, error = flat(family(0, 25)[1:])
    assert x == pytest.approx(25 / 5025) and error == pytest.approx(5 / 5025)
    curved = [Dissolved(LARGER, True, 25, 5000, 5000, np.log(2.0))]
    assert flat(curved)[0] == pytest.approx(25 / 5025 / 2)
    assert np.isnan(flat([])[0])


@pytest.mark.parametrize(("droplet", "said"), [(0, "too low"), (50, ""), (135, ""), (300, "too high")])
def test_verdict(droplet: int, said: str) -> None:
    """The larger body has 0.5 %, Kelvin's equation allows 1.35 %."""
    assert verdict(family(droplet, 25)) == said


def test_report_and_picture() -> None:
    found = [family(0, 25), [d for d in family(0, 0, 0.5) if d.converged]]
    text, data = report(found)
    assert "2 droplets" in text and "1 of these families no particle" in text and "1 of 1 lie outside" in text
    assert [f["verdict"] for f in data["families"]] == ["too low", ""]
    assert len(draw(found).axes[0].get_yticks()) == 1


@pytest.mark.parametrize(("beside_slab", "converged"), [(0, True), (60, False)])
def test_a_droplet_that_contradicts_larger_bodies_is_not_published_as_converged(
    beside_slab: int, converged: bool, tmp_path: Path
) -> None:
    demixed = [
        replace(result, phase="demixed", geometry=shape, converged=True)
        for result, shape in zip(results(states=[DROPLET, LARGER]), ("sphere", "slab"), strict=True)
    ]
    taken = [
        (r.state.state_id, r.start, 10, 20.0, found.types.astype(np.int8), found.positions)
        for r, found in zip(demixed, (snapshot(0), snapshot(beside_slab)), strict=True)
    ]
    write_snapshots(tmp_path / "all.parquet", taken, {r.state.state_id: r.start for r in demixed})
    droplet, larger = without_contradictions(demixed, tmp_path / "all.parquet")
    assert (droplet.converged, larger.converged) == (converged, True)
    assert ("solubility beside the droplet too low: 0 %" in droplet.reason) is not converged
    mixed = [replace(result, phase="homogeneous") for result in demixed]
    assert without_contradictions(mixed, tmp_path / "all.parquet") == mixed
