"""The explorer in a real browser: sliders, keyboard, download, narrow and dark pages; it asks no other host."""

from __future__ import annotations

import importlib.util
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lb_browser
import numpy as np
import pandas as pd
import pytest

import binlj
from binlj import explorer
from binlj.data import curves
from binlj.errors import InputError

pytestmark = [
    pytest.mark.browser,
    pytest.mark.slow,
    pytest.mark.skipif(
        not (lb_browser.available() and importlib.util.find_spec("gradio")),
        reason="needs gradio, chromium, chromium-driver and selenium",
    ),
]

G = "return [...document.querySelectorAll('svg.panel')].map((s) => s.dataset.g.split(',').map(Number))"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    demo = explorer.build()
    _, address, _ = demo.launch(prevent_thread_lock=True, quiet=True, footer_links=[])
    yield address
    demo.close(verbose=False)


@pytest.fixture(scope="module")
def driver(url: str) -> Iterator[Any]:
    with tempfile.TemporaryDirectory() as profile, lb_browser.browser(Path(profile)) as running:
        yield running


@pytest.fixture(autouse=True)
def offline_and_silent(driver: Any, url: str) -> Iterator[None]:
    """After every test: no console message above info, and no request to another host."""
    driver.get("about:blank")
    driver.get_log("browser")
    driver.get_log("performance")
    yield
    assert [entry for entry in driver.get_log("browser") if entry["level"] in ("WARNING", "SEVERE")] == []
    asked = lb_browser.requests(driver)
    assert any(address.startswith(url) for address in asked)
    assert [a for a in asked if not a.startswith((url, "data:", "blob:", "about:"))] == []


def wait(driver: Any, script: str) -> Any:
    from selenium.webdriver.support.ui import WebDriverWait

    return WebDriverWait(driver, 60, poll_frequency=0.05).until(lambda d: d.execute_script(f"return {script}"))


def view(driver: Any, url: str, **how: Any) -> None:
    lb_browser.window(driver, **how)
    driver.get(url)
    wait(driver, "document.querySelectorAll('svg.panel').length === 3 && !!document.querySelector('#eps_AB input')")


def enter(driver: Any, name: str, value: str) -> None:
    from selenium.webdriver.common.keys import Keys

    box = driver.find_element("css selector", f"#{name} input[type=number]")
    box.send_keys(Keys.CONTROL, "a")
    box.send_keys(value, Keys.TAB)


def shows(driver: Any, call: str) -> None:
    """Wait until the page names a call of binlj.rdf, as it does for the mixture that it shows."""
    wait(driver, f"document.querySelector('#answer code').innerText === 'binlj.rdf({call})'")


def test_the_keyboard_moves_a_slider_and_curves_and_numbers_follow(driver: Any, url: str) -> None:
    from selenium.webdriver.common.keys import Keys

    view(driver, url)
    before = np.array(driver.execute_script(G))
    np.testing.assert_allclose(before, curves(binlj.rdf(**explorer.START)), rtol=1e-3, atol=1e-12)
    driver.find_element("css selector", "#T input[type=range]").send_keys(Keys.ARROW_RIGHT)
    shows(driver, "T=0.71, C_B=0.25, S=1.25, eps_AB=0.9")
    state = {**explorer.START, "T": 0.71}
    after = np.array(driver.execute_script(G))
    np.testing.assert_allclose(after, curves(binlj.rdf(**state)), rtol=1e-3, atol=1e-12)
    assert np.abs(after - before).max() > 0.01
    density = driver.find_element("css selector", ".thermo tbody tr:nth-child(2) td").text
    assert float(density) == pytest.approx(binlj.thermo(**state)["density"][0], abs=1e-4)
    # The value under the pointer, in the middle of the second drawing.
    from selenium.webdriver import ActionChains

    ActionChains(driver).move_to_element(driver.find_element("css selector", "svg.panel.AB")).perform()
    said = wait(driver, "document.querySelector('svg.AB .read').textContent")
    r, g = re.fullmatch(r"r = ([\d.]+), g = ([\d.]+) ± [\d.]+", said).groups()  # type: ignore[union-attr]
    assert float(g) == pytest.approx(after[1, round(10 * float(r) - 0.5)], abs=1e-3)


def test_a_demixed_mixture_is_called_so_and_its_curves_can_be_saved(driver: Any, url: str, tmp_path: Path) -> None:
    view(driver, url)
    enter(driver, "T", "0.6")
    enter(driver, "eps_AB", "0.4")
    shows(driver, "T=0.6, C_B=0.25, S=1.25, eps_AB=0.4")
    assert driver.find_element("id", "call").text.startswith("Demixed with probability > 0.99: the B-rich phase is a ")
    assert driver.execute_script("return !!document.querySelector('#call [aria-live], #call[aria-live]')")
    heads = [th.text for th in driver.find_elements("css selector", ".thermo thead th")]
    assert heads == ["box", "A-rich phase", "B-rich phase"]
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    driver.find_element("css selector", "a.csv").click()
    saved = tmp_path / "rdf-T0.60-C0.250-S1.25-E0.40.csv"
    from selenium.webdriver.support.ui import WebDriverWait

    WebDriverWait(driver, 20, poll_frequency=0.05).until(lambda _: saved.is_file())
    table, frame = pd.read_csv(saved), binlj.rdf(0.6, 0.25, 1.25, 0.4)
    assert list(table) == list(frame)
    np.testing.assert_allclose(table["g"], curves(frame).ravel(), rtol=1e-5, atol=1e-12)


def test_a_number_out_of_range_is_brought_back(driver: Any, url: str) -> None:
    view(driver, url)
    enter(driver, "S", "7")
    shows(driver, "T=0.7, C_B=0.25, S=2, eps_AB=0.9")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_the_page_fits_and_follows_the_colour_scheme(driver: Any, url: str, width: int, dark: bool) -> None:
    view(driver, url, width=width, dark=dark)
    assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    luminance = "((c) => c.match(/\\d+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 765)"
    paper, ink = driver.execute_script(
        f"const light = {luminance}; const call = document.querySelector('.call');"
        "return [light(getComputedStyle(document.body).backgroundColor), light(getComputedStyle(call).color)]"
    )
    assert (paper < 0.2 and ink > 0.8) if dark else (paper > 0.8 and ink < 0.3)
    colour = driver.execute_script("return getComputedStyle(document.querySelector('.AA .mean')).stroke")
    assert colour == ("rgb(98, 182, 211)" if dark else "rgb(31, 111, 139)")
    unnamed = driver.execute_script(
        "return [...document.querySelectorAll('input, button')].filter((e) => e.offsetParent"
        " && !(e.labels?.length || e.ariaLabel || e.title || e.innerText.trim())).map((e) => e.outerHTML)"
    )
    assert unnamed == []
    assert driver.execute_script("return document.querySelectorAll('h1').length") == 1


def test_a_port_that_is_taken_is_named(driver: Any, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import gradio as gr

    view(driver, url)

    with gr.Blocks(analytics_enabled=False) as empty:
        gr.Markdown("nothing")
    monkeypatch.setattr(explorer, "build", lambda: empty)
    port = int(url.rstrip("/").rpartition(":")[2])
    with pytest.raises(InputError, match=f"port {port} of 127.0.0.1.*\n.*\n.*choose another --port"):
        explorer.serve(port=port, browser=False)
