"""The Markdown table says what results.json says, and the README says what the table says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from binlj.errors import DataError
from binlj.leaderboard.build import Board, results_text
from binlj.leaderboard.markdown import markdown_table
from binlj.paths import clone_root


def test_every_row_with_its_numbers(board: Board, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(results_text(board))
    lines = markdown_table(tmp_path).splitlines()
    assert len(lines) == 2 + len(board.rows)
    alpha = next(line for line in lines if "Alpha net" in line and "extrapolation" in line)
    row = next(r for r in board.rows if r["id"] == "alpha" and r["track"] == "extrapolation")
    for text in (f"| {row['r2']['BB']:.3f} |", f"| {row['skill']['overall']:.3f} |", "| 1–2 |"):
        assert text in alpha
    assert all(line.count("|") - line.count("\\|") == lines[0].count("|") for line in lines)


def test_a_partial_reference_says_so_beside_its_name(board: Board, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(results_text(board))
    lines = markdown_table(tmp_path).splitlines()
    row = next(r for r in board.rows if r["id"] == "sampled")
    (line,) = [line for line in lines if "Some states" in line]
    assert "| *Some states, repeated (20 of 100 states)* |" in line
    assert f"| {row['skill']['overall']:.3f} |" in line
    assert len([line for line in lines if " states)" in line]) == 1


@pytest.mark.parametrize("name", ["a|b", "a\\|b", "a\\\\|b", "[x](y)", "<b>`*_"])
def test_a_name_stays_in_its_cell(name: str, board: Board, tmp_path: Path) -> None:
    rows = [{**row, "name": name} for row in board.rows]
    (tmp_path / "results.json").write_text(json.dumps({"rows": rows}))
    head, _, *lines = markdown_table(tmp_path).splitlines()
    for line in lines:
        cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)  # a bar after an even number of backslashes ends a cell
        assert len(cells) == head.count("|") + 1
        assert re.sub(r"\\(.)", r"\1", line).count(name)


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", "[" * 100_000, '{"rows": null}', '{"rows": [1]}', '{"rows": [{}]}',
     '{"rows": [{"track": "extrapolation", "name": "a"}]}'],
)  # fmt: skip
def test_no_results_is_one_clear_error(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "results.json").write_text(content)
    with pytest.raises(DataError, match="not a results file"):
        markdown_table(tmp_path)


def test_the_readme_shows_the_committed_results() -> None:
    root = clone_root()
    assert root is not None
    text = (root / "README.md").read_text(encoding="utf-8")
    shown = text.split("<!-- results -->")[1].split("<!-- /results -->")[0].strip()
    assert shown == markdown_table(root / "leaderboard"), "paste what `binlj leaderboard table` prints"
