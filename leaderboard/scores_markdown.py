"""Scores as Markdown: the table in the README, and the summary of a pull request's check."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binlj.errors import DataError
from binlj.leaderboard.partial import label
from binlj.markdown import replace_marked
from binlj.schema import TRACKS

_MARKUP = re.compile(r"[\\|*_`<>\[\]~&$!#@]")  # a name is text; the backslash too, or `\|` would end the cell
COLUMNS = ("AA", "AB", "BB", "overall")
Row = dict[str, Any]


def read_rows(path: Path) -> list[Row]:
    """The rows of a results.json.

    Raises
    ------
    DataError
        If there is none, or it cannot be read.
    """
    try:
        rows: list[Row] = json.loads(path.read_text(encoding="utf-8"))["rows"]
        markdown_table(rows)  # rows of a wrong shape are found here
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            path, [f"not a results file: {error!r}"], fix="`binlj leaderboard build` writes it"
        ) from None
    return rows


def markdown_table(rows: Sequence[Row]) -> str:
    """Rank interval, skill and R² of every row, one table with all tracks.

    A partial reference says how many states its numbers, and the ceiling they are measured by, are of.
    """
    lines = [
        "| track | rank | model | skill | 95 % interval | " + " | ".join(f"R² {c}" for c in COLUMNS) + " |",
        "|---|---|---|" + "---:|" * (len(COLUMNS) + 2),
    ]
    for track in TRACKS:
        lines += [_line(row) for row in rows if row["track"] == track]
    return "\n".join(lines)


def with_table(readme: Path, rows: Sequence[Row]) -> str:
    """The text of a README with the table between its markers replaced.

    Raises
    ------
    DataError
        If it cannot be read or has no markers.
    """
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(readme, [f"cannot be read: {error}"]) from None
    return replace_marked(text, "results", markdown_table(rows), path=readme)


def summary(id: str, rows: Sequence[Row]) -> str:
    """What the check of a pull request found, for the job's summary."""
    place = "Skill and R² are over the converged test states; ranks are among the present entries."
    return f"### Submission {plain(id)}: valid\n\n{markdown_table(rows)}\n\n{place}\n"


def refusal(problems: Sequence[str]) -> str:
    """What keeps a pull request from being accepted, for the job's summary."""
    return "### Submission: not valid\n\n" + "".join(f"- {plain(problem)}\n" for problem in problems)


def plain(text: str) -> str:
    """`text` on one line, with everything that Markdown or HTML would read as markup escaped."""
    return _MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def rank_text(row: Row) -> str:
    """The rank interval of a row, as ``1`` or ``2–3``; empty for a row that is not ranked."""
    if not row["rank_interval"]:
        return ""
    best, worst = row["rank_interval"]
    return str(best) if best == worst else f"{best}–{worst}"


def _line(row: Row) -> str:
    name = plain(row["name"]) + (f" ({covered})" if (covered := label(row)) else "")
    name = name if row["rank"] else f"*{name}*"
    low, high = row["skill_ci95"]["overall"]
    skill = _number(row["skill"]["overall"])
    if "seeds" in row:
        skill += f" ± {_number(row['seeds']['skill_sd']['overall'])}"
    cells = [
        row["track"], rank_text(row), name, skill, f"{_number(low)} … {_number(high)}",
        *(_number(row["r2"][c]) for c in COLUMNS),
    ]
    return f"| {' | '.join(cells)} |"


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return "< −99" if value < -99 else f"{value:.3f}".replace("-", "−")
