"""Order, ranks and ties of the rows of one track."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

Row = dict[str, Any]
# (better id, worse id) -> the paired difference of overall R² as {difference, ci95, tie}
Compare = Callable[[str, str], dict[str, Any]]


def order(rows: Sequence[Row]) -> list[Row]:
    """Rows by overall R², best first; equal scores and undefined ones in order of their ids."""
    def key(row: Row) -> tuple[bool, float, str]:
        r2 = row["r2"]["overall"]
        return r2 is None, -(r2 or 0.0), row["id"]

    return sorted(rows, key=key)


def assign(rows: Sequence[Row], compare: Compare) -> list[Row]:
    """Order the rows of a track and give the ranked ones their rank.

    A model shares the rank of the group above it when the paired bootstrap interval of its difference
    from the *first* model of that group contains 0; otherwise it opens a new group, whose rank is one
    more than the number of models above it. Comparing with the group's first model and not with the
    next one above keeps a long chain of small steps from becoming one tie.

    Parameters
    ----------
    rows : sequence of dict
        Each with ``id``, ``r2`` and ``ranked``; the others are ordered along but get ``rank`` None.
    compare : callable
        Paired comparison of two ranked rows.

    Returns
    -------
    list of dict
        New rows with ``rank``, ``tie`` (shares its rank) and ``versus`` (the comparison with the first
        model of the group above, or None).
    """
    ordered = [dict(row, rank=None, tie=False, versus=None) for row in order(rows)]
    group: list[Row] = []
    above = 0
    for row in ordered:
        if not row["ranked"]:
            continue
        if group:
            result = compare(group[0]["id"], row["id"])
            row["versus"] = {"id": group[0]["id"], **result}
            # An undefined interval says nothing against the order of the scores.
            if result["tie"]:
                row["rank"] = group[0]["rank"]
                row["tie"] = group[0]["tie"] = True
                group.append(row)
                above += 1
                continue
        above += 1
        row["rank"] = above
        group = [row]
    return ordered
