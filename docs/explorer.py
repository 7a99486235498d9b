"""Picture of the explorer, docs/explorer.png. Run ``python docs/explorer.py`` in a clone; needs app, dev, Chromium."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from binlj.explorer import build
from binlj.files import replacing

ROOT = Path(__file__).resolve().parents[1]
STATE = {"T": "0.6", "C_B": "0.25", "eps_AB": "0.4"}  # demixed; S stays


def main() -> None:
    sys.path.insert(0, str(ROOT / "tests"))
    import lb_browser
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import WebDriverWait

    demo = build()
    _, url, _ = demo.launch(prevent_thread_lock=True, quiet=True, footer_links=[])
    with tempfile.TemporaryDirectory() as profile, lb_browser.browser(Path(profile)) as driver:
        lb_browser.window(driver, width=1280, height=900)
        driver.get(url)
        wait = WebDriverWait(driver, 60)
        wait.until(lambda d: d.find_elements("css selector", "#eps_AB input"))
        for name, value in STATE.items():
            driver.find_element("css selector", f"#{name} input[type=number]").send_keys(
                Keys.CONTROL, "a", Keys.NULL, value, Keys.TAB
            )
        shown = ", ".join(f"{name}={value}" for name, value in STATE.items() if name != "eps_AB")
        wait.until(lambda d: f"({shown}, S=1.25, eps_AB=0.4)" in d.find_element("css selector", "#answer code").text)
        driver.execute_script("document.activeElement.blur()")
        with replacing(ROOT / "docs" / "explorer.png") as temporary:
            lb_browser.screenshot(driver, temporary)
    demo.close(verbose=False)


if __name__ == "__main__":
    main()
