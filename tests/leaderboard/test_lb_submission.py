"""What a submission may hold: a good one passes, and everything else is named, all at once."""

from __future__ import annotations

import datetime
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from lb_make import META, make

from binlj.errors import InputError
from binlj.leaderboard.folder import METADATA
from binlj.leaderboard.strict_yaml import MAX_BYTES, read_yaml
from binlj.leaderboard.submission import (
    RESERVED,
    check,
    check_id,
    check_metadata,
    latest_date,
    names_in,
)

GOOD = {**META, "tracks": {"extrapolation": {"train_seconds": 1, "predict_seconds": 0.1}}}


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory, toy: Path) -> Path:
    return make(tmp_path_factory.mktemp("good"), "my-model", toy, tracks=("extrapolation",))


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "my-model"))


def problems(folder: Path, toy: Path) -> str:
    with pytest.raises(InputError) as error:
        check(folder, dataset=toy)
    assert error.value.exit_code != 0
    return "\n".join(error.value.problems)


def bad_meta(**change) -> str:
    value = {**GOOD, **change}
    return "\n".join(check_metadata({k: v for k, v in value.items() if v is not None}))


def test_a_good_submission_passes(good: Path, toy: Path) -> None:
    submission = check(good, dataset=toy)
    assert submission.id == "my-model"
    assert submission.tracks == ("extrapolation",)
    assert submission.ranked
    assert submission.meta["date"] == "2026-01-05"  # text, not a date object


def test_extra_data_and_references_are_not_ranked(entries: Path, toy: Path) -> None:
    assert not check(entries / "foundation", dataset=toy).ranked
    assert not check(entries / "repeated", dataset=toy).ranked
    assert check(entries / "alpha", dataset=toy).ranked


def test_everything_wrong_is_reported_together(copy: Path, toy: Path) -> None:
    meta = yaml.safe_load((copy / METADATA).read_text())
    meta["score"] = 0.99
    meta["date"] = "2026-02-30"
    del meta["hardware"]
    (copy / METADATA).write_text(yaml.safe_dump(meta))
    (copy / "predictions-interpolation.parquet").write_bytes(b"nonsense")
    (copy / "run.py").write_text("print('never run')")
    text = problems(copy, toy)
    for expected in (
        "unknown key 'score'",
        "2026-02-30",
        "hardware is missing",
        "run.py",
        "not a readable parquet",
        "does not enter the interpolation track",
    ):
        assert expected in text, expected


@pytest.mark.parametrize("key", ["r2", "score", "rank", "metrics"])
def test_there_is_no_place_for_a_score(key: str) -> None:
    assert f"unknown key '{key}'" in bad_meta(**{key: 1})
    nested = {"extrapolation": {"train_seconds": 1, "predict_seconds": 1, key: 1}}
    assert f"tracks.extrapolation: unknown key '{key}'" in bad_meta(tracks=nested)


def test_the_example_itself_has_no_problem() -> None:
    assert bad_meta() == ""


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "x" * 61}, "name: has 61 characters, at most 60"),
        ({"name": ""}, "name: is empty; fill in: model name"),
        ({"name": " padded "}, "name:"),
        ({"name": 5}, "name: must be text"),
        ({"name": "two\nlines"}, "name: must be one line"),
        ({"name": "ends\n"}, "name: must be one line"),
        ({"name": "right\u202eleft"}, "U+202E"),
        ({"name": "zero\u200bwidth"}, "U+200B"),
        ({"name": "bell\x07"}, "U+0007"),
        ({"notes": "x" * 1001}, "notes: has 1,001 characters"),
        ({"authors": []}, "authors: needs at least 1 entries"),
        ({"authors": [{"name": "A", "email": "a@b.c"}]}, "authors.0: unknown key 'email'"),
        ({"authors": [{"name": "A"}] * 31}, "authors: has 31 entries"),
        ({"authors": [{"name": "A", "orcid": "1234"}]}, "ORCID"),
        ({"hardware": ""}, "hardware: is empty"),
        ({"parameters": -1}, "parameters: -1 must be at least 0"),
        ({"parameters": 1.5}, "parameters: must be a whole number"),
        ({"parameters": True}, "parameters: must be a whole number"),
        ({"parameters": 10**16}, "parameters"),
        ({"date": "5 January"}, "date"),
        ({"date": "2026-13-01"}, "date"),
        ({"license": "my own <b>"}, "license: 'my own <b>' is not one of CC-BY-4.0"),
        ({"license": "CC-BY-99.0"}, "license: 'CC-BY-99.0' is not one of CC-BY-4.0"),
        *(({"name": f"hid{c}den"}, f"U+{ord(c):04X}") for c in "\u3164\u2800\u115f\u1160\u034f\uffa0\ufe0f\U000e0100"),
        ({"name": "\u3164"}, "U+3164"),
        ({"name": "Z" + "\u0300\u0301\u0302\u0303\u0304" * 3}, "name: holds combining marks"),
        ({"name": "\u0301start"}, "name: holds combining marks"),
        ({"notes": "a b \u0301"}, "notes: holds combining marks"),
        ({"tracks": {"extrapolation": {"train_seconds": "1:30:20", "predict_seconds": 1}}}, "must be a number"),
        ({"kind": "winner"}, "kind: 'winner' is not one of model, reference"),
        ({"tracks": {}}, "tracks: needs at least 1"),
        ({"tracks": {"everything": {"train_seconds": 1, "predict_seconds": 1}}}, "unknown key 'everything'"),
        ({"tracks": {"extrapolation": {"train_seconds": float("nan"), "predict_seconds": 1}}}, "not a finite number"),
        ({"tracks": {"extrapolation": {"train_seconds": float("inf"), "predict_seconds": 1}}}, "train_seconds"),
        ({"tracks": {"extrapolation": {"train_seconds": -1, "predict_seconds": 1}}}, "at least 0"),
        ({"seeds": "1, 2"}, "seeds: must be a list"),
        ({"seeds": list(range(101))}, "seeds: has 101 entries"),
        ({"links": {"homepage": "https://example.org"}}, "unknown key 'homepage'"),
        ({"extra_training_data": None}, "extra_training_data is missing"),
    ],
)
def test_bad_metadata_is_named(change: dict, expected: str) -> None:
    assert expected in bad_meta(**change)


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JavaScript:alert(1)",
        "data:text/html,<script>",
        "http://example.org",
        "//example.org",
        "https://",
        "https://localhost",
        "https://user:pw@example.org/",
        'https://example.org/"onclick="x',
        "https://example.org/<b>",
        "https://example.org/a b",
        "https://exa\u043cple.org/",
        "file:///etc/passwd",
        "https://example.org/" + "a" * 200,
        " https://example.org",
        "https://example.org\n",
        "https://example.org/'x'",
    ],
)
def test_only_plain_https_links(url: str) -> None:
    assert "links.code" in bad_meta(links={"code": url})


@pytest.mark.parametrize(
    "url", ["https://example.org", "https://doi.org/10.1039/D5SM00198F", "https://a-b.example.co.uk/x?y=1&z=2#t"]
)
def test_ordinary_links_pass(url: str) -> None:
    assert bad_meta(links={"code": url}) == ""


def test_a_ranked_entry_links_its_code_and_names_its_prior_knowledge() -> None:
    assert "links.code is missing" in bad_meta(links={"paper": "https://example.org"})
    assert "links.code is missing" in bad_meta(links=None)
    assert "prior_knowledge is missing" in bad_meta(prior_knowledge=None)
    assert "prior_knowledge: has 121 characters" in bad_meta(prior_knowledge="x" * 121)
    assert "prior_knowledge: must be text" in bad_meta(prior_knowledge=["none"])
    for outside in ({"kind": "reference"}, {"extra_training_data": "other fluids"}):
        assert bad_meta(links=None, prior_knowledge=None, **outside) == ""
    assert bad_meta(prior_knowledge="equation of state (PeTS)") == ""


def test_messages_stay_short_whatever_is_submitted() -> None:
    for problem in check_metadata(
        {**GOOD, "k" * 50_000: 1, "name": "n" * 50_000, "date": "d" * 50_000, "seeds": ["s" * 50_000]}
    ):
        assert len(problem) < 400


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!!python/object/apply:os.system ['touch /tmp/never']", "tags"),
        ("name: !!python/name:os.system x", "tags"),
        ("name: !custom x", "tags"),
        ("a: &a [x]\nb: *a", "anchors and aliases"),
        ("a: 1\na: 2", "given twice"),
        ("a: 1\n---\nb: 2", "more than one YAML document"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested deeper"),
        ("a: [" + "1," * 3000 + "]", "more than 2,000 values"),
        ("a: [1", "not readable as YAML"),
        ("a:\t- b: :", "not readable as YAML"),
        ("1: a", "keys must be plain text"),
        ("? [a, b]\n: c", "keys must be plain text"),
        ('a: "\\UFFFFFFFF"', ""),  # no such character
        ("a: &x 1\nb: !t 2\nb: 3", "3 problems"),
    ],
)
def test_yaml_beyond_plain_records_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / METADATA
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as error:
        read_yaml(path)
    assert expected in str(error.value)
    assert not Path("/tmp/never").exists()


@pytest.mark.parametrize(
    "number", ["9" * 5000, "0x" + "f" * 5000, "0b" + "1" * 5000, "0o" + "7" * 5000, "1:30:20", "9" * 400 + ":59.0",
               "1_000", "010", "0x10", ".inf", "-.inf", ".nan", "1e9999"]
)  # fmt: skip
def test_only_plain_decimal_numbers_are_numbers(number: str, copy: Path, toy: Path) -> None:
    text = (copy / METADATA).read_text()
    for key, old in (("parameters", "9542"), ("train_seconds", "12.5")):
        text = text.replace(f"{key}: {old}", f"{key}: {number}")
    (copy / METADATA).write_text(text)
    found = sorted(problems(copy, toy).splitlines())
    assert len(found) == 2
    for key, problem in zip(("parameters", "train_seconds"), found, strict=True):
        assert key in problem and "must be a" in problem and "number, not" in problem and len(problem) < 200


def test_scalars_are_what_they_look_like(tmp_path: Path) -> None:
    path = tmp_path / METADATA
    path.write_text("a: [1, -2, 1.5, 1.0e-05, 2., true, No, ~, null, '3', 2026-01-05, 12:30, 1e3]\nb:\nc: |\n  5\n")
    first = [1, -2, 1.5, 1e-5, 2.0, True, "No", None, None, "3", "2026-01-05", "12:30", 1000.0]
    assert read_yaml(path) == {"a": first, "b": None, "c": "5\n"}


def test_what_this_package_writes_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / METADATA
    value = {"n": [0.1, 1e-7, 1e22, 12345678.9, 0], "t": ["1:30", "null", "007", "1.e+5", "é", "a: b", "# c", "", "y"]}
    path.write_text(yaml.safe_dump(value, allow_unicode=True))
    assert read_yaml(path) == value


@pytest.mark.parametrize(
    "name", ["Ünïcode Nét", "模型 α–β", "Mô hình tiếng Việt", "ค้ำ", "क्षिं", "U\u0308ber", "<3 & \"|\" net", "DNN++"]
)
def test_ordinary_names_pass(name: str) -> None:
    assert bad_meta(name=name) == ""


@pytest.mark.usefixtures("read_once")
def test_names_of_the_leaderboards_own_rows_are_taken(board, copy: Path, toy: Path) -> None:
    own = {row["name"] for row in board.rows if row["kind"] in ("naive", "ceiling")}
    assert len(own) == 7
    text = (copy / METADATA).read_text()
    for name in [*own, "noise  CEILING", "Ｌｉｎｅａｒ in T*", "mean-rdf"]:
        (copy / METADATA).write_text(text.replace("name: Test model my-model", f"name: '{name}'"))
        assert "is a row of the leaderboard itself" in problems(copy, toy), name


@pytest.mark.usefixtures("read_once")
def test_the_name_of_another_entry_is_taken(entries: Path, copy: Path, toy: Path) -> None:
    names = names_in(entries)
    assert check(entries / "alpha", dataset=toy, names=names).id == "alpha"  # its own name does not count
    text = (copy / METADATA).read_text()
    for name in ("Alpha net", "ALPHA  net", "Ａｌｐｈａ net"):
        (copy / METADATA).write_text(text.replace("name: Test model my-model", f"name: '{name}'"))
        with pytest.raises(InputError, match="is also that of 'alpha'"):
            check(copy, dataset=toy, names=names)


def test_a_day_to_come_is_refused_where_a_submission_is_made(copy: Path, toy: Path) -> None:
    assert check(copy, dataset=toy, latest=datetime.date(2026, 1, 5)).meta["date"] == "2026-01-05"
    with pytest.raises(InputError, match="date: 2026-01-05 is in the future"):
        check(copy, dataset=toy, latest=datetime.date(2026, 1, 4))
    today = datetime.datetime.now(datetime.UTC).date()
    assert datetime.timedelta(0) <= latest_date(dataset=toy) - today <= datetime.timedelta(1)


def test_a_clock_behind_the_release_does_not_count(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"version": "1.0.0", "data_sha256": "0", "released": "2999-12-31"}')
    assert latest_date(dataset=tmp_path) == datetime.date(2999, 12, 31)


def test_merge_keys_are_ordinary_text(tmp_path: Path) -> None:
    path = tmp_path / METADATA
    path.write_text("<<: {a: 1}\nb: 2\n")
    assert read_yaml(path) == {"<<": {"a": 1}, "b": 2}


def test_alias_bomb_is_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / METADATA
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12)]
    path.write_text("\n".join(lines))
    with pytest.raises(InputError, match="anchors and aliases"):
        read_yaml(path)


@pytest.mark.parametrize("data", [b"\xff\xfe\x00", b"name: \x00", b"x: " + b"a" * MAX_BYTES])
def test_bytes_that_are_not_small_text_are_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / METADATA
    path.write_bytes(data)
    with pytest.raises(InputError):
        read_yaml(path)


@pytest.mark.parametrize(
    "name",
    [
        "A",
        "a",
        "Upper",
        "a_b",
        "a b",
        "-a",
        "a-",
        "a--b",
        "a/b",
        "..",
        "a.b",
        "a" * 41,
        "ä-b",
        "a\n",
        "noise-ceiling",
        "linear-t",
        "con",
        "com1",
    ],
)
def test_bad_ids(name: str) -> None:
    assert check_id(name)


def test_naive_rows_are_reserved() -> None:
    from binlj.eval import NAIVE_BASELINES

    assert {name.lower().replace("_", "-") for name in NAIVE_BASELINES} <= RESERVED


def test_symbolic_links_are_not_followed(copy: Path, toy: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret.yaml"
    secret.write_text("name: secret\n")
    (copy / METADATA).unlink()
    (copy / METADATA).symlink_to(secret)
    parquet = copy / "predictions-extrapolation.parquet"
    elsewhere = tmp_path / "elsewhere.parquet"
    parquet.rename(elsewhere)
    parquet.symlink_to(elsewhere)
    text = problems(copy, toy)
    assert "links are not followed" in text
    assert "secret" not in text
    link = tmp_path / "linked"
    link.symlink_to(copy, target_is_directory=True)
    assert "symbolic link" in problems(link, toy)


def test_pipes_and_folders_in_place_of_files(copy: Path, toy: Path) -> None:
    (copy / METADATA).unlink()
    os.mkfifo(copy / METADATA)
    (copy / "predictions-interpolation.parquet").mkdir()
    text = problems(copy, toy)
    assert "submission.yaml is not a regular file" in text
    assert "predictions-interpolation.parquet is not a regular file" in text


def test_missing_things(tmp_path: Path, copy: Path, toy: Path) -> None:
    assert "not a folder" in problems(tmp_path / "absent", toy)
    empty = tmp_path / "empty-one"
    empty.mkdir()
    text = problems(empty, toy)
    assert "submission.yaml is missing" in text
    assert "no predictions" in text
    (copy / "predictions-extrapolation.parquet").unlink()
    assert "predictions-extrapolation.parquet is missing" in problems(copy, toy)


def test_absurd_predictions_are_refused(copy: Path, toy: Path) -> None:
    path = copy / "predictions-extrapolation.parquet"
    table = pq.read_table(path)
    g = table.column("g").to_pylist()
    g[7][50] = 1e200
    pq.write_table(table.set_column(table.schema.get_field_index("g"), "g", pa.array(g)), path)
    assert "predictions-extrapolation.parquet: column g: 1 values are larger than" in problems(copy, toy)


def test_strange_file_names_are_shown_escaped(copy: Path, toy: Path) -> None:
    (copy / "\x1b[31mred\u202e").write_text("")
    text = problems(copy, toy)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "1 unexpected" in text


def test_attributions_are_checked(copy: Path, toy: Path) -> None:
    path = copy / "attributions.parquet"
    rows = [(f, p, 1.0) for f in ("T", "C_B", "S", "eps_AB") for p in ("AA", "AB", "BB")]
    write_rows(path, rows)
    assert check(copy, dataset=toy).attributions == path
    write_rows(path, [*rows[:-1], ("mass", "BB", -1.0)])
    text = problems(copy, toy)
    assert "attributions.parquet: 1 keys are missing: eps_AB BB" in text
    assert "attributions.parquet: 1 keys are unknown: mass BB" in text
    assert "attributions.parquet: 1 values are negative: mass BB" in text
    path.write_bytes(b"import os")
    assert "attributions.parquet: not a readable parquet file" in problems(copy, toy)


def write_rows(path: Path, rows: list[tuple[str, str, float]]) -> None:
    feature, pair, value = (list(column) for column in zip(*rows, strict=True))
    pq.write_table(pa.table({"feature": feature, "pair": pair, "value": value}), path)
