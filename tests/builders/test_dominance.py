"""The card's table of Sobol indices: a planted parameter explains everything, an incomplete grid nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binlj.builders.release.dominance import INCOMPLETE, dominance_rows


def plant(source: Path, target: Path, column: str) -> None:
    """Copies of the toy's tables whose g depends on one parameter only, without noise."""
    for name in ("fine/all", "extrapolation/train", "extrapolation/test"):
        table = pq.read_table(source / f"{name}.parquet")
        n = len(table["g"][0])
        wave = np.sin(np.arange(n) / 7.0)
        g = [(1 + value * wave).tolist() for value in table[column].to_pylist()]
        for field, values in (("g", g), ("g_stderr", [[0.0] * n] * len(g))):
            i = table.schema.get_field_index(field)
            table = table.set_column(i, field, pa.array(values, table.schema.field(i).type))
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, target / f"{name}.parquet")


def test_a_planted_parameter_explains_all(toy: Path, tmp_path: Path) -> None:
    plant(toy, tmp_path, "eps_AB")
    text = dominance_rows(tmp_path, 500)
    cells = {line.split("|")[1].strip(): [c.strip() for c in line.split("|")[2:-1]] for line in text.splitlines()}
    assert len(cells["S"]) == 8
    assert cells["ε_AB"][:4] == ["100"] * 4
    assert cells["ε_AB"][5] == "100", "AA is not moved by dividing r by sigma_AA"
    assert cells["T\\*"][:4] == cells["C_B"][:4] == cells["S"][:4] == ["0"] * 4
    assert cells["noise taken out"] == ["0"] * 8


def test_an_incomplete_grid_is_not_decomposed(tmp_path: Path) -> None:
    assert dominance_rows(tmp_path, 499) == INCOMPLETE
