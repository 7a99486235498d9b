"""Density against PeTS, and the commands' errors."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import chain
from validation_cases import write_dataset

from binlj.builders.analysis.assemble import assemble_state
from binlj.builders.validation import density, output
from binlj.cli import cli
from binlj.errors import DataError
from binlj.grid import State
from binlj.pets import pets_density

APART, FLUID = State(1.0, 0.5, 1.0, 0.2), State(1.2, 0.3, 2.0, 0.8)


def test_pure_phases_are_the_mixture_where_the_particles_are_alike() -> None:
    for temperature in (0.8, 1.2):
        state = State(temperature, 0.3, 1.0, 1.0)
        assert density.pure_phases_density(state) == pytest.approx(pets_density(state)[0], rel=1e-9)
    # Volumes add up, and a substance scaled by S has its density in units of its own size.
    half, most = State(1.0, 0.5, 2.0, 0.2), State(1.0, 0.99, 2.0, 0.2)
    a = pets_density(State(1.0, 0.5, 1.0, 1.0))[0]
    b = pets_density(State(1.0, 0.5, 1.0, 1.0), pressure=8.0)[0]
    assert a is not None and b is not None
    assert 1 / density.pure_phases_density(half) == pytest.approx(0.5 / a + 0.5 * 8 / b)
    # Nearly pure B by the mixture's own equation of state.
    assert density.pure_phases_density(most) == pytest.approx(pets_density(most)[0], rel=0.02)


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Four states whose density deviates from PeTS by a known amount."""
    base = assemble_state(FLUID, chain(FLUID, n=1_000))
    cases = [
        (State(1.0, 0.3, 1.0, 1.0), 0.005, "homogeneous"), (State(1.2, 0.3, 1.0, 1.0), -0.02, "homogeneous"),
        (State(0.6, 0.3, 1.0, 1.0), -0.03, "homogeneous"), (FLUID, 0.04, "homogeneous"), (APART, 0.25, "demixed"),
    ]  # fmt: skip
    results = []
    for state, off, phase in cases:
        pets, _ = pets_density(state)
        assert pets is not None
        n_a, n_b = state.counts(1_000)
        results.append(
            dataclasses.replace(
                base, state=state, n_A=n_a, n_B=n_b, density=pets * (1 + off), density_stderr=1e-5, density_pets=pets,
                phase=phase, composition_fluctuation=30.0, production_steps=20_000,
            )
        )  # fmt: skip
    return write_dataset(tmp_path / "data", results)


def test_deviations_classes_and_their_causes(dataset: Path) -> None:
    frame = density.deviations(dataset).set_index("state_id", drop=False)
    assert frame.deviation[APART.state_id] == pytest.approx(25)
    assert frame.stability[APART.state_id] == "not stable" and frame.stability[FLUID.state_id] == "stable"
    worst = density.largest(frame.reset_index(drop=True), 3)
    assert [w["state_id"] for w in worst] == [APART.state_id, FLUID.state_id, "T0.60-C0.300-S1.00-E1.00"]
    assert "demixed (composition varies 30 times" in worst[0]["why"]
    assert "unequal sizes: mixing rule (median |deviation| at this S and ε_AB 4.0 %)" in worst[1]["why"]
    assert worst[2]["why"] == "T* = 0.6 is below PeTS's range (0.64)"
    classes = {(c["phase"], c["stability"], c["in_range"]): c for c in density.medians(frame)}
    assert classes["homogeneous", "stable", False]["median"] == pytest.approx(-3)
    assert classes["homogeneous", "stable", True]["states"] == 3
    noisy = frame.loc[FLUID.state_id].copy()
    noisy["density_stderr"], noisy["production_steps"] = 0.1, 500
    assert "short run (500" in density.explain(noisy, frame) and "standard errors" in density.explain(noisy, frame)


def test_pets_command_names_what_is_outside_the_bound(dataset: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["validate", "pets", "--dataset", str(dataset), "--out", str(tmp_path / "out")])
    assert result.exception is None, result.output
    assert "1 of 2 states within PeTS's range are within the bound; outside: T1.20-C0.300-S1.00-E1.00" in result.output
    assert (tmp_path / "out" / "pets.md").read_text().rstrip() in result.output
    data = json.loads((tmp_path / "out" / "pets.json").read_text())
    assert data["same_particles"] == {"bound_percent": 1.0, "checked": 2, "outside": ["T1.20-C0.300-S1.00-E1.00"]}
    assert (tmp_path / "out" / "pets.png").read_bytes().startswith(b"\x89PNG")


def test_missing_data_and_a_file_for_a_folder_are_said(tmp_path: Path, dataset: Path) -> None:
    missing = CliRunner().invoke(cli, ["validate", "pets", "--dataset", str(tmp_path / "no"), "--out", str(tmp_path)])
    assert isinstance(missing.exception, DataError) and "no dataset here" in str(missing.exception)
    (tmp_path / "file").write_text("x")
    with pytest.raises(DataError, match="give another --out"):
        output.write_report(tmp_path / "file", "x", text="", data={})
    options = ["--store", str(tmp_path / "store"), "--out", str(tmp_path)]
    empty = CliRunner().invoke(cli, ["validate", "convergence", *options])
    assert isinstance(empty.exception, DataError) and "no segment records" in str(empty.exception)


def test_numbers_that_json_does_not_know_become_null() -> None:
    value = output.plain({"a": np.float64("nan"), "b": [np.int64(3), (1.5, None)], "c": np.array([1.0, np.inf])})
    assert value == {"a": None, "b": [3, [1.5, None]], "c": [1.0, None]}


def test_help_is_instant() -> None:
    def seconds(*args: str) -> float:
        times = []
        for _ in range(3):
            began = time.perf_counter()
            done = subprocess.run([sys.executable, *args], capture_output=True, text=True, check=True)
            times.append(time.perf_counter() - began)
        assert args[0] == "-c" or "finite-size" in done.stdout
        return min(times)

    assert seconds("-m", "binlj.cli", "validate", "--help") < seconds("-c", "import click") + 0.3
    heavy = "import binlj.builders.commands.validate, sys; print({'numpy', 'pandas', 'feos'} & set(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "set()"
