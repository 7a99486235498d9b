"""A dataset of six compositions, cut from the toy one, for models that need minutes on all of it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from toy import write_manifest

from binlj.data import read_table


@pytest.fixture(scope="session")
def small(toy: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Dataset folder: the extrapolation track with C_B 0.1, 0.3; S 1.0; eps_AB 0.2, 0.6, 1.0."""
    folder = tmp_path_factory.mktemp("small") / "binlj-rdf"
    for split in ("train", "test"):
        table = pq.read_table(toy / "extrapolation" / f"{split}.parquet")
        keep = pc.and_(
            pc.and_(pc.is_in(table["C_B"], pa.array([0.1, 0.3])), pc.equal(table["S"], 1.0)),
            pc.is_in(table["eps_AB"], pa.array([0.2, 0.6, 1.0])),
        )
        (folder / "extrapolation").mkdir(parents=True, exist_ok=True)
        pq.write_table(table.filter(keep), folder / "extrapolation" / f"{split}.parquet")
    shutil.copytree(toy / "states", folder / "states")
    shutil.copy(toy / "README.md", folder / "README.md")
    write_manifest(folder)
    return folder


@pytest.fixture(scope="session")
def small_train(small: Path) -> pd.DataFrame:
    """Its training table: 18 states, 54 rows."""
    return read_table("extrapolation", "train", path=small)


@pytest.fixture(scope="session")
def small_test(small: Path) -> pd.DataFrame:
    """Its test table: 12 states, 36 rows."""
    return read_table("extrapolation", "test", path=small)
