"""The page in a real browser, opened from disk: it works, stays offline and leaves the console empty."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lb_browser
import pytest
from lb_make import HOSTILE

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(not lb_browser.available(), reason="needs chromium, chromium-driver and selenium"),
]


@pytest.fixture(autouse=True)
def offline_and_silent(driver: Any) -> Iterator[None]:
    """After every test: no console message above info, and no request but the file itself."""
    driver.get_log("browser")
    driver.get_log("performance")
    yield
    messages = [entry for entry in driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")]
    assert messages == []
    asked = lb_browser.requests(driver)
    assert asked, "the performance log saw not even the page"
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:", "about:"))] == []
    assert {url.split("#")[0] for url in asked if url.startswith("file:")} <= {driver.current_url.split("#")[0]}
    assert driver.execute_script("return window.pwned === undefined")


def wait(driver: Any, script: str, *args: Any) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 60).until(lambda d: d.execute_script(f"return {script}", *args))


def becomes(driver: Any, script: str, expected: Any) -> None:
    """Wait for a value on the page: a part that is off the screen is drawn when it comes back, a frame or more later.

    Fails with the value that stands there instead.
    """
    from selenium.common.exceptions import TimeoutException
    from selenium.webdriver.support.ui import WebDriverWait

    def there() -> Any:
        return driver.execute_script(f"return {script}")

    try:
        WebDriverWait(driver, 20).until(lambda _: there() == expected)
    except TimeoutException:
        assert there() == expected


def names(driver: Any) -> list[str]:
    return driver.execute_script("return B.tabulator.getRows('active').map((r) => r.getData().id)")


def shown(driver: Any, field: str) -> list[str]:
    """Text of a column's cells as they stand on the page, from top to bottom."""
    return driver.execute_script(
        "const here = `.tabulator-table .tabulator-cell[tabulator-field='${arguments[0]}']`;"
        "const cells = document.querySelectorAll(here);"
        "return [...cells].map((c) => c.innerText.split('\\n')[0])",
        field,
    )


def click_header(driver: Any, field: str) -> None:
    from selenium.webdriver.common.by import By

    driver.find_element(By.CSS_SELECTOR, f".tabulator-col[tabulator-field='{field}']").click()


def test_table_shows_every_row_and_sorts(driver: Any, page: Path, board: Any) -> None:
    lb_browser.view(driver, page)
    expected = [r for r in board.rows if r["track"] == "extrapolation"]
    assert set(names(driver)) == {r["id"] for r in expected}
    by_score = sorted(expected, key=lambda r: -r["skill"]["overall"])
    assert names(driver) == [r["id"] for r in by_score]
    assert len(shown(driver, "name")) == len(expected)
    for field, key in (("r2.BB", lambda r: -r["r2"]["BB"]), ("r2.AA", lambda r: -r["r2"]["AA"])):
        click_header(driver, field)
        got = names(driver)
        assert [key(next(r for r in expected if r["id"] == id)) for id in got] == sorted(key(r) for r in expected)
    driver.execute_script("B.set({ columns: 'cost' })")
    click_header(driver, "train_seconds")  # cheapest first; rows without a time stay below
    times = {r["id"]: r.get("train_seconds") for r in expected}
    got_times = [times[id] for id in names(driver)]
    known = [t for t in got_times if t is not None]
    assert known == sorted(known) and got_times[: len(known)] == known
    click_header(driver, "train_seconds")
    got_times = [times[id] for id in names(driver)]
    assert got_times[: len(known)] == sorted(known, reverse=True)


def test_rank_intervals_naive_baselines_and_ceiling_look_different(driver: Any, page: Path) -> None:
    lb_browser.view(driver, page)
    look = driver.execute_script("""
      return Object.fromEntries(B.tabulator.getRows().map((r) => [r.getData().id, {
        classes: r.getElement().className, colour: getComputedStyle(r.getElement()).backgroundColor,
        rank: r.getCell('rank').getElement().innerText.trim(),
        badges: [...r.getElement().querySelectorAll('.badge')].map((b) => b.innerText)}]))""")
    assert look["alpha"]["rank"] == look["beta"]["rank"] == "1–2"
    assert look["hostile"]["rank"] == "3"
    assert look["linear-t"]["rank"] == "–" and look["linear-t"]["badges"] == ["naive baseline"]
    assert look["noise-ceiling"]["badges"] == ["ceiling"]
    assert look["one-track"]["badges"] == ["3 seeds", "below a naive baseline"]
    assert look["hostile"]["badges"][0] == "<i>closure</i>"
    assert len({look[id]["colour"] for id in ("alpha", "linear-t", "noise-ceiling")}) == 3


def test_filters(driver: Any, page: Path) -> None:
    from selenium.webdriver.common.by import By

    lb_browser.view(driver, page)
    everything = names(driver)
    search = driver.find_element(By.ID, "search")
    search.send_keys("beta FOREST")
    assert names(driver) == ["beta"]
    search.clear()
    search.send_keys("no such model")
    assert names(driver) == []
    assert "No model matches" in driver.find_element(By.ID, "table").text
    search.clear()
    search.send_keys(" ")
    assert sorted(names(driver)) == sorted(everything)
    driver.find_element(By.ID, "show-naive").click()
    assert sorted(names(driver)) == ["alpha", "beta", "hostile", "one-track"]


def test_switching_the_track_changes_every_part(driver: Any, page: Path, board: Any) -> None:
    from selenium.webdriver.common.by import By

    lb_browser.view(driver, page)
    assert "600 RDFs" in driver.find_element(By.ID, "track-note").text
    driver.find_element(By.CSS_SELECTOR, "#track button[data-value=interpolation]").click()
    wait(driver, "document.querySelectorAll('.tabulator-row').length > 0")
    rows = [r for r in board.rows if r["track"] == "interpolation"]
    assert set(names(driver)) == {r["id"] for r in rows}
    assert "300 RDFs" in driver.find_element(By.ID, "track-note").text
    value = {r["id"]: r["r2"]["overall"] for r in rows}["hostile"]
    index = names(driver).index("hostile")
    assert shown(driver, "r2.overall")[index].replace("−", "-") == f"{value:.{4 if value > 0.99 else 3}f}"
    assert "interpolation" in driver.find_element(By.ID, "forest-caption").text
    assert "interpolation" in driver.find_element(By.ID, "cite-sentence").text
    options = driver.execute_script("return [...document.querySelectorAll('#detail-model option')].map((o) => o.value)")
    assert "one-track" not in options and "repeated" in options
    assert "track=interpolation" in driver.current_url
    driver.find_element(By.CSS_SELECTOR, "#columns button[data-value=metrics]").click()
    wait(driver, "document.querySelectorAll(\".tabulator-cell[tabulator-field='metrics.rmse.overall']\").length > 0")
    click_header(driver, "metrics.rmse.overall")
    rmse = {r["id"]: (r.get("metrics") or {}).get("rmse", {}).get("overall") for r in rows}
    got = [rmse[id] for id in names(driver) if rmse[id] is not None]
    assert got == sorted(got)


def test_accuracy_plots_hold_every_row(driver: Any, page: Path, board: Any) -> None:
    lb_browser.view(driver, page)
    driver.execute_script("document.getElementById('accuracy').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelectorAll('#tradeoff svg .dots circle, #tradeoff svg g.dots > *').length > 0")
    rows = [r for r in board.rows if r["track"] == "extrapolation"]
    becomes(driver, "document.querySelectorAll('#forest g.ci line').length", len(rows))
    becomes(driver, "document.querySelectorAll('#tradeoff g.dots > *').length", 4)
    boxes = driver.execute_script(
        "return [...document.querySelectorAll('#tradeoff .labels text')].map((t) => t.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) >= 4
    for i, a in enumerate(boxes):
        for b in boxes[:i]:
            apart = a["right"] <= b["left"] or b["right"] <= a["left"]
            assert apart or a["bottom"] <= b["top"] + 3 or b["bottom"] <= a["top"] + 3
    label = "document.querySelector('#forest svg').getAttribute('aria-label')"
    assert driver.execute_script(f"return {label}").startswith("skill overall")
    driver.execute_script("document.querySelector('#acc-pair [data-value=BB]').click()")
    driver.execute_script("document.querySelector('#acc-order [data-value=r2]').click()")
    becomes(driver, label, "R² of g_BB of every row with its 95 % interval")
    assert driver.execute_script("return document.querySelector('#order [aria-pressed=true]').dataset.value") == "r2"


def test_errors_by_state_are_the_evaluators(driver: Any, page: Path, board: Any, toy: Path) -> None:
    from binlj.eval.skill import curve_errors
    from binlj.eval.truth import load_truth

    lb_browser.view(driver, page, hash="#model=hostile")
    driver.execute_script("document.getElementById('map').scrollIntoView({behavior: 'instant'})")
    cells = "document.querySelectorAll('#map-plot g.cells rect').length"
    becomes(driver, cells, 200)
    truth = load_truth("extrapolation", dataset=toy)
    expected = curve_errors(truth, board.curves["hostile", "extrapolation"])
    got = driver.execute_script(
        "return B.data.tracks.extrapolation.test.map((p) => B.curveError('extrapolation', 'hostile', p))"
    )
    assert got == pytest.approx(list(expected), abs=1 / 509)
    unsettled = int((~truth.converged).sum())
    marks = "document.querySelectorAll('#map-plot g.unsettled > *').length"
    assert driver.execute_script(f"return {marks}") == unsettled
    driver.execute_script("B.set({ track: 'interpolation', model: 'sampled' })")
    becomes(driver, cells, 20)


def test_earlier_scores_have_an_address(driver: Any, page: Path) -> None:
    lb_browser.view(driver, page, hash="#history-1.1.0")
    opened = "document.getElementById('history-1.1.0')"
    assert driver.execute_script(f"return {opened}.open")
    becomes(driver, f"Math.abs({opened}.getBoundingClientRect().top) < 200", True)
    text = driver.execute_script(f"return {opened}.innerText")
    assert "GP ensemble on the PeTS phases" in text and "0.778" in text and "evaluator 1.0.0" in text
    quoted = driver.execute_script("return document.getElementById('history-quoted').innerText")
    assert "not recomputed" in quoted and "0.890" in quoted and "0.970" in quoted
    names_now = driver.execute_script("return B.tabulator.getRows().map((r) => r.getData().name)")
    assert not [name for name in names_now if name.startswith("Paper")]


def test_seeds_show_mean_and_spread(driver: Any, page: Path, board: Any) -> None:
    row = next(r for r in board.rows if r["id"] == "one-track")
    lb_browser.view(driver, page, hash="#model=one-track")
    cell = "B.tabulator.getRow('one-track').getCell('skill.overall').getElement().innerText"
    spread = f"± {row['seeds']['skill_sd']['overall']:.3f}"
    assert spread in driver.execute_script(f"return {cell}")
    driver.execute_script("document.getElementById('detail').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelector('#detail-body table') !== null")
    text = driver.execute_script("return document.getElementById('detail-body').innerText")
    assert "scores by seed" in text and spread in text


def test_viewer_draws_data_and_models_to_the_number(driver: Any, page: Path, board: Any, toy: Path) -> None:
    from binlj.data import curves, read_table

    lb_browser.view(driver, page, hash="#state=T1.40-C0.300-S1.50-E0.40&curves=BB")
    driver.execute_script("document.getElementById('viewer').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelectorAll('#viewer-plots .panel').length === 1")
    overlay = driver.execute_script("return B.state.overlay")
    path = driver.execute_script(
        "return document.querySelector('#viewer-plots .data-line path, #viewer-plots path.data-line').getAttribute('d')"
    )
    assert path.count("L") + path.count("M") == 100
    assert driver.execute_script("return document.querySelectorAll('#viewer-plots .data-dots circle').length") == 100
    count = "document.querySelectorAll('#viewer-plots svg:first-of-type .model-line path').length"
    assert driver.execute_script(f"return {count}") == len(overlay) >= 2
    band = driver.execute_script(
        "return document.querySelector('#viewer-plots .band path, #viewer-plots path.band').getAttribute('d')"
    )
    assert band.count("L") + band.count("M") == 200

    # The numbers behind the picture are the data's and the model's.
    table = read_table("extrapolation", "test", path=toy)
    row = table.index[(table["state_id"] == "T1.40-C0.300-S1.50-E0.40") & (table["pair"] == "BB")][0]
    truth, predicted = curves(table)[row], board.curves["hostile", "extrapolation"][row]
    got = driver.execute_script(
        "const p = 3 * B.state.view + 2, d = B.difference('extrapolation', 'hostile', p);"
        "return [[...B.truth(p).g], [...d], B.data.state_ids[B.state.view]]"
    )
    assert got[2] == "T1.40-C0.300-S1.50-E0.40"
    assert got[0] == pytest.approx(list(truth), abs=truth.max() / 131_000)
    assert got[1] == pytest.approx(list(predicted - truth), abs=0.004 * abs(predicted - truth).max() + 1e-4)

    driver.execute_script("document.querySelector('#viewer-models [data-id=hostile]').click()")
    becomes(driver, count, len(overlay) + 1)
    driver.execute_script("document.querySelector('#viewer-pair [data-value=all]').click()")
    becomes(driver, "document.querySelectorAll('#viewer-plots .panel').length", 3)
    before = driver.execute_script("return B.state.view")
    driver.execute_script("document.getElementById('viewer-next').click()")
    assert driver.execute_script("return B.state.view") == before + 1


def test_viewer_says_what_a_state_is_and_where_there_is_no_prediction(driver: Any, page: Path, toy: Path) -> None:
    from selenium.webdriver.common.by import By
    from selenium.webdriver.support.ui import Select

    from binlj.data import read_table

    lb_browser.view(driver, page)
    driver.execute_script("document.getElementById('viewer').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelectorAll('#viewer-plots .panel').length === 3")
    Select(driver.find_element(By.ID, "viewer-T")).select_by_value("1")
    becomes(driver, "document.getElementById('viewer-note').innerText.includes('training state')", True)
    states = read_table("states", "all", path=toy).set_index("state_id")
    for state_id in (states.index[~states["converged"]][0], states.index[states["converged"]][0]):
        driver.execute_script("B.set({ view: B.data.state_ids.indexOf(arguments[0]) })", state_id)
        state = states.loc[state_id]
        becomes(driver, f"document.getElementById('viewer-note').innerText.includes('Phase: {state['phase']}')", True)
        note = driver.execute_script("return document.getElementById('viewer-note').innerText")
        assert ("Converged." in note) == bool(state["converged"]) and str(state["reason"] or "") in note
    Select(driver.find_element(By.ID, "viewer-T")).select_by_value("1")
    becomes(driver, "document.querySelectorAll('#viewer-plots .model-line').length", 0)
    becomes(driver, "document.querySelectorAll('#viewer-plots .data-dots circle').length", 300)


def test_model_details_from_the_table(driver: Any, page: Path, board: Any, toy: Path) -> None:
    from binlj.data import curves, read_table

    lb_browser.view(driver, page)
    driver.execute_script(
        "[...document.querySelectorAll('.model-link')].find((b) => b.innerText.startsWith('</script>')).click()"
    )
    wait(
        driver,
        "document.querySelectorAll('#parity svg').length === 3 && "
        "document.querySelector('#detail-body h3').innerText.includes('script')",
    )
    assert HOSTILE in driver.execute_script("return document.querySelector('#detail-body h3').innerText")
    assert driver.execute_script("return document.getElementById('attributions')") is None
    assert "<b>bold</b>" in driver.execute_script("return document.getElementById('detail-body').innerText")
    assert (
        driver.execute_script("return document.querySelectorAll('#detail-body b, #detail-body img').length") == 6
    )  # our own case labels
    assert driver.execute_script("return document.querySelectorAll('.case').length") == 6
    table = read_table("extrapolation", "test", path=toy)
    rmse = (((board.curves["hostile", "extrapolation"] - curves(table)) ** 2).mean(axis=1)) ** 0.5
    worst = table["state_id"][int(rmse.argmax())]
    got = driver.execute_script(
        "const e = B.errors('extrapolation', 'hostile')[0];"
        "return [B.data.state_ids[Math.floor(e.position / 3)], e.rmse]"
    )
    assert got[0] == worst
    assert got[1] == pytest.approx(rmse.max(), rel=0.01)
    driver.execute_script("document.querySelector('.case button').click()")
    wait(driver, "document.querySelectorAll('#viewer-plots .panel').length === 1")
    assert driver.execute_script("return B.data.state_ids[B.state.view]") == worst


def test_links_are_the_submitted_ones_and_harmless(driver: Any, page: Path) -> None:
    lb_browser.view(driver, page)
    links = driver.execute_script(
        "return [...document.querySelectorAll('a')].map((a) => [a.getAttribute('href'), a.rel])"
    )
    outside = [(href, rel) for href, rel in links if not href.startswith("#")]
    assert outside
    known = ("https://example.org/", "https://doi.org/10.1039/")
    assert all(href.startswith(known) and "noopener" in rel for href, rel in outside)


def test_downloads(driver: Any, page: Path, board: Any) -> None:
    lb_browser.view(driver, page)
    value = json.loads(driver.execute_script("return B.json()"))
    assert value["rows"] == json.loads(json.dumps(board.rows))
    assert value["dataset_sha256"] == board.header["dataset_sha256"]
    import csv
    import io

    rows = list(csv.DictReader(io.StringIO(driver.execute_script("return B.csv()"), newline="")))
    assert [r["id"] for r in rows] == [r["id"] for r in board.rows]
    assert float(rows[1]["r2_BB"]) == board.rows[1]["r2"]["BB"]
    assert not [v for r in rows for v in r.values() if v[:1] in "=+@" and v]
    for button in ("download-csv", "download-json"):
        driver.execute_script("document.getElementById(arguments[0]).click()", button)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_fits_the_screen_in_both_themes(driver: Any, page: Path, width: int, dark: bool) -> None:
    lb_browser.view(driver, page, width=width, dark=dark)
    # A part is drawn when it comes near the screen, and not if the page scrolls past it within one frame.
    for part, drawn in (
        ("accuracy", "document.querySelectorAll('#parity svg').length === 3"),
        ("detail", "true"),
        ("viewer", "document.querySelectorAll('#viewer-plots svg').length > 0"),
        ("cite", "true"),
    ):
        driver.execute_script("document.getElementById(arguments[0]).scrollIntoView({behavior: 'instant'})", part)
        wait(driver, drawn)
    assert driver.execute_script("return document.documentElement.scrollWidth") == width
    red, green, blue = driver.execute_script(
        "return getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)"
    )
    assert (max(red, green, blue) < 60) == dark
    before = driver.execute_script("return document.documentElement.dataset.theme")
    driver.execute_script("document.getElementById('theme').click()")
    driver.execute_script("document.getElementById('theme').click()")
    assert driver.execute_script("return document.documentElement.dataset.theme") == "dark"
    driver.execute_script("document.getElementById('theme').click()")  # back to the system's
    assert driver.execute_script("return document.documentElement.dataset.theme") == before


def test_attributions_are_shown_where_they_were_sent(driver: Any, page: Path) -> None:
    lb_browser.view(driver, page)
    driver.execute_script(
        "[...document.querySelectorAll('.model-link')].find((b) => b.innerText.startsWith('Alpha')).click()"
    )
    wait(driver, "document.querySelector('#detail-body h3').innerText.startsWith('Alpha')")
    rows = driver.execute_script(
        "const rows = document.querySelectorAll('#attributions tbody tr');"
        "return [...rows].map((r) => [...r.cells].map((c) => c.innerText))"
    )
    assert len(rows) == 4 and rows[0][0] == "Sobol first order, r"
    assert rows[0][1].startswith("1") and rows[0][4] == "yes, in all pairs"


def test_a_partial_reference_is_labelled_and_compared_like_for_like(driver: Any, page: Path, board: Any) -> None:
    row = next(r for r in board.rows if r["id"] == "sampled")
    part, label = row["subset"], "20 of 100 states"
    outside = next(s for s in held_out() if s not in part["state_ids"])
    lb_browser.view(driver, page, hash=f"#track=interpolation&model=sampled&state={outside}&curves=AA")
    badges = driver.execute_script(
        "return Object.fromEntries(B.tabulator.getRows().map((r) => [r.getData().id, "
        "[...r.getElement().querySelectorAll('.badge')].map((b) => b.innerText)]))"
    )
    assert badges["sampled"] == [label, "reference"]
    assert not [id for id, texts in badges.items() if id != "sampled" and label in texts]
    driver.execute_script("B.set({ columns: 'metrics' })")  # a column that tells models apart, not sets of states
    fields = driver.execute_script("return B.tabulator.getColumns().map((c) => c.getField())")
    assert "metrics.rmse.overall" in fields and "metrics.energy_resolution.overall" not in fields
    assert "n of m states" in driver.execute_script("return document.getElementById('table-note').innerText")
    assert label in driver.execute_script("return document.querySelector('#detail-model option[value=sampled]').text")

    driver.execute_script("document.getElementById('detail').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelectorAll('#alike tbody tr').length > 0")
    assert label in driver.execute_script("return document.querySelector('#detail-body h3').innerText")
    table = driver.execute_script(
        "const rows = document.querySelectorAll('#alike tbody tr');"
        "return [...rows].map((r) => [...r.cells].map((c) => c.innerText.replace('−', '-')))"
    )
    models = sorted(part["models"].values(), key=lambda scores: -scores["skill"]["overall"])
    for cells, scores in zip(table, [part["ceiling"], row, *models], strict=True):
        expected = [scores[key][p] for key in ("skill", "r2") for p in ("overall", "AA", "AB", "BB")]
        assert [float(c.replace("−", "-")) for c in cells[1:]] == pytest.approx(expected, abs=6e-3)
    assert [cells[0] for cells in table[1:]] == ["Some states, repeated", *(name(board, part, m) for m in models)]
    assert driver.execute_script("return B.errors('interpolation', 'sampled').length") == 60
    assert "20 of the 100 test states" in driver.execute_script(
        "return document.getElementById('cite-sentence').innerText"
    )
    assert ",20,100," in next(
        line for line in driver.execute_script("return B.csv()").splitlines() if ",sampled," in line
    )

    driver.execute_script("document.getElementById('viewer').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelectorAll('#viewer-plots .panel').length === 1")
    driver.execute_script("B.set({ overlay: ['sampled'] })")
    lines = "document.querySelectorAll('#viewer-plots .model-line path').length"
    note = "document.getElementById('viewer-note').innerText"
    becomes(driver, lines, 0)
    becomes(driver, f"{note}.includes('Some states, repeated ({label}) does not cover it')", True)
    driver.execute_script("B.set({ view: B.data.state_ids.indexOf(arguments[0]) })", part["state_ids"][7])
    becomes(driver, lines, 2)  # the curve and its difference
    becomes(driver, f"{note}.includes('does not cover')", False)
    got = driver.execute_script("return [...B.difference('interpolation', 'sampled', 3 * B.state.view + 1)]")
    g = driver.execute_script("return [...B.truth(3 * B.state.view + 1).g]")
    expected = board.curves["sampled", "interpolation"][3 * 7 + 1]
    assert [a + b for a, b in zip(g, got, strict=True)] == pytest.approx(list(expected), abs=1 / 509)

    driver.execute_script("document.getElementById('accuracy').scrollIntoView({behavior: 'instant'})")
    wait(driver, "document.querySelectorAll('#forest svg').length > 0")
    becomes(driver, "document.querySelector('#forest svg').textContent.includes('(20 of 100')", True)
    timed = [r for r in board.rows if r["track"] == "interpolation" and "train_seconds" in r]
    becomes(driver, "document.querySelectorAll('#tradeoff g.dots > *').length", len(timed) - 1)


def held_out() -> list[str]:
    """Test states of the interpolation track."""
    from binlj.tracks import split

    return [state.state_id for state in split("interpolation", version="0.0.0+toy")[1]]


def name(board: Any, part: dict[str, Any], scores: dict[str, Any]) -> str:
    """Name of the model with these scores."""
    id = next(id for id, values in part["models"].items() if values is scores)
    return next(m["name"] for m in board.models if m["id"] == id)
