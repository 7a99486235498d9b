"""The report on identity exchange: which states it takes, what it says of them, its picture."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from synthetic import chain, true_g

from binlj.builders.records.record import EXCHANGES, SegmentRecord, write_records
from binlj.builders.validation.exchange_report import both, report
from binlj.cli import cli
from binlj.grid import State
from binlj.schema import N_FINE, bin_centres

SAME, MOVED = State(1.0, 0.2, 1.0, 0.4), State(1.0, 0.3, 1.0, 0.4)


def runs(state: State, *, g: np.ndarray | None = None, exchanges: int = 0, n: int = 6) -> list[SegmentRecord]:
    args = f"-sf opt{EXCHANGES}{exchanges}" if exchanges else "-sf opt"
    return [
        replace(record, engine_args=args)
        for seed, start in enumerate(("mixed", "separated"))
        for record in chain(
            state, start=start, replica=200 if exchanges else 0, segments=n, steps=5000, frames=10, n_blocks=5,
            seed=seed + exchanges, g=g,
        )
    ]  # fmt: skip


def store() -> list[SegmentRecord]:
    other = true_g(MOVED) * (1 + 0.2 * np.exp(-((bin_centres(N_FINE) - 1.5) ** 2)))
    return [
        *runs(SAME), *runs(SAME, exchanges=100),
        *runs(MOVED), *runs(MOVED, exchanges=100, g=other),
        *runs(State(1.2, 0.3, 1.0, 0.4)),  # not exchanged
    ]  # fmt: skip


def test_equal_and_moved_results_are_told_apart() -> None:
    found = both(store())
    assert [b.plain.state for b in found] == [SAME, MOVED]
    assert [b.gap.differ for b in found] == [False, True]
    assert found[1].gap.largest[0] > 0.02
    assert all(b.plain.exchanges == 0 and b.exchanged.exchanges == 100 for b in found)
    text, data = report(found)
    assert "2 states were simulated with exchanges" in text and SAME.state_id in text
    assert [row["differ"] for row in data["states"]] == [False, True]


def test_the_command_writes_the_report_and_its_picture(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "loose"
    folder.mkdir(parents=True)
    write_records(folder / "a.parquet", store())
    out = tmp_path / "out"
    done = CliRunner().invoke(cli, ["validate", "exchange", "--store", str(folder.parent), "--out", str(out)])
    assert done.exit_code == 0, done.output
    assert "records of the store (60 segments" in (out / "exchange.md").read_text() and (out / "exchange.png").is_file()
    write_records(folder / "a.parquet", runs(SAME))
    done = CliRunner().invoke(cli, ["validate", "exchange", "--store", str(folder.parent), "--out", str(out)])
    assert done.exit_code != 0 and "binlj campaign exchange" in str(done.exception)
