"""Two regimes on the leaderboard: entries, ranks and curves of each, and the page's switch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import lb_browser
import numpy as np
import pytest
from lb_make import make, run
from toy import add_mixed_regime, write_toy_dataset

from binlj.data import curves, read_table
from binlj.leaderboard import rescore
from binlj.leaderboard.build import Board
from binlj.leaderboard.pack import unpack
from binlj.leaderboard.page import page_text, payload
from binlj.leaderboard.scores_markdown import markdown_table

BOTH = ("extrapolation", "mixed_extrapolation")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return add_mixed_regime(write_toy_dataset(tmp_path_factory.mktemp("regimes") / "binlj-rdf", off_grid=True))


@pytest.fixture(scope="module")
def board(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Board:
    root = tmp_path_factory.mktemp("regimes") / "submissions"
    make(root, "alpha", dataset, share=0.9, name="Alpha net", tracks=BOTH)
    make(root, "beta", dataset, share=0.7, seed=2, name="Beta net", tracks=BOTH[1:])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("binlj.eval.NAIVE_BASELINES", dict.fromkeys(("ideal_gas", "nearest_temperature")))
        return rescore(root, dataset=dataset)


def test_each_regime_ranks_its_own_entries(board: Board) -> None:
    assert board.tracks == ("extrapolation", "interpolation", "offgrid", "mixed_extrapolation", "mixed_interpolation")
    ranks = {(r["id"], r["track"]): r["rank"] for r in board.rows if r["kind"] == "model"}
    assert ranks == {("alpha", BOTH[0]): 1, ("alpha", BOTH[1]): 1, ("beta", BOTH[1]): 2}
    assert "| mixed_extrapolation | 1 | Alpha net |" in markdown_table(board.rows)


def test_the_page_carries_the_curves_of_both(board: Board, dataset: Path) -> None:
    packed = payload(board, dataset=dataset)
    shapes = {regime: len(unpack(packed["curves"][regime]["g"], "u2", 100)) for regime in ("equilibrium", "mixed")}
    assert shapes == {"equilibrium": 1800, "mixed": 1500}  # the off-grid states are in equilibrium only
    here = unpack(packed["curves"]["mixed"]["g"], "u2", 100)[packed["tracks"]["mixed_extrapolation"]["test"]]
    want = curves(read_table("mixed_extrapolation", "test", path=dataset))
    np.testing.assert_allclose(here, want, atol=1e-4 * want.max())
    demixed = {regime: "1" in packed["states"][regime]["demixed"] for regime in ("equilibrium", "mixed")}
    assert demixed == {"equilibrium": True, "mixed": False}


def test_submission_commands(dataset: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "p.parquet"
    mixed = ("--regime", "mixed", "--dataset", dataset)
    code, out, err = run(capsys, "template", "--track", "extrapolation", *mixed, file)
    assert code == 0 and "600 curves" in out, err
    code, out, err = run(capsys, "evaluate", file, "--track", "extrapolation", *mixed, "--n-boot", "10")
    assert code == 0 and "mixed_extrapolation" in out, err
    code, out, err = run(capsys, "template", "--track", "offgrid", *mixed, file)
    assert code != 0 and "no off-grid states in the mixed regime" in err


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not lb_browser.available(), reason="needs chromium, chromium-driver and selenium")
def test_switch_of_the_regime(driver: Any, board: Board, dataset: Path, tmp_path: Path) -> None:
    from selenium.webdriver.support.ui import WebDriverWait

    page = tmp_path / "index.html"
    page.write_text(page_text(board, dataset=dataset), encoding="utf-8")
    lb_browser.view(driver, page, width=1280)
    driver.get_log("browser")
    ask = driver.execute_script

    def there(script: str) -> Any:
        return WebDriverWait(driver, 30).until(lambda d: d.execute_script(f"return {script}"))

    def pressed(id: str) -> str:
        return str(ask(f"return document.querySelector('#{id} [aria-pressed=true]').innerText"))

    assert (pressed("track"), pressed("regime")) == ("Extrapolation", "Equilibrium")
    ask("document.querySelector('#regime button[data-value=mixed]').click()")
    assert ask("return B.state.track") == "mixed_extrapolation" and pressed("track") == "Extrapolation"
    assert "not of equilibrium" in ask("return document.getElementById('track-note').innerText")
    assert ask("return document.querySelectorAll('#track button').length") == 2
    largest = ask("return Math.max(...B.truth(B.data.tracks.mixed_extrapolation.test[0]).g)")
    assert largest == pytest.approx(curves(read_table("mixed_extrapolation", "test", path=dataset))[0].max(), rel=1e-4)
    there("document.querySelectorAll('.tabulator-row').length >= 5")
    ask("document.getElementById('viewer').scrollIntoView()")
    there("document.querySelectorAll('#viewer-plots .panel').length === 3")
    ask("B.set({ view: 510 })")
    there("document.getElementById('viewer-note').innerText.includes('not simulated in this regime')")
    # From a track that the other regime does not have, its first track opens.
    ask("B.set({ track: 'offgrid' })")
    ask("document.querySelector('#regime button[data-value=mixed]').click()")
    assert ask("return B.state.track") == "mixed_extrapolation"
    assert "track=mixed_extrapolation" in ask("return location.hash")
    assert [m for m in driver.get_log("browser") if m["level"] in ("WARNING", "SEVERE")] == []
