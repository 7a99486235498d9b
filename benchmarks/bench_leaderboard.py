"""Benchmark of the leaderboard: rescoring 50 submissions, the page's size, and its first paint.

    python benchmarks/bench_leaderboard.py [--submissions 50] [--dataset DIR]

The alternative it is compared with, in the same run, is what one would do without it: `binlj evaluate` once
for every predictions file (measured on a few, scaled to all; it gives no rank intervals and no page). Without
--dataset the installed dataset is used, or the tests' toy dataset if none is installed. Submissions are made
from the test set itself, so their scores mean nothing.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests" / "leaderboard")]
SAMPLE = 4  # how many files the alternative scores


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--submissions", type=int, default=50)
    parser.add_argument("--dataset", type=Path)
    parser.add_argument("--json", type=Path, help="write the figures here too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        figures = measure(args.submissions, args.dataset or installed_or_toy(Path(scratch)), Path(scratch))
    for name, value in figures.items():
        print(f"{name:<58} {value}")
    if args.json:
        args.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def installed_or_toy(scratch: Path) -> Path:
    """The installed dataset's folder, or a toy dataset in `scratch`."""
    from toy import write_toy_dataset

    from binlj.paths import dataset_dir

    return dataset_dir() if (dataset_dir() / "README.md").is_file() else write_toy_dataset(scratch / "binlj-rdf")


def measure(count: int, dataset: Path, scratch: Path) -> dict[str, Any]:
    """Make `count` submissions, build, and time everything."""
    from lb_make import make

    from binlj.leaderboard import build

    root = scratch / "submissions"
    for i in range(count):
        make(root, f"model-{i:02d}", dataset, share=0.3 + 0.69 * i / count, seed=i, name=f"Model {i}", seconds=1.0 + i)
    files = sorted(root.rglob("*.parquet"))

    (_, written), wall, cpu = timed(lambda: build(root, scratch / "out", dataset=dataset))
    command = [sys.executable, "-m", "binlj.cli", "evaluate", "--dataset", str(dataset), "--track"]
    sample = files[:: max(1, len(files) // SAMPLE)][:SAMPLE]

    def alternative() -> None:
        for file in sample:
            track = file.stem.removeprefix("predictions-")
            subprocess.run([*command, track, str(file)], check=True, capture_output=True)

    _, other_wall, other_cpu = timed(alternative)
    scale = len(files) / len(sample)
    page = written["index.html"]
    figures: dict[str, Any] = {
        f"build, {count} submissions, {len(files)} files: wall s": round(wall, 1),
        f"build, {count} submissions, {len(files)} files: CPU s": round(cpu, 1),
        f"`binlj evaluate` on each of {len(files)} files: CPU s": round(other_cpu * scale, 1),
        f"`binlj evaluate` on each of {len(files)} files: wall s": round(other_wall * scale, 1),
        "CPU ratio, alternative / build": round(other_cpu * scale / cpu, 2),
        "page, MB": round(page.stat().st_size / 1e6, 2),
        "results.json, MB": round(written["results.json"].stat().st_size / 1e6, 3),
    }
    return {**figures, **paint(page)}


def timed(run: Callable[[], Any]) -> tuple[Any, float, float]:
    """Result, wall seconds, and CPU seconds of this process and its children."""
    def cpu() -> float:
        uses = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(use.ru_utime + use.ru_stime for use in uses)

    start, start_cpu = time.perf_counter(), cpu()
    result = run()
    return result, time.perf_counter() - start, cpu() - start_cpu


def paint(page: Path) -> dict[str, Any]:
    """First contentful paint and time until the table stands, in headless Chromium: median of five."""
    import lb_browser

    if not lb_browser.available():
        return {"first contentful paint, ms": "needs chromium, chromium-driver and selenium"}
    first, ready = [], []
    with tempfile.TemporaryDirectory() as profile, lb_browser.browser(Path(profile)) as driver:
        for _ in range(5):
            lb_browser.view(driver, page)
            got = driver.execute_script(
                "return [performance.getEntriesByName('first-contentful-paint')[0].startTime,"
                " performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd]"
            )
            first.append(got[0])
            ready.append(got[1])
    return {
        "first contentful paint, ms (median of 5)": round(statistics.median(first)),
        "table and scripts ready, ms (median of 5)": round(statistics.median(ready)),
    }


if __name__ == "__main__":
    main()
