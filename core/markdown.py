"""Tables and numbers in Markdown, and written parts of documents."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from binlj.errors import DataError


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right.

    A ``|`` inside a cell is escaped and a line break becomes a space, so that a cell stays one cell.

    Parameters
    ----------
    header : sequence of str
    rows : sequence of sequence of str
        As many cells in each as in the header.

    Raises
    ------
    ValueError
        If a row is shorter or longer than the header.
    """
    cells = [[" ".join(cell.splitlines()).replace("|", "\\|") for cell in row] for row in (header, *rows)]
    if any(len(row) != len(header) for row in cells):
        raise ValueError("rows and header of a Markdown table differ in length")
    marks = ["---", *["---:"] * (len(header) - 1)]
    return "\n".join("| " + " | ".join(row) + " |" for row in (cells[0], marks, *cells[1:]))


def percent(value: float, digits: int = 2) -> str:
    """A share as a percentage with so many significant digits."""
    return f"{100 * value:.{digits}g} %"


def replace_marked(text: str, name: str, body: str, *, path: Path) -> str:
    """`text` with what stands between ``<!-- name -->`` and ``<!-- /name -->`` replaced by `body`.

    Raises
    ------
    DataError
        If the markers are not there; `path` is the file that it names.
    """
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = text.partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise DataError(path, [f"has no {begin} … {end}"], fix="put the two markers where it belongs")
    return f"{before}{begin}\n{body}\n{end}{after}"
