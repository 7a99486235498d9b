"""Damaged files are used as they are or refused in one readable error; see ``benchmarks/fuzz.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))

from mutations import OTHER, REFUSED, SAME, Target, good_files, targets  # noqa: E402

numbers = st.integers(0, 2**32 - 1)
steady = {"derandomize": True, "deadline": None, "suppress_health_check": list(HealthCheck), "database": None}


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@pytest.fixture(scope="module")
def by_name(toy: Path, room: Path) -> dict[str, Target]:
    return {target.name: target for target in targets(toy, good_files(toy, room))}


def test_the_good_files_are_accepted(by_name: dict[str, Target], room: Path) -> None:
    for target in by_name.values():
        for good in target.seeds:
            path = room / f"{target.file}{target.suffix}"
            path.write_bytes(good)
            assert target.use(path, good) == SAME


def test_mutants_are_damaged_and_follow_from_their_number(by_name: dict[str, Target]) -> None:
    for target in by_name.values():
        made = [target.mutant(number) for number in range(50)]
        assert made == [target.mutant(number) for number in range(50)]
        assert sum(data != good for data, good in made) > 40


@settings(max_examples=20, **steady)
@given(number=numbers)
def test_predictions(number: int, by_name: dict[str, Target], room: Path) -> None:
    assert by_name["predictions"].outcome(number, room) in (SAME, OTHER, REFUSED)


@settings(max_examples=12, **steady)
@given(number=numbers)
def test_attributions(number: int, by_name: dict[str, Target], room: Path) -> None:
    assert by_name["attributions"].outcome(number, room) in (SAME, OTHER, REFUSED)


@settings(max_examples=300, **steady)
@given(number=numbers)
def test_metadata(number: int, by_name: dict[str, Target], room: Path) -> None:
    assert by_name["metadata"].outcome(number, room) in (SAME, OTHER, REFUSED)


@settings(max_examples=200, **steady)
@given(number=numbers)
def test_records(number: int, by_name: dict[str, Target], room: Path) -> None:
    assert by_name["records"].outcome(number, room) in (SAME, REFUSED)


@settings(max_examples=100, **steady)
@given(number=numbers)
def test_manifest(number: int, by_name: dict[str, Target], room: Path) -> None:
    assert by_name["manifest"].outcome(number, room) in (SAME, OTHER, REFUSED)
