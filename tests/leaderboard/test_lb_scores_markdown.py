"""The Markdown table says what results.json says, and the README says what the table says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from lb_make import HOSTILE

from binlj.errors import DataError
from binlj.leaderboard.build import Board, results_text
from binlj.leaderboard.scores_markdown import (
    markdown_table,
    plain,
    read_rows,
    refusal,
    skill_table,
    summary,
    with_table,
)
from binlj.paths import clone_root


def test_every_row_with_its_numbers(board: Board, tmp_path: Path) -> None:
    (tmp_path / "results.json").write_text(results_text(board))
    lines = markdown_table(read_rows(tmp_path / "results.json")).splitlines()
    assert len(lines) == 2 + len(board.rows)
    alpha = next(line for line in lines if "Alpha net" in line and "extrapolation" in line)
    row = next(r for r in board.rows if r["id"] == "alpha" and r["track"] == "extrapolation")
    for text in (f"| {row['r2']['BB']:.3f} |", f"| {row['skill']['overall']:.3f} |", "| 1–2 |"):
        assert text in alpha
    assert all(line.count("|") - line.count("\\|") == lines[0].count("|") for line in lines)


def test_a_partial_reference_says_so_beside_its_name(board: Board) -> None:
    lines = markdown_table(board.rows).splitlines()
    row = next(r for r in board.rows if r["id"] == "sampled")
    (line,) = [line for line in lines if "Some states" in line]
    assert "| *Some states, repeated (20 of 100 states)* |" in line
    assert f"| {row['skill']['overall']:.3f} |" in line
    assert len([line for line in lines if " states)" in line]) == 1


def test_the_readmes_table_has_a_column_for_each_track(board: Board) -> None:
    head, _, *lines = skill_table(board.rows).splitlines()
    tracks = list(dict.fromkeys(row["track"] for row in board.rows))
    assert sorted(head.strip("| ").split(" | ")) == sorted(["model", *tracks])
    assert len(lines) == len({row["id"] for row in board.rows})
    cells = {re.split(r" *(?<!\\)\| *", line)[1]: re.split(r" *(?<!\\)\| *", line)[2:-1] for line in lines}
    skill = {row["track"]: row["skill"]["overall"] for row in board.rows if row["id"] == "alpha"}
    found = dict(zip(head.strip("| ").split(" | ")[1:], cells["Alpha net"], strict=True))
    assert found["extrapolation"] == f"{skill['extrapolation']:.3f} (1–2)"
    (partial,) = [c for c in cells["*Some states, repeated*"] if c]
    assert partial.endswith("(20 of 100 states)") and "" in cells["*Some states, repeated*"]


@pytest.mark.parametrize("name", ["a|b", "a\\|b", "a\\\\|b", "[x](y)", "<b>`*_"])
def test_a_name_stays_in_its_cell(name: str, board: Board) -> None:
    head, _, *lines = markdown_table([{**row, "name": name} for row in board.rows]).splitlines()
    for line in lines:
        cells = re.split(r"(?<!\\)(?:\\\\)*\|", line)  # a bar after an even number of backslashes ends a cell
        assert len(cells) == head.count("|") + 1
        assert re.sub(r"\\(.)", r"\1", line).count(name)


def test_seeds_show_their_spread_and_absurd_scores_are_cut(board: Board) -> None:
    row = next(r for r in board.rows if r["id"] == "alpha")
    spread = {"skill_sd": {"overall": 0.0123}}
    cut = {**row["r2"], "BB": -464.475}
    line = markdown_table([{**row, "seeds": spread, "r2": cut}]).splitlines()[-1]
    assert f"| {row['skill']['overall']:.3f} ± 0.012 |" in line and "| < −99 |" in line


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", "[" * 100_000, '{"rows": null}', '{"rows": [1]}', '{"rows": [{}]}',
     '{"rows": [{"track": "extrapolation", "name": "a"}]}'],
)  # fmt: skip
def test_no_results_is_one_clear_error(content: str | None, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match="not a results file"):
        read_rows(path)


def test_only_what_lies_between_the_markers_changes(board: Board, tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("above\n<!-- results -->\nold\n<!-- /results -->\nbelow\n")
    text = with_table(readme, board.rows)
    assert text == f"above\n<!-- results -->\n{skill_table(board.rows)}\n<!-- /results -->\nbelow\n"
    readme.write_text("no markers")
    with pytest.raises(DataError, match="has no <!-- results -->"):
        with_table(readme, board.rows)


def test_the_jobs_summary_is_text_whatever_was_submitted(board: Board) -> None:
    rows = [{**r, "name": HOSTILE} for r in board.rows if r["id"] == "hostile"]
    for text in (summary("hostile", rows), refusal([HOSTILE + "\n# heading", "[x](javascript:1) @all"])):
        assert re.sub(r"\\.", "", text).count("<") == 0
        assert "\n# " not in text
    assert "| 3 |" in summary("hostile", rows)
    assert plain("a\nb [x](y)") == "a b \\[x\\](y)"


def test_the_readme_shows_the_committed_results() -> None:
    root = clone_root()
    assert root is not None
    readme = root / "README.md"
    fresh = with_table(readme, read_rows(root / "leaderboard" / "results.json"))
    assert readme.read_text(encoding="utf-8") == fresh, "`binlj leaderboard build` writes the table"
