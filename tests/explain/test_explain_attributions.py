"""Submitted attributions: every way to be wrong, and the score of right ones."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from explain_make import write_rows

from binlj.errors import InputError
from binlj.eval.explain.attributions import (
    KEYS,
    compare_importances,
    read_attributions,
    score_attributions,
    write_attributions,
)
from binlj.grid import PAIRS
from binlj.schema import FEATURES

GOOD = [(f, p, 1.0 + FEATURES.index(f)) for f, p in KEYS]


def problems_of(path: Path) -> list[str]:
    with pytest.raises(InputError) as caught:
        read_attributions(path)
    assert str(path) in str(caught.value) and "fix:" in str(caught.value)
    return caught.value.problems


def test_round_trip_in_any_order(tmp_path: Path) -> None:
    file = write_rows(tmp_path / "a.parquet", GOOD[::-1])
    frame = read_attributions(file)
    assert list(zip(frame["feature"], frame["pair"], frame["value"], strict=True)) == GOOD
    own = {p: {f: 1.0 + FEATURES.index(f) for f in FEATURES} for p in PAIRS}
    write_attributions(tmp_path / "b.parquet", own)
    assert read_attributions(tmp_path / "b.parquet").equals(frame)


def test_all_problems_of_the_rows_at_once(tmp_path: Path) -> None:
    rows = [*GOOD[2:], GOOD[4], ("colour", "AA", 1.0), ("T", "XX", float("nan")), ("S", "AB", -1.0)]
    found = problems_of(write_rows(tmp_path / "a.parquet", rows))
    assert found[0] == "2 keys are missing: T AA, T AB"
    assert found[1] == "2 keys are unknown: colour AA, T XX"
    assert found[2].startswith("2 keys appear more than once: ")
    assert found[3] == "1 values are NaN, inf or null: T XX"
    assert found[4] == "1 values are negative: S AB"


def test_null_values_and_zero_pairs(tmp_path: Path) -> None:
    rows = [(f, p, None if (f, p) == ("S", "BB") else v) for f, p, v in GOOD]
    assert problems_of(write_rows(tmp_path / "a.parquet", rows)) == ["1 values are NaN, inf or null: S BB"]
    rows = [(f, p, 0.0 if p == "AB" else v) for f, p, v in GOOD]
    assert problems_of(write_rows(tmp_path / "b.parquet", rows)) == ["pair AB: all values are zero"]


def test_columns_and_types(tmp_path: Path) -> None:
    file = tmp_path / "a.parquet"
    pq.write_table(pa.table({"feature": [1, 2], "value": ["x", "y"], "extra": [0, 0]}), file)
    found = problems_of(file)
    assert found == [
        "column feature has type int64, expected strings",
        "column pair is missing",
        "column value has type string, expected float",
        "unknown column: extra",
    ]


def test_files_that_are_not_what_they_say(tmp_path: Path) -> None:
    assert problems_of(tmp_path / "none.parquet") == ["no such file"]
    text = tmp_path / "text.parquet"
    text.write_text("feature,pair,value\n")
    assert "not a readable parquet file" in problems_of(text)[0]
    big = tmp_path / "big.parquet"
    big.write_bytes(b"PAR1" + b"\0" * 1_000_001)
    assert "the limit is" in problems_of(big)[0]
    long = write_rows(tmp_path / "long.parquet", GOOD * 20)
    assert problems_of(long) == ["240 rows, the limit is 120"]


def test_scores(tmp_path: Path) -> None:
    truth = {"m": {p: {f: 1.0 + FEATURES.index(f) for f in FEATURES} for p in PAIRS}}
    frame = read_attributions(write_rows(tmp_path / "a.parquet", GOOD))
    found = score_attributions(frame, truth)["m"]
    assert set(found) == {"AA", "AB", "BB", "mean"}
    assert found["mean"] == {
        "kendall": pytest.approx(1.0),
        "spearman": pytest.approx(1.0),
        "overlap": pytest.approx(1.0),
        "same_first": True,
    }
    own = {p: dict(truth["m"][p]) for p in PAIRS}
    own["BB"] = {f: 4.0 - FEATURES.index(f) for f in FEATURES}
    worse = compare_importances(own, truth)["m"]
    assert worse["BB"]["kendall"] == pytest.approx(-1.0)
    assert worse["mean"]["kendall"] == pytest.approx(1 / 3) and worse["mean"]["same_first"] is False
    own["AA"] = dict.fromkeys(FEATURES, 1.0)
    assert compare_importances(own, truth)["m"]["mean"]["kendall"] is None
