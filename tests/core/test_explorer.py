"""What the explorer shows: known answers, the same numbers as binlj.rdf and binlj.thermo, and refusals."""

from __future__ import annotations

import base64
import importlib.util
import io
import re

import numpy as np
import pandas as pd
import pytest

import binlj
from binlj import explorer, explorer_html
from binlj.cli import main
from binlj.data import curves
from binlj.errors import InputError
from binlj.structure import INPUTS, RANGES
from binlj.structure_plot import nearest

DEMIXED = {"T": 0.8, "C_B": 0.2, "S": 1.0, "eps_AB": 0.6}


def drawn(html: str, name: str = "g") -> np.ndarray:
    """Values that stand in the three drawings, shape (3, 100)."""
    return np.array([[float(v) for v in row.split(",")] for row in re.findall(rf'data-{name}="([^"]+)"', html)])


def cells(html: str, table: str) -> list[list[str]]:
    """Text of a table's cells, row by row."""
    (found,) = re.findall(rf"<table class='{table}'>(.*?)</table>", html)
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in re.findall("<tr>(.*?)</tr>", found)]
    return [[re.sub("<[^>]+>", "", cell) for cell in row] for row in rows]


@pytest.fixture(scope="module")
def demixed() -> tuple[str, str]:
    return explorer.answer(**DEMIXED)


def test_species_that_are_equal_have_three_equal_curves() -> None:
    call, page = explorer.answer(1.0, 0.3, 1.0, 1.0)
    g = drawn(page)
    assert g.shape == (3, 100) and np.abs(g - g[1]).max() < 0.02 and g.max() > 2.0
    assert re.search(r"<b>Homogeneous</b> with probability (&gt; )?0\.9", call)
    assert [row[0] for row in cells(page, "thermo")[1:]] == [
        "Mole fraction of B", "Density ρ*", "Potential energy U*/N", "Pressure P* (set)",
    ]  # fmt: skip
    around = [[float(x) for x in row[1:]] for row in cells(page, "counts")[1:]]
    np.testing.assert_allclose(around[0], around[1], rtol=0.02)  # A and B see the same
    assert around[0][1] / around[0][0] == pytest.approx(0.3 / 0.7, rel=0.02)


def test_numbers_are_those_of_the_library(demixed: tuple[str, str]) -> None:
    call, page = demixed
    frame, facts = binlj.rdf(**DEMIXED), binlj.thermo(**DEMIXED).iloc[0]
    np.testing.assert_allclose(drawn(page), curves(frame), rtol=1e-3, atol=1e-12)
    np.testing.assert_allclose(drawn(page, "std"), curves(frame, "g_std"), rtol=1e-3, atol=1e-12)
    assert f"a {facts['geometry']}, {100 * facts['fraction']:.0f} % of the volume" in call and "Demixed" in call
    by_name = {row[0]: row[1:] for row in cells(page, "thermo")}
    names = ("density", "density_low", "density_high")
    assert [float(v) for v in by_name["Density ρ*"]] == pytest.approx([facts[name] for name in names], abs=1e-4)
    assert float(by_name["Potential energy U*/N"][0].replace("−", "-")) == pytest.approx(facts["energy"], abs=1e-3)
    shares = [float(v) for v in by_name["Share of the volume"]]
    assert shares[1] + shares[2] == pytest.approx(1.0, abs=2e-3)


def test_the_download_is_the_frame_of_rdf(demixed: tuple[str, str]) -> None:
    name, data = re.findall(r'download="([^"]+)" href="data:text/csv;base64,([^"]+)"', demixed[1])[0]
    assert name == "rdf-T0.80-C0.200-S1.00-E0.60.csv"
    table = pd.read_csv(io.BytesIO(base64.b64decode(data)))
    frame = binlj.rdf(**DEMIXED)
    assert list(table) == list(frame) and len(table) == 300
    for column in ("r", "g", "g_std"):
        np.testing.assert_allclose(table[column], np.concatenate(frame[column].to_list()), rtol=1e-5, atol=1e-12)


def test_a_published_state_stands_first_among_the_nearest(demixed: tuple[str, str]) -> None:
    rows = cells(demixed[1], "nearest")
    assert len(rows) == 5 and rows[2][1:5] == ["0.8", "0.2", "1", "0.6"]
    near = nearest(pd.Series({**DEMIXED, "S": 1.1})).drop_duplicates("state_id")
    scale = np.array([high - low for low, high in RANGES.values()])
    distance = (((near[list(INPUTS)] - [0.8, 0.2, 1.1, 0.6]) / scale) ** 2).sum(axis=1).to_numpy()
    assert (np.diff(distance) >= 0).all() and distance[0] == pytest.approx((0.1 / 1.5) ** 2)


@pytest.mark.parametrize("name", INPUTS)
def test_a_value_out_of_range_is_refused(name: str) -> None:
    low, high = RANGES[name]
    for value in (low - 0.01, high + 0.01):
        with pytest.raises(InputError, match=f"{name} = .* lies outside"):
            explorer.answer(**{**DEMIXED, name: value})


@pytest.mark.parametrize(
    ("top", "expected"), [(1.62, [0, 0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6]), (4.0, [0, 1, 2, 3, 4])]
)
def test_ticks_are_round_numbers(top: float, expected: list[float]) -> None:
    assert explorer_html.ticks(top) == expected


def test_without_gradio_the_command_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(SystemExit) as stop:
        main(["explore"])
    assert stop.value.code == 6
    said = capsys.readouterr().err
    assert "needs gradio" in said and "[app]" in said
