"""The offgrid track on the leaderboard: entries on some tracks, the page's states off the grid, the history."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import lb_browser
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lb_make import make, run
from toy import write_manifest

from binlj.data import curves, dataset_info, read_table, track_hash
from binlj.errors import DataError
from binlj.grid import grid
from binlj.leaderboard import rescore
from binlj.leaderboard.build import Board
from binlj.leaderboard.history import keep
from binlj.leaderboard.pack import unpack
from binlj.leaderboard.page import model_curves, page_text, payload
from binlj.leaderboard.scores_markdown import markdown_table
from binlj.leaderboard.submission import check
from binlj.offgrid import offgrid

OLD = ("extrapolation", "interpolation")


@pytest.fixture(scope="module")
def entries(tmp_path_factory: pytest.TempPathFactory, toy_offgrid: Path) -> Path:
    """A model on all tracks, with seeds; one on the two older tracks; a reference on ten off-grid states."""
    root = tmp_path_factory.mktemp("offgrid") / "submissions"
    make(root, "alpha", toy_offgrid, share=0.9, name="Alpha net", tracks=("offgrid",), files=3)
    make(root, "older", toy_offgrid, share=0.8, seed=2, name="Entered before", tracks=OLD)
    make(root, "sampled", toy_offgrid, share=1.0, seed=3, name="Some states, repeated", kind="reference",
         tracks=("offgrid",), states=10)
    return root


@pytest.fixture(scope="module")
def board(entries: Path, toy_offgrid: Path) -> Board:
    few = dict.fromkeys(("ideal_gas", "nearest_temperature"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("binlj.eval.NAIVE_BASELINES", few)
        return rescore(entries, dataset=toy_offgrid)


def test_each_entry_is_listed_on_its_own_tracks(board: Board) -> None:
    assert board.tracks == (*OLD, "offgrid")
    found = {(r["id"], r["track"]) for r in board.rows if r["kind"] in ("model", "reference")}
    assert found == {("alpha", "offgrid"), ("sampled", "offgrid"), *(("older", t) for t in OLD)}
    row = next(r for r in board.rows if r["id"] == "alpha")
    assert row["rank"] == 1 and row["beats_naive"] and len(row["seeds"]["skill"]) == 3
    names = {r["id"]: r["name"] for r in board.rows if r["track"] == "offgrid"}
    assert names["nearest-temperature"] == "Nearest training state"
    table = markdown_table(board.rows)
    assert "| offgrid | 1 | Alpha net |" in table and "Some states, repeated (10 of 100 states)" in table


def test_the_page_carries_the_off_grid_states(board: Board, toy_offgrid: Path) -> None:
    packed = payload(board, dataset=toy_offgrid)
    assert packed["state_ids"] == [s.state_id for s in (*grid(), *offgrid())]
    assert packed["tracks"]["offgrid"]["test"] == list(range(1500, 1800))
    assert len(packed["states"]["equilibrium"]["demixed"]) == 600
    g = unpack(packed["curves"]["equilibrium"]["g"], "u2", 100)
    truth = curves(read_table("offgrid", "test", path=toy_offgrid))
    assert np.abs(g[1500:] - truth).max() < truth.max() / 131_000
    states = read_table("states", "offgrid", path=toy_offgrid)
    unsettled = {packed["state_ids"][int(i)] for i in packed["states"]["equilibrium"]["reasons"] if int(i) >= 500}
    assert unsettled == set(states["state_id"][~states["converged"]])
    difference = unpack(model_curves(board, 10**7, dataset=toy_offgrid)["alpha"]["offgrid"], "i1", 100)
    assert difference.shape == (300, 100)


def test_a_dataset_without_the_track_or_without_converged_states_has_the_others(
    entries: Path, toy: Path, toy_offgrid: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(toy_offgrid, tmp_path / "dataset"))
    table = pq.read_table(folder / "states" / "offgrid.parquet")
    none = pa.array([False] * table.num_rows)
    place = table.schema.get_field_index("converged")
    pq.write_table(table.set_column(place, "converged", none), folder / "states" / "offgrid.parquet")
    write_manifest(folder)
    (tmp_path / "empty").mkdir()
    monkeypatch.setattr("binlj.eval.NAIVE_BASELINES", {"ideal_gas": None})
    assert rescore(tmp_path / "empty", dataset=folder).tracks == OLD
    assert check(entries / "older", dataset=toy).tracks == OLD
    with pytest.raises(DataError, match="has no off-grid states"):
        check(entries / "alpha", dataset=toy)


def test_a_version_that_adds_a_track_leaves_the_history_as_it_is(
    board: Board, toy_offgrid: Path, tmp_path: Path
) -> None:
    info, now = dataset_info(path=toy_offgrid), board.header
    assert now["track_sha256"] == {t: track_hash(info, t) for t in board.tracks}
    before = {**now, "dataset_version": "0.0.0", "dataset_sha256": "0" * 64, "rows": []}
    before["track_sha256"] = {t: now["track_sha256"][t] for t in OLD}
    results = tmp_path / "results.json"
    results.write_text(json.dumps(before))
    assert keep(results, now, tmp_path / "history") is None
    for change in (
        {"track_sha256": {**before["track_sha256"], OLD[0]: "0" * 64}}, {"track_sha256": None},
        {"evaluator_version": "1.0.0"},
    ):
        results.write_text(json.dumps({**before, **change}))
        kept = keep(results, now, tmp_path / "history")
        assert kept is not None
        kept.unlink()


def test_submission_commands(toy_offgrid: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make(tmp_path / "submissions", "alpha", toy_offgrid, tracks=("offgrid",))
    code, out, err = run(capsys, "submit", "check", folder, "--dataset", toy_offgrid,
                         "--submissions", folder.parent)  # fmt: skip
    assert code == 0 and "offgrid       rank interval 1 of 1 ranked entries" in out, err
    file = folder / "predictions-offgrid.parquet"
    pq.write_table(pq.read_table(file).slice(3), file)
    code, _, err = run(capsys, "submit", "check", folder, "--dataset", toy_offgrid)
    assert code == 2 and "3 of 300 keys are missing" in err


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.skipif(not lb_browser.available(), reason="needs chromium, chromium-driver and selenium")
@pytest.mark.parametrize("width", [1280, 390])
def test_third_position_of_the_switch(driver: Any, board: Board, toy_offgrid: Path, tmp_path: Path, width: int) -> None:
    page = tmp_path / "index.html"
    page.write_text(page_text(board, dataset=toy_offgrid), encoding="utf-8")
    lb_browser.view(driver, page, width=width)
    driver.get_log("browser")
    ask = driver.execute_script
    assert ask("return [...document.querySelectorAll('#track button')].map((b) => b.innerText)") == [
        "Extrapolation", "Interpolation", "Off-grid",
    ]  # fmt: skip
    ask("document.querySelector('#track button[data-value=offgrid]').click()")
    assert "300 RDFs" in ask("return document.getElementById('track-note').innerText")
    assert ask("return B.data.state_ids[B.state.view]") == offgrid()[0].state_id
    from selenium.webdriver.support.ui import WebDriverWait

    def there(script: str) -> Any:
        return WebDriverWait(driver, 30).until(lambda d: d.execute_script(f"return {script}"))

    ask("document.getElementById('map').scrollIntoView()")
    cells = there("document.querySelectorAll('#map-plot .cells rect').length")
    bins = ask("return new Set(B.data.tracks.offgrid.states.map((i) => JSON.stringify(B.nearest(i)))).size")
    assert cells == bins < len(offgrid())
    ask("document.getElementById('detail').scrollIntoView()")
    there("document.getElementById('detail-body').innerText.includes('nearest T* 1.4')")
    ask("document.getElementById('viewer').scrollIntoView()")
    there("document.querySelectorAll('#viewer-plots .panel').length === 3")
    there(f"document.getElementById('viewer-note').innerText.startsWith('{offgrid()[0].state_id}: a test state')")
    ask("B.set({ view: 0 })")
    there("document.getElementById('viewer-note').innerText.includes('a training state of the offgrid track')")
    ask("document.getElementById('viewer-next').click()")
    assert ask("return document.getElementById('viewer-offgrid').value") == "500"
    ask("B.set({ track: 'extrapolation' }); B.set({ view: 510 })")
    there("document.getElementById('viewer-note').innerText.includes('not a state of the extrapolation track')")
    assert ask("return document.documentElement.scrollWidth <= window.innerWidth"), "no horizontal scrolling"
    assert [m for m in driver.get_log("browser") if m["level"] in ("WARNING", "SEVERE")] == []

