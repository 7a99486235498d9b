"""The numbers in the README's text: ``python docs/readme.py`` writes them again, from the tables and the reports.

They stand between markers, ``<!-- name -->`` and ``<!-- /name -->``. `binlj leaderboard build` writes those of the
results table.
"""

from __future__ import annotations

import re
from pathlib import Path

from binlj.data import data_line, read_table, tracks_of
from binlj.errors import DataError
from binlj.files import write_text
from binlj.markdown import replace_marked

ROOT = Path(__file__).resolve().parents[1]


def converged(root: Path) -> str:
    """Which version this is, and how many of its states are scored."""
    dataset = root / "binlj-rdf"
    parts = []
    for name, split in (("of the grid", "all"), ("off it", "offgrid")):
        if split == "all" or "offgrid" in tracks_of(dataset):
            states = read_table("states", split, path=dataset)
            done = states[states.converged]
            demixed = int((done.phase == "demixed").sum())
            parts.append(f"{len(done)} of {len(states)} states {name} ({demixed} demixed)")
    return f"{data_line(dataset)} Converged, and therefore scored: {' and '.join(parts)}."


def reproduction(root: Path) -> str:
    """R² on the extrapolation test set: the paper's, ours in each regime, and that of a naive baseline."""
    reports = [root / "docs" / "reproduce" / f"extrapolation{suffix}.md" for suffix in ("", "-mixed")]
    (paper, equilibrium), (_, mixed) = (_row(report, "R² test") for report in reports)
    naive = [_row(report, "R² test, nearest temperature (no training)")[1] for report in reports]
    return (
        f"R² of the paper's network on the extrapolation test set: {paper} in the paper; here {equilibrium} on "
        f"equilibrium data and {mixed} on mixed-start data (± standard deviation over seeds). The nearest training "
        f"temperature of the same mixture, without any training, has {naive[0]} and {naive[1]}."
    )


BLOCKS = {"converged": converged, "reproduction": reproduction}


def fresh(root: Path = ROOT) -> str:
    """The README with its numbers as they are now."""
    text = (root / "README.md").read_text(encoding="utf-8")
    for name, block in BLOCKS.items():
        text = replace_marked(text, name, block(root), path=root / "README.md")
    return text


def _row(report: Path, quantity: str) -> tuple[str, str]:
    """The paper's number and ours, as a report of `binlj reproduce extrapolation` gives them."""
    text = report.read_text(encoding="utf-8")
    row = re.search(rf"^\| {re.escape(quantity)} *\| *(\S*) *\| *([^|]*?) *\|$", text, re.MULTILINE)
    if row is None:
        raise DataError(report, [f"has no row `{quantity}`"], fix="`binlj reproduce extrapolation` writes it")
    return row[1], row[2]


if __name__ == "__main__":
    write_text(ROOT / "README.md", fresh())
