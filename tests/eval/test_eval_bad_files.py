"""Files that must be refused, each with one clear message, and files that must not."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from toy import write_manifest

from binlj.errors import DataError, InputError
from binlj.eval import evaluate, read_predictions, template, validate, write_predictions
from binlj.eval.reading import MAX_FILE_BYTES, MAX_ROWS, MAX_VALUES

TRACK = "extrapolation"


@pytest.fixture(scope="module")
def good(toy: Path) -> pd.DataFrame:
    return template(TRACK, dataset=toy)


def table(frame: pd.DataFrame, **replaced: pa.Array) -> pa.Table:
    columns = {
        "state_id": pa.array(frame["state_id"]),
        "pair": pa.array(frame["pair"]),
        "g": pa.array(frame["g"], pa.list_(pa.float64())),
    }
    return pa.table(columns | replaced)


def with_row(frame: pd.DataFrame, row: int, g: object) -> pd.DataFrame:
    values = list(frame["g"])
    values[row] = g
    return frame.assign(g=values)


def spoiled(position: int, value: float | None, n: int = 100) -> list[float | None]:
    g: list[float | None] = [1.0] * n
    g[position] = value
    return g


def _missing_file(frame: pd.DataFrame, path: Path) -> None:
    pass


def _folder(frame: pd.DataFrame, path: Path) -> None:
    path.mkdir()


def _pipe(frame: pd.DataFrame, path: Path) -> None:
    os.mkfifo(path)


def _not_parquet(frame: pd.DataFrame, path: Path) -> None:
    path.write_text("state_id,pair,g\n")


def _empty_file(frame: pd.DataFrame, path: Path) -> None:
    path.write_bytes(b"")


def _truncated(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame), path)
    path.write_bytes(path.read_bytes()[:-200])


def _damaged_page(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame), path, compression="zstd")
    data = bytearray(path.read_bytes())
    data[40:400] = bytes(b ^ 0xFF for b in data[40:400])
    path.write_bytes(data)


def _oversized(frame: pd.DataFrame, path: Path) -> None:
    with open(path, "wb") as stream:
        stream.truncate(MAX_FILE_BYTES + 1)


def _too_many_rows(frame: pd.DataFrame, path: Path) -> None:
    n = MAX_ROWS + 1
    pq.write_table(pa.table({"state_id": ["x"] * n, "pair": ["AA"] * n, "g": [[1.0]] * n}), path)


def _bomb(frame: pd.DataFrame, path: Path) -> None:
    # Equal values take almost no room in the file, but all of it in memory.
    n = MAX_VALUES // len(frame) + 1
    values = pa.array(np.ones(n * len(frame)))
    g = pa.ListArray.from_arrays(pa.array(np.arange(len(frame) + 1, dtype=np.int32) * n), values)
    pq.write_table(table(frame, g=g), path)
    assert path.stat().st_size < MAX_FILE_BYTES / 50


def _inflated(frame: pd.DataFrame, path: Path) -> None:
    text = pa.array(["x" * 35_000_000] * 2)
    pq.write_table(pa.table({"state_id": text}), path, compression="zstd", use_dictionary=False)
    assert path.stat().st_size < MAX_FILE_BYTES / 50


def _no_column(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame).drop_columns(["g"]), path)


def _twice_the_column(frame: pd.DataFrame, path: Path) -> None:
    t = table(frame)
    pq.write_table(t.append_column("g", t.column("g")), path)


def _missing_keys(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame.iloc[7:]), path)


def _extra_keys(frame: pd.DataFrame, path: Path) -> None:
    extra = frame.iloc[:2].assign(state_id=["T1.00-C0.100-S1.00-E1.00", "somewhere"])
    pq.write_table(table(pd.concat([frame, extra])), path)


def _duplicate_keys(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(pd.concat([frame, frame.iloc[3:8]])), path)


def _unknown_pair(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame.replace({"pair": {"AB": "BA"}})), path)


def _nan(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(with_row(frame, 4, spoiled(9, float("nan")))), path)


def _inf(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(with_row(frame, 4, spoiled(9, float("-inf")))), path)


def _null_value(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(with_row(frame, 4, spoiled(9, None))), path)


def _null_row(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(with_row(frame, 4, None)), path)


def _null_key(frame: pd.DataFrame, path: Path) -> None:
    pairs = [None, *frame["pair"][1:]]
    pq.write_table(table(frame, pair=pa.array(pairs)), path)


def _wrong_length(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(with_row(frame, 4, [1.0] * 99)), path)


def _wrong_fixed_length(frame: pd.DataFrame, path: Path) -> None:
    g = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(len(frame) * 500)), 500)
    pq.write_table(table(frame, g=g), path)


def _scalars(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame, g=pa.array(np.ones(len(frame)))), path)


def _strings(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame, g=pa.array([["1.0"] * 100] * len(frame))), path)


def _nested(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame, g=pa.array([[[1.0] * 100]] * len(frame))), path)


def _extension(frame: pd.DataFrame, path: Path) -> None:
    storage = pa.FixedSizeListArray.from_arrays(pa.array(np.ones(len(frame) * 100)), 100)
    tensor = pa.ExtensionArray.from_storage(pa.fixed_shape_tensor(pa.float64(), [100]), storage)
    pq.write_table(table(frame, g=tensor), path)


def _coded_pairs(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(frame, pair=pa.array([0, 1, 2] * 200)), path)


def _huge(frame: pd.DataFrame, path: Path) -> None:
    pq.write_table(table(with_row(frame, 4, spoiled(0, 1e200))), path)


def _negative_std(frame: pd.DataFrame, path: Path) -> None:
    std = pa.array([[-0.1] * 100] * len(frame))
    pq.write_table(table(frame).append_column("g_std", std), path)


BAD: list[tuple[Callable[[pd.DataFrame, Path], None], str]] = [
    (_missing_file, "no such file"),
    (_folder, "not a regular file"),
    (_pipe, "not a regular file"),
    (_not_parquet, "not a readable parquet file"),
    (_empty_file, "not a readable parquet file"),
    (_truncated, "not a readable parquet file"),
    (_damaged_page, "not a readable parquet file"),
    (_oversized, "the limit is 50 MiB"),
    (_too_many_rows, f"{MAX_ROWS + 1} rows, the limit is {MAX_ROWS}"),
    (_bomb, f"values, the limit is {MAX_VALUES}"),
    (_inflated, "MiB when decompressed, the limit is 64 MiB"),
    (_no_column, "column g is missing"),
    (_twice_the_column, "column g appears 2 times"),
    (_missing_keys, "7 of 600 keys are missing: T0.60-C0.010-S0.50-E0.20 AA"),
    (_extra_keys, "2 keys are not in the test set: T1.00-C0.100-S1.00-E1.00 AA, somewhere AB"),
    (_duplicate_keys, "5 keys appear more than once"),
    (_unknown_pair, "column pair: unknown 'BA' (use AA, AB, BB)"),
    (_nan, "column g: 1 values are NaN, inf or null, in 1 curves (T0.60-C0.010-S0.50-E0.40 AB)"),
    (_inf, "column g: 1 values are NaN, inf or null"),
    (_null_value, "column g: 1 values are NaN, inf or null"),
    (_null_row, "column g: 1 rows are null"),
    (_null_key, "1 rows have no state_id or no pair"),
    (_wrong_length, "column g: 1 curves do not have 100 values but 99 (T0.60-C0.010-S0.50-E0.40 AB)"),
    (_wrong_fixed_length, "column g: 600 curves do not have 100 values but 500"),
    (_scalars, "column g has type double, expected list<float>"),
    (_strings, "column g has type list<element: string>, expected list<float>"),
    (_nested, "column g has type list<element: list<element: double>>, expected list<float>"),
    (_extension, "column g has type extension<arrow.fixed_shape_tensor"),
    (_coded_pairs, "column pair has type int64, expected strings"),
    (_huge, "column g: 1 values are larger than 1e+06"),
    (_negative_std, "column g_std: 600 curves have negative values"),
]


@pytest.mark.usefixtures("read_once")
@pytest.mark.parametrize(("make", "problem"), BAD, ids=lambda v: getattr(v, "__name__", "").strip("_"))
def test_bad_file_is_refused_with_file_problem_and_fix(
    make: Callable[[pd.DataFrame, Path], None], problem: str, good: pd.DataFrame, toy: Path, tmp_path: Path
) -> None:
    path = tmp_path / "mine.parquet"
    make(good, path)
    report = validate(path, track=TRACK, dataset=toy)
    assert not report.ok
    assert any(problem in line for line in report.problems), report.problems
    for call in (read_predictions, evaluate):
        with pytest.raises(InputError) as caught:
            call(path, track=TRACK, dataset=toy)
        text = str(caught.value)
        assert str(path) in text and problem in text and "fix: `binlj template" in text
        assert caught.value.exit_code != 0 and not isinstance(caught.value, DataError)


def test_each_bad_file_has_one_message_about_its_one_problem(
    good: pd.DataFrame, toy: Path, tmp_path: Path
) -> None:
    makers = (_missing_file, _not_parquet, _missing_keys, _duplicate_keys, _nan, _wrong_length, _null_row)
    for i, make in enumerate(makers):
        path = tmp_path / f"{i}.parquet"
        make(good, path)
        assert len(validate(path, track=TRACK, dataset=toy).problems) == 1, make


def test_all_problems_are_listed_at_once(good: pd.DataFrame, toy: Path, tmp_path: Path) -> None:
    frame = with_row(with_row(good, 20, [1.0] * 3), 30, spoiled(0, float("inf")))
    frame = pd.concat([frame.iloc[2:], frame.iloc[50:52], frame.iloc[:1].assign(state_id="nowhere")])
    path = tmp_path / "mine.parquet"
    pq.write_table(table(frame).append_column("g_std", pa.array(["x"] * len(frame))), path)
    problems = "\n".join(validate(path, track=TRACK, dataset=toy).problems)
    for part in (
        "column g_std has type string",
        "2 of 600 keys are missing",
        "1 keys are not in the test set",
        "2 keys appear more than once",
        "1 curves do not have 100 values but 3",
        "1 values are NaN, inf or null",
    ):
        assert part in problems


def test_unknown_track(good: pd.DataFrame, toy: Path) -> None:
    report = validate(good, track="sideways", dataset=toy)
    assert report.problems and "sideways" in report.problems[0] and "extrapolation" in report.problems[0]
    with pytest.raises(InputError, match="sideways"):
        evaluate(good, track="sideways", dataset=toy)


def test_the_other_tracks_file_is_refused(good: pd.DataFrame, toy: Path) -> None:
    report = validate(good, track="interpolation", dataset=toy)
    assert any("keys are missing" in p for p in report.problems)
    assert any("not in the test set" in p for p in report.problems)


def test_a_missing_dataset_is_not_the_submissions_fault(good: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no dataset here"):
        validate(good, track=TRACK, dataset=tmp_path)


@pytest.fixture
def copy(toy: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(toy, tmp_path / "copy"))


@pytest.mark.parametrize("name", ["extrapolation/test", "extrapolation/train", "states/all"])
def test_an_edited_dataset_of_the_same_version_is_refused(
    name: str, good: pd.DataFrame, copy: Path
) -> None:
    file = copy / f"{name}.parquet"
    t = pq.read_table(file)
    edited = [v + 0.1 for v in t.column("T").to_pylist()]
    pq.write_table(t.set_column(t.column_names.index("T"), "T", pa.array(edited, t.schema.field("T").type)), file)
    with pytest.raises(DataError) as caught:
        evaluate(good, track=TRACK, dataset=copy)
    assert f"{name}.parquet was changed after it was published" in str(caught.value)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"data_sha256": "0" * 64}, "data_sha256 does not belong to the files it lists"),
        ({"files": {}}, "extrapolation/test.parquet is not in the manifest"),
        ({"files": ["extrapolation/test.parquet"]}, "lists no files with their SHA-256"),
        ({"files": {"extrapolation/test.parquet": 5}}, "lists no files with their SHA-256"),
        ([], "lists no files with their SHA-256"),
    ],
)
def test_a_manifest_that_does_not_fit(change: dict | list, problem: str, good: pd.DataFrame, copy: Path) -> None:
    path = copy / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change} if isinstance(change, dict) else change))
    with pytest.raises(DataError, match=problem):
        evaluate(good, track=TRACK, dataset=copy)


def test_tables_that_are_not_scored_are_not_hashed(good: pd.DataFrame, copy: Path) -> None:
    (copy / "interpolation" / "test.parquet").write_bytes(b"")
    (copy / "fine" / "all.parquet").unlink()
    assert evaluate(good, track=TRACK, dataset=copy, n_boot=2).n_states == 200


def test_a_damaged_dataset_is_refused(good: pd.DataFrame, copy: Path) -> None:
    file = copy / "extrapolation" / "test.parquet"
    t = pq.read_table(file)
    err = np.array(t.column("g_stderr").to_pylist())
    err[5, 5] = np.nan
    curve = pa.FixedSizeListArray.from_arrays(pa.array(err.ravel()), 100)
    pq.write_table(t.set_column(t.column_names.index("g_stderr"), "g_stderr", curve), file)
    states = copy / "states" / "all.parquet"
    pq.write_table(pq.read_table(states).slice(3), states)
    write_manifest(copy)
    with pytest.raises(DataError) as caught:
        evaluate(good, track=TRACK, dataset=copy)
    assert "1 test curves hold NaN, inf or negative g_stderr" in str(caught.value)
    assert "3 test states are not in the states table" in str(caught.value)


def test_negative_g_is_a_warning_and_scored_as_given(good: pd.DataFrame, toy: Path) -> None:
    frame = with_row(good, 304, spoiled(9, -0.5))
    report = validate(frame, track=TRACK, dataset=toy)
    assert report.ok and any("1 curves have negative values" in w for w in report.warnings)
    scores = evaluate(frame, track=TRACK, dataset=toy, n_boot=2, naive=False)
    assert scores.warnings == list(report.warnings)
    as_zero = evaluate(with_row(good, 304, spoiled(9, 0.0)), track=TRACK, dataset=toy, n_boot=2, naive=False)
    assert scores.r2["AB"] != as_zero.r2["AB"]


def test_other_columns_are_ignored_with_a_warning(good: pd.DataFrame, toy: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    pq.write_table(table(good).append_column("comment", pa.array(["[bold]x"] * len(good))), path)
    report = validate(path, track=TRACK, dataset=toy)
    assert report.ok and report.warnings == ("ignored column: comment",)
    assert list(read_predictions(path, track=TRACK, dataset=toy)) == ["state_id", "pair", "g"]


@pytest.mark.parametrize(
    "kind", [pa.list_(pa.float32()), pa.large_list(pa.float64()), pa.list_(pa.float64(), 100)], ids=str
)
def test_any_list_of_floats_will_do(kind: pa.DataType, good: pd.DataFrame, toy: Path, tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    keys = {
        "state_id": pa.array(good["state_id"]).dictionary_encode(),
        "pair": pa.array(good["pair"], pa.large_string()),
    }
    pq.write_table(pa.table(keys | {"g": pa.array([g + 0.5 for g in good["g"]], kind)}), path)
    back = read_predictions(path, track=TRACK, dataset=toy)
    assert np.stack(back["g"]).dtype == np.float64 and (np.stack(back["g"]) == 1.5).all()


def test_names_from_strangers_are_cut_and_printable(good: pd.DataFrame, toy: Path) -> None:
    frame = good.assign(state_id=["\x1b[31m" + "x" * 10_000, *good["state_id"][1:]])
    text = "\n".join(validate(frame, track=TRACK, dataset=toy).problems)
    assert "1 keys are not in the test set" in text
    assert "\x1b" not in text and len(text) < 1000


def test_frames_go_through_the_same_checks(good: pd.DataFrame, toy: Path) -> None:
    assert validate(good.sample(frac=1, random_state=0), track=TRACK, dataset=toy).ok
    bad = {
        "column g cannot be read": good.assign(g=[*good["g"][:-1], "text"]),
        "column g appears more than once": pd.concat([good, good["g"]], axis=1),
        "column g is missing": good[["pair"]],
    }
    for problem, frame in bad.items():
        assert any(problem in p for p in validate(frame, track=TRACK, dataset=toy).problems)


def test_what_is_written_is_read_back_exactly(good: pd.DataFrame, toy: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    frame = good.assign(g=list(rng.random((600, 100))), g_std=list(rng.random((600, 100))))
    path = tmp_path / "deep" / "mine.parquet"
    write_predictions(path, frame.sample(frac=1, random_state=1))
    back = read_predictions(path, track=TRACK, dataset=toy)
    assert list(zip(back["state_id"], back["pair"], strict=True)) == list(
        zip(frame["state_id"], frame["pair"], strict=True)
    )
    for name in ("g", "g_std"):
        np.testing.assert_array_equal(np.stack(back[name]), np.stack(frame[name]))


def test_writing_refuses_what_could_not_be_read(good: pd.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / "mine.parquet"
    bad = good.assign(pair=[1, *good["pair"][1:]], g=[[1.0] * 99, *good["g"][1:]])
    with pytest.raises(InputError) as caught:
        write_predictions(path, bad)
    assert "column pair: 1 values are not text" in str(caught.value)
    assert "column g must hold 100 floats a row" in str(caught.value)
    with pytest.raises(InputError, match="column g is missing"):
        write_predictions(path, good[["state_id", "pair"]])
    assert not path.exists()


def test_the_template_holds_the_inputs_and_pairs_may_be_class_labels(toy: Path, tmp_path: Path) -> None:
    frame = template(TRACK, dataset=toy)
    row = frame[(frame["state_id"] == "T0.60-C0.010-S1.50-E0.20") & (frame["pair"] == "BB")].iloc[0]
    assert row[["T", "C_B", "S", "eps_AB"]].tolist() == [0.6, 0.01, 1.5, 0.2]
    report = validate(frame, track=TRACK, dataset=toy)
    assert report.ok and not report.warnings
    labels = frame.assign(pair=frame["pair"].map({"AA": 0, "AB": 1, "BB": 2}))
    assert validate(labels, track=TRACK, dataset=toy).ok
    write_predictions(tmp_path / "a.parquet", frame)
    write_predictions(tmp_path / "b.parquet", labels)
    assert pq.read_table(tmp_path / "a.parquet").equals(pq.read_table(tmp_path / "b.parquet"))
    problems = validate(labels.assign(pair=labels["pair"] + 1), track=TRACK, dataset=toy).problems
    assert "column pair: unknown '3' (use AA, AB, BB)" in problems
