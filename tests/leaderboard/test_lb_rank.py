"""Ranks, ties and the order of rows, on scores made up for the purpose."""

from __future__ import annotations

from typing import Any

from binlj.leaderboard.rank import assign, order


def row(id: str, r2: float | None, *, ranked: bool = True) -> dict[str, Any]:
    return {"id": id, "r2": {"overall": r2}, "ranked": ranked}


def within(rows: list[dict[str, Any]], step: float):
    """Models closer than `step` tie."""
    scores = {r["id"]: r["r2"]["overall"] for r in rows}

    def compare(a: str, b: str) -> dict[str, Any]:
        d = scores[a] - scores[b]
        return {"difference": d, "ci95": [d - step, d + step], "tie": d < step}

    return compare


def ranks(rows: list[dict[str, Any]], step: float) -> dict[str, tuple[int | None, bool]]:
    return {r["id"]: (r["rank"], r["tie"]) for r in assign(rows, within(rows, step))}


def test_ties_share_a_rank_and_the_next_rank_counts_them() -> None:
    rows = [row("d", 0.80), row("a", 0.99), row("c", 0.985), row("b", 0.989)]
    assert ranks(rows, 0.0045) == {"a": (1, True), "b": (1, True), "c": (3, False), "d": (4, False)}


def test_a_chain_of_small_steps_is_not_one_tie() -> None:
    rows = [row(name, 0.9 - 0.004 * i) for i, name in enumerate("abcd")]
    assert ranks(rows, 0.0045) == {"a": (1, True), "b": (1, True), "c": (3, True), "d": (3, True)}


def test_unranked_rows_keep_their_place_but_take_no_rank() -> None:
    rows = [row("reference", 0.999, ranked=False), row("a", 0.9), row("floor", 0.85, ranked=False), row("b", 0.8)]
    out = assign(rows, within(rows, 0.01))
    assert [r["id"] for r in out] == ["reference", "a", "floor", "b"]
    assert [r["rank"] for r in out] == [None, 1, None, 2]
    assert out[3]["versus"]["id"] == "a"
    assert out[1]["versus"] is None


def test_undefined_scores_come_last_and_equal_scores_by_id() -> None:
    assert [r["id"] for r in order([row("z", None), row("b", 0.5), row("a", 0.5), row("m", -3.0)])] == [
        "a",
        "b",
        "m",
        "z",
    ]


def test_inputs_are_left_alone() -> None:
    rows = [row("a", 0.9), row("b", 0.899)]
    assign(rows, within(rows, 0.1))
    assert set(rows[0]) == {"id", "r2", "ranked"}
