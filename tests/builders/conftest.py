"""Fixtures of more than one file: all 500 states quickly, and the dataset published from them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from synthetic import DATE, off_grid_results, results, snapshots

from binlj.builders.analysis.assemble import StateResult
from binlj.builders.release import publish


@pytest.fixture(scope="session")
def whole() -> list[StateResult]:
    return results()


@pytest.fixture(scope="session")
def published(whole: list[StateResult], tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("published") / "binlj-rdf"
    publish.publish(whole, target=target, version="0.1.0", released=DATE, snapshots=snapshots())
    return target


@pytest.fixture(scope="session")
def off_grid() -> list[StateResult]:
    return off_grid_results()


@pytest.fixture(scope="session")
def with_off_grid(
    whole: list[StateResult], off_grid: list[StateResult], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """The same dataset with the off-grid states, two of which have not converged."""
    target = tmp_path_factory.mktemp("published") / "binlj-rdf"
    publish.publish(
        whole, target=target, version="0.2.0", released=DATE, snapshots=snapshots(), off_grid=off_grid
    )
    return target


@pytest.fixture
def copy(published: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(published, tmp_path / "binlj-rdf"))
