"""Scores as Markdown: every number, the skills in the README, and the summary of a pull request's check."""

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


def skill_table(rows: Sequence[Row]) -> str:
    """Skill and rank interval, one line an entry and one column a track; entries in the order of their first track."""
    tracks = [track for track in TRACKS if any(row["track"] == track for row in rows)]
    lines = [f"| model | {' | '.join(tracks)} |", "|---|" + "---:|" * len(tracks)]
    by = {(row["id"], row["track"]): row for row in rows}
    for id in dict.fromkeys(row["id"] for track in tracks for row in rows if row["track"] == track):
        mine = {track: by[id, track] for track in tracks if (id, track) in by}
        name = plain(next(iter(mine.values()))["name"])
        name = name if any(row["rank"] for row in mine.values()) else f"*{name}*"
        lines.append(f"| {name} | {' | '.join(_cell(mine[t]) if t in mine else '' for t in tracks)} |")
    return "\n".join(lines)


def with_table(readme: Path, rows: Sequence[Row]) -> str:
    """The text of a README with the table of skills between its markers replaced.

    Raises
    ------
    DataError
        If it cannot be read or has no markers.
    """
    try:
        text = readme.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(readme, [f"cannot be read: {error}"]) from None
    return replace_marked(text, "results", skill_table(rows), path=readme)


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
    cells = [
        row["track"], rank_text(row), name, _skill(row), f"{_number(low)} … {_number(high)}",
        *(_number(row["r2"][c]) for c in COLUMNS),
    ]
    return f"| {' | '.join(cells)} |"


def _cell(row: Row) -> str:
    """Skill with its rank interval, or with the states that it is of, in brackets."""
    beside = rank_text(row) or label(row)
    return _skill(row) + (f" ({beside})" if beside else "")


def _skill(row: Row) -> str:
    """Overall skill, with the standard deviation over seeds where there are several."""
    text = _number(row["skill"]["overall"])
    return text + (f" ± {_number(row['seeds']['skill_sd']['overall'])}" if "seeds" in row else "")


def _number(value: float | None) -> str:
    if value is None:
        return "–"
    return "< −99" if value < -99 else f"{value:.3f}".replace("-", "−")
