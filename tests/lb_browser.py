"""Headless Chromium with its console and network logged."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)


def available() -> bool:
    """Whether Chromium, its driver and selenium are here."""
    import importlib.util

    return bool(
        importlib.util.find_spec("selenium")
        and shutil.which("chromedriver")
        and (shutil.which("chromium") or shutil.which("chromium-browser"))
    )


@contextmanager
def browser(profile: Path) -> Iterator[Any]:
    """A driver whose window can be any width (set by device metrics, so that phones fit)."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    for flag in (*FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(60)
    try:
        yield driver
    finally:
        driver.quit()


def window(driver: Any, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
    """Set the width, the height and the colour scheme of what is shown from now on."""
    driver.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride",
        {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 800},
    )
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]},
    )


def view(driver: Any, page: Path, *, width: int = 1280, height: int = 900, dark: bool = False, hash: str = "") -> None:
    """Open the page from disk at a width and colour scheme, and wait until it is built."""
    from selenium.webdriver.support.ui import WebDriverWait

    window(driver, width=width, height=height, dark=dark)
    driver.get("about:blank")
    driver.get_log("performance")  # the browser's own start page, not ours
    driver.get(page.resolve().as_uri() + hash)
    WebDriverWait(driver, 90).until(
        lambda d: d.execute_script(
            "return document.documentElement.dataset.ready === 'yes' && !!document.querySelector('.tabulator-row')"
        )
    )


def requests(driver: Any) -> list[str]:
    """Every address the page has asked for since the log was last read."""
    messages = [json.loads(entry["message"])["message"] for entry in driver.get_log("performance")]
    return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def screenshot(driver: Any, path: Path) -> None:
    """PNG of the whole page: the window is made as tall as the page, so that every picture is drawn."""
    import base64
    import time

    width, tall = driver.execute_script("return [innerWidth, innerWidth < 800]")
    for _ in range(3):  # drawing makes the page taller
        height = driver.execute_script("return document.documentElement.scrollHeight")
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": tall},
        )
        time.sleep(0.6)
    shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
    path.write_bytes(base64.b64decode(shot["data"]))
