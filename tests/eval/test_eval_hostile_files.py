"""Files made to crash the reader or fill the memory end in one line, and the reader stays small."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import hostile_files as hostile
import pyarrow.parquet as pq
import pytest

from binlj.errors import InputError
from binlj.eval import evaluate, sandbox, template, validate, write_predictions
from binlj.eval.explain.attributions import read_attributions, write_attributions
from binlj.grid import PAIRS
from binlj.schema import FEATURES

TRACK = "extrapolation"
GIGABYTE_IN_KB = 1_000_000
MEASURE = """
import json, resource, sys
from pathlib import Path
from binlj.eval.sandbox import open_table
table, problems, _ = open_table(Path(sys.argv[1]), sys.argv[2])
peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(json.dumps([table is None, problems, peak]))
"""


def opened(path: Path, kind: str = "predictions") -> list[str]:
    """The problems of a file, after checking that there is one and that reading it took below 1 GB."""
    # A process begins with the peak of the one that forked it; the shell in between is small.
    shell = ["sh", "-c", '"$@"; exit $?', "sh"] if sys.platform == "linux" else []
    command = [*shell, sys.executable, "-c", MEASURE, str(path), kind]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    nothing, problems, peak = json.loads(out.stdout)
    assert nothing and len(problems) == 1
    if sys.platform == "linux":
        assert peak < GIGABYTE_IN_KB
    return problems


@pytest.mark.parametrize(("size", "rows"), [(2**20, 4_000), (50_000_000, 10_000)])
def test_a_long_text_in_every_row_is_refused_in_little_memory(size: int, rows: int, tmp_path: Path) -> None:
    path = hostile.long_text(tmp_path / "mine.parquet", size=size, rows=rows)
    assert path.stat().st_size < 60_000
    assert opened(path) == [f"column state_id holds a text of {size} bytes, the limit is 200"]


def test_a_long_text_in_attributions(tmp_path: Path) -> None:
    path = hostile.long_text(tmp_path / "a.parquet", size=9_000_000, rows=100, columns=("feature", "pair"))
    assert opened(path, "attributions") == ["column feature holds a text of 9000000 bytes, the limit is 200"]


def test_texts_written_out_in_every_row(tmp_path: Path) -> None:
    path = hostile.plain_texts(tmp_path / "mine.parquet", size=2**24, rows=60)
    assert path.stat().st_size < 1_000_000
    assert "the limit is" in opened(path)[0]


def test_a_footer_that_lies_about_the_number_of_values(tmp_path: Path) -> None:
    path = hostile.forged_count(tmp_path / "mine.parquet", values=5 * 10**6, rows=2)
    assert path.stat().st_size < 100_000
    assert opened(path)[0].startswith("not a readable parquet file")


def test_a_footer_that_lies_about_the_size(tmp_path: Path) -> None:
    # Made in another process: on Linux a child's peak begins at that of its parent.
    path = tmp_path / "mine.parquet"
    code = "import sys, pathlib, hostile_files as h; h.forged_size(pathlib.Path(sys.argv[1]), size=2**28)"
    subprocess.run([sys.executable, "-c", code, str(path)], cwd=Path(__file__).parent, check=True)
    assert path.stat().st_size < 100_000
    assert opened(path) == [sandbox.TOO_LARGE]


@pytest.fixture
def crash(toy: Path, tmp_path: Path) -> Path:
    write_predictions(tmp_path / "good.parquet", template(TRACK, dataset=toy))
    return hostile.crashing(tmp_path / "good.parquet", tmp_path / "mine.parquet")


def test_a_flipped_bit_that_aborts_the_reader_is_one_error(crash: Path, toy: Path) -> None:
    assert len(validate(crash, track=TRACK, dataset=toy).problems) == 1
    with pytest.raises(InputError, match="not a readable parquet file") as caught:
        evaluate(crash, track=TRACK, dataset=toy)
    assert str(crash) in str(caught.value) and len(caught.value.problems) == 1


def test_the_flipped_bit_does_abort_an_unprotected_reader(crash: Path) -> None:
    code = "import sys, pyarrow.parquet as pq; pq.ParquetFile(sys.argv[1]).metadata.row_group(0).column(0)"
    done = subprocess.run([sys.executable, "-c", code, str(crash)], capture_output=True)
    assert done.returncode != 0


@pytest.mark.parametrize("column", ["state_id", "pair"])
def test_bytes_that_are_not_text(column: str, toy: Path, tmp_path: Path) -> None:
    write_predictions(tmp_path / "good.parquet", template(TRACK, dataset=toy))
    path = hostile.foreign_bytes(tmp_path / "mine.parquet", column, pq.read_table(tmp_path / "good.parquet"))
    (problem,) = validate(path, track=TRACK, dataset=toy).problems
    assert problem.startswith(f"column {column} is damaged or not UTF-8 text")


def attributions(path: Path, value: float = 1.0) -> Path:
    write_attributions(path, {p: dict.fromkeys(FEATURES, value) for p in PAIRS})
    return path


def test_attributions_with_foreign_bytes_or_absurd_values(tmp_path: Path) -> None:
    good = attributions(tmp_path / "good.parquet")
    path = hostile.foreign_bytes(tmp_path / "a.parquet", "feature", pq.read_table(good))
    with pytest.raises(InputError, match="column feature is damaged or not UTF-8 text"):
        read_attributions(path)
    with pytest.raises(InputError, match=r"12 values are larger than 1e\+12"):
        read_attributions(attributions(path, 1e308))
    with pytest.raises(InputError, match="12 values are NaN, inf or null"):
        read_attributions(attributions(path, float("inf")))


def test_attributions_that_crash_the_reader(tmp_path: Path) -> None:
    path = hostile.crashing(attributions(tmp_path / "good.parquet"), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="not a readable parquet file"):
        read_attributions(path)


def test_a_reader_that_takes_too_long_is_stopped(toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_predictions(tmp_path / "mine.parquet", template(TRACK, dataset=toy))
    monkeypatch.setattr(sandbox, "MAX_SECONDS", 0.001)
    assert sandbox.open_table(tmp_path / "mine.parquet")[1] == ["takes more than 0.001 s to read"]


def test_nothing_is_imported_from_the_working_folder(
    toy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_predictions(tmp_path / "mine.parquet", template(TRACK, dataset=toy))
    for name in ("numpy", "pyarrow", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    table, problems, _ = sandbox.open_table(Path("mine.parquet"))
    assert table is not None and not problems
