"""Records of two engines: alike where the fluid is the same, told apart where it is not."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import chain, true_g

from binlj.builders.records.record import SegmentRecord, write_records
from binlj.builders.validation import engines
from binlj.cli import cli
from binlj.errors import DataError
from binlj.grid import grid

STATES = [s for s in grid() if s.T == 1.2 and s.C_B >= 0.2][::7]
OTHER = "other, `-sf x`"


def store(*, energy: float = 1.0, bump: float = 0.0, states: list = STATES, mode: float = 0.0) -> list[SegmentRecord]:
    """A chain by each engine for every state; the other's energy and g are `energy` and 1 + `bump` times right."""
    records = []
    for i, state in enumerate(states):
        records += chain(state, segments=8, n=2_000, seed=2 * i, mode=mode)
        more = chain(state, segments=5, n=2_000, seed=2 * i + 1, replica=1, g=true_g(state) * (1 + bump), mode=mode)
        records += [
            dataclasses.replace(r, engine="other", engine_args="-sf x", energy=r.energy * energy) for r in more
        ]
    return records


def test_the_same_fluid_agrees_within_its_errors() -> None:
    done = engines.compare(store(), OTHER)
    assert len(done) >= 0.8 * len(STATES), "few are left out for drifting"
    assert abs(np.mean([c.deviate("energy") for c in done])) < 3 / len(done) ** 0.5 + 0.3
    assert 0.5 < np.std([c.deviate("density") for c in done]) < 1.6
    assert 0.7 < np.mean([c.chi[0].value for c in done]) < 1.4
    mean, error = engines.pooled(done, "energy")
    assert abs(mean) < 4 * error and error < 0.001


def test_a_wrong_engine_is_found_in_energy_and_in_g() -> None:
    mean, error = engines.pooled(engines.compare(store(energy=1.01), OTHER), "energy")
    assert mean == pytest.approx(0.01, abs=5 * error) and mean > 10 * error
    assert np.mean([c.chi[0].value for c in engines.compare(store(bump=0.02), OTHER)]) > 2


def test_the_reference_is_who_made_most_and_what_has_one_engine_is_left_out() -> None:
    records = store(states=STATES[:2])
    assert engines.reference(records) == "synthetic, ``"
    alone = [r for r in records if r.state_id == STATES[0].state_id or r.engine == "synthetic"]
    assert {c.state for c in engines.compare(alone, OTHER)} <= {STATES[0]}


def test_report_and_picture(tmp_path: Path) -> None:
    write_records(tmp_path / "store" / "loose" / "a.parquet", store())
    result = CliRunner().invoke(
        cli, ["validate", "engines", "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    )
    assert result.exception is None, result.output
    assert "other, `-sf x` against synthetic" in result.output and "mean difference" in result.output
    assert (tmp_path / "out" / "engines.png").stat().st_size > 10_000
    one = tmp_path / "one"
    write_records(one / "loose" / "a.parquet", chain(STATES[0], n=1_000))
    result = CliRunner().invoke(cli, ["validate", "engines", "--store", str(one), "--out", str(tmp_path / "out1")])
    assert result.exception is None and "against" not in result.output
    assert not (tmp_path / "out1" / "engines.png").exists()
    nothing = CliRunner().invoke(cli, ["validate", "engines", "--store", str(tmp_path / "empty")])
    assert isinstance(nothing.exception, DataError) and "no segment records" in str(nothing.exception)
