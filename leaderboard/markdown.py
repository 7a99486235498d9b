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
    """R² of every row of ``results.json``, one table with both tracks.

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
        rows = results["rows"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(
            path, [f"not a results file: {error}"], fix="`binlj leaderboard build` writes it"
        ) from None
    lines = [
        "| track | model | " + " | ".join(f"R² {c}" for c in COLUMNS) + " | 95 % interval | of the ceiling |",
        "|---|---|" + "---:|" * (len(COLUMNS) + 2),
    ]
    for track in TRACKS:
        lines += [_line(row) for row in rows if row["track"] == track]
    return "\n".join(lines)


def _line(row: dict[str, Any]) -> str:
    name = _MARKUP.sub(r"\\\g<0>", row["name"])
    name += f" ({covered})" if (covered := label(row)) else ""
    place = f"{row['rank']}{'=' if row['tie'] else ''}. {name}" if row["rank"] else f"*{name}*"
    values = [_number(row["r2"][c]) for c in COLUMNS]
    low, high = row["r2_ci95"]["overall"]
    share = (row.get("ceiling_share") or {}).get("overall")
    of_ceiling = "" if share is None else f"{100 * share:.1f} %".replace("-", "−")
    return " | ".join(
        ["| " + row["track"], place, *values, f"{_number(low)} … {_number(high)}", f"{of_ceiling} |"]
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}".replace("-", "−")
