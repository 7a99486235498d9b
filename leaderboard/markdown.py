"""The leaderboard as a Markdown table, for the README and for papers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from binlj.errors import DataError
from binlj.leaderboard.build import RESULTS
from binlj.leaderboard.partial import label
from binlj.schema import TRACKS

_MARKUP = re.compile(r"[\\|*_`<>\[\]~&$!#]")  # a name is text; the backslash too, or `\|` would end the cell
COLUMNS = ("AA", "AB", "BB", "overall")


def markdown_table(folder: Path) -> str:
    """Rank interval, skill and R² of every row of ``results.json``, one table with both tracks.

    A partial reference says how many states its numbers, and the ceiling they are measured by, are of.

    Parameters
    ----------
    folder : Path
        Where ``binlj leaderboard build`` wrote.

    Raises
    ------
    DataError
        If there is no readable results.json.
    """
    path = folder / RESULTS
    try:
        results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        lines = [_line(row) for track in TRACKS for row in results["rows"] if row["track"] == track]
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DataError(
            path, [f"not a results file: {error!r}"], fix="`binlj leaderboard build` writes it"
        ) from None
    head = [
        "| track | rank | model | skill | 95 % interval | " + " | ".join(f"R² {c}" for c in COLUMNS) + " |",
        "|---|---|---|" + "---:|" * (len(COLUMNS) + 2),
    ]
    return "\n".join([*head, *lines])


def _line(row: dict[str, Any]) -> str:
    name = _MARKUP.sub(r"\\\g<0>", row["name"])
    name += f" ({covered})" if (covered := label(row)) else ""
    name = name if row["rank"] else f"*{name}*"
    values = [_number(row["r2"][c]) for c in COLUMNS]
    low, high = row["skill_ci95"]["overall"]
    cells = [
        row["track"], rank_text(row), name,
        _number(row["skill"]["overall"]), f"{_number(low)} … {_number(high)}", *values,
    ]
    return f"| {' | '.join(cells)} |"


def rank_text(row: dict[str, Any]) -> str:
    """The rank interval of a row, as ``1`` or ``2–3``; empty for a row that is not ranked."""
    if not row["rank_interval"]:
        return ""
    best, worst = row["rank_interval"]
    return str(best) if best == worst else f"{best}–{worst}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")
