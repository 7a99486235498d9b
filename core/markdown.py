"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


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
