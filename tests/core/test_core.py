"""The core: grid, ids, tracks, points, errors, the command line's speed-relevant imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import binlj
from binlj import schema
from binlj.columns import COLUMNS
from binlj.data import curves, dataset_info, read_table, to_points
from binlj.errors import DataError, InputError
from binlj.files import replacing
from binlj.grid import State, grid, parse_state_id
from binlj.markdown import markdown_table
from binlj.schema import bin_centres, merge_bins, shell_volumes
from binlj.tracks import split


def test_grid_has_500_states_whose_ids_sort_like_their_values() -> None:
    ids = [s.state_id for s in grid()]
    assert len(ids) == len(set(ids)) == 500
    assert ids == sorted(ids)
    assert [parse_state_id(i) for i in ids] == list(grid())
    assert binlj.states() == grid()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ((-1.0, 0.1, 1.0, 1.0), ["T = -1.0"]),
        ((1.0, 0.0, 1.0, 1.0), ["C_B = 0.0"]),
        ((1.0, 1.5, 1.0, 1.0), ["C_B = 1.5"]),
        ((0.0, 2.0, -1.0, float("nan")), ["T = 0.0", "C_B = 2.0", "S = -1.0", "eps_AB = nan"]),
        ((0.123, 0.1, 1.0, 1.0), ["more than 2 decimals"]),
    ],
)
def test_impossible_states_are_refused_with_every_problem(values: tuple, words: list[str]) -> None:
    with pytest.raises(InputError) as error:
        State(*values)
    for word in words:
        assert word in str(error.value)
    assert len(error.value.problems) == len(words)


@pytest.mark.parametrize("text", ["", "T0.6-C0.01-S1-E0.2", "T0.60-C0.010-S1.50-E0.20x", "../../etc/passwd"])
def test_what_is_not_a_state_id_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="state id"):
        parse_state_id(text)


def test_volume_fraction_and_counts() -> None:
    state = State(1.0, 0.1, 2.0, 0.4)
    assert state.volume_fraction_B == pytest.approx(0.1 * 8 / (0.9 + 0.8))
    assert state.counts() == (9000, 1000)
    assert state.sigma("AB") == 1.5
    assert State(0.6, 0.01, 0.5, 0.2).counts() == (9900, 100)


def test_extrapolation_holds_out_the_two_outer_temperatures() -> None:
    train, test = split("extrapolation")
    assert (3 * len(train), 3 * len(test)) == (900, 600)
    assert {s.T for s in test} == {0.6, 1.4}
    assert {s.T for s in train} == {0.8, 1.0, 1.2}


def test_interpolation_splits_whole_states_evenly() -> None:
    train, test = split("interpolation")
    assert len(train) + len(test) == 500
    assert not set(train) & set(test)
    for t in (0.6, 0.8, 1.0, 1.2, 1.4):
        for s in (0.5, 1.0, 1.5, 2.0):
            assert sum(t == x.T and s == x.S for x in test) == 5


def test_unknown_track_config_and_split_are_named(toy: Path) -> None:
    with pytest.raises(InputError, match="interpolation"):
        split("nonsense")
    with pytest.raises(InputError, match="no such config"):
        read_table("nonsense", path=toy)
    with pytest.raises(InputError, match="use one of: train, test"):
        read_table("extrapolation", "validation", path=toy)
    with pytest.raises(DataError, match="no dataset here"):
        read_table("extrapolation", "train", path=toy / "nowhere")
    with pytest.raises(DataError, match="manifest"):
        dataset_info(path=toy / "nowhere")


def test_merging_bins_keeps_the_number_of_neighbours() -> None:
    g = np.random.default_rng(0).random((3, 500))
    coarse = merge_bins(g)
    np.testing.assert_allclose((coarse * shell_volumes(100)).sum(1), (g * shell_volumes(500)).sum(1), rtol=1e-13)
    np.testing.assert_allclose(merge_bins(np.ones(500)), 1.0, rtol=1e-14)
    with pytest.raises(ValueError, match="500"):
        merge_bins(np.ones(100))


def test_bin_centres_are_the_documented_ones() -> None:
    np.testing.assert_allclose(bin_centres()[[0, 1, -1]], [0.05, 0.15, 9.95])
    np.testing.assert_allclose(bin_centres(500)[[0, 1, -1]], [0.01, 0.03, 9.99])


def test_points_carry_the_papers_labels(toy: Path) -> None:
    frame = read_table("extrapolation", "test", path=toy)
    x, y = to_points(frame)
    assert x.shape == (60_000, 7)
    assert y.shape == (60_000,)
    for i, (pair, label) in enumerate((("AA", (1, 0)), ("AB", (1, 1)), ("BB", (0, 1)))):
        assert frame.pair.iloc[i] == pair
        np.testing.assert_array_equal(x[100 * i, 4:6], label)
    np.testing.assert_array_equal(x[:100, 6], bin_centres())
    np.testing.assert_array_equal(y[200:300], curves(frame)[2])
    np.testing.assert_array_equal(x[300, :4], frame[["T", "C_B", "S", "eps_AB"]].to_numpy()[3])


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(RuntimeError), replacing(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(InputError, match="not a regular file"), replacing(tmp_path):
        pass


def test_help_and_import_load_nothing_heavy() -> None:
    code = (
        "import sys, binlj, binlj.cli\n"
        "from click.testing import CliRunner\n"
        "assert CliRunner().invoke(binlj.cli.cli, ['--help']).exit_code == 0\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'datasets', 'tensorflow', 'matplotlib', 'sklearn', 'scipy', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_our_errors_reach_the_shell_without_a_traceback() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "binlj.cli", "simulate", "T-1", "--out", "x"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error: state id 'T-1'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "command",
    [
        "states",
        "info",
        "simulate",
        "resimulate",
        "campaign",
        "assemble",
        "publish",
        "verify",
        "template",
        "evaluate",
        "compare",
        "explain",
        "train",
        "predict",
        "reproduce",
        "submit",
        "leaderboard",
    ],
)
def test_every_command_is_there_and_helps(command: str) -> None:
    from click.testing import CliRunner

    from binlj.cli import COMMANDS, cli

    assert command in COMMANDS
    result = CliRunner().invoke(cli, [command, "--help"])
    assert result.exit_code == 0, result.output
    assert "Usage:" in result.output


def test_a_cell_of_a_markdown_table_stays_one_cell() -> None:
    lines = markdown_table(["a", "b"], [["x|y", "1\n2"]]).splitlines()
    assert lines == ["| a | b |", "| --- | ---: |", "| x\\|y | 1 2 |"]
    with pytest.raises(ValueError, match="differ in length"):
        markdown_table(["a", "b"], [["x"]])


def test_every_published_column_is_described_and_no_other() -> None:
    schemas = (schema.rdf_schema(schema.N_BINS), schema.states_schema(), schema.snapshots_schema())
    assert set(COLUMNS) == {name for table in schemas for name in table.names}
