"""Campaigns on Parsl's worker pool, as on a cluster: lost nodes, nodes that never start, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from binlj.builders.records import store as stores

pytestmark = [pytest.mark.lammps, pytest.mark.slow]

SITE = """
def config(workers, run_dir):
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.jobs.error_handlers import windowed_error_handler
    from parsl.providers import LocalProvider
    provider = LocalProvider(init_blocks=1, max_blocks=1, worker_init="INIT")
    executor = HighThroughputExecutor(
        label="pool", address="127.0.0.1", provider=provider, block_error_handler=windowed_error_handler,
        max_workers_per_node=workers, heartbeat_period=1, heartbeat_threshold=4, encrypted=True)
    return Config(executors=[executor], run_dir=str(run_dir), usage_tracking=0)
"""


def _command(store: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "binlj.cli", "campaign", "run", "--store", str(store), "--profile", "smoke",
            "--states", "T1.40-C0.500-S0.50-E0.[246]*", "--phase", "1", *more]  # fmt: skip



def test_a_lost_node_costs_only_what_ran_on_it(tmp_path: Path) -> None:
    """Parsl's worker pool, as on a cluster; killed as by a failing node, and started again by Parsl."""
    (tmp_path / "pool.py").write_text(SITE.replace("INIT", ""))
    store = tmp_path / "store"
    process = subprocess.Popen(
        _command(store, "--site", str(tmp_path / "pool.py")), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 90
    while len(list(store.glob("loose/*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert subprocess.run(["pkill", "-9", "-f", f"process_worker_pool.*{store}"], check=False).returncode == 0
    out, err = process.communicate(timeout=240)
    assert process.returncode == 0, err
    assert "lost its worker" in err and "nothing left to do" in out
    assert len(stores.load_records(store)) == 6


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_a_campaign_on_a_worker_pool(tmp_path: Path, number: signal.Signals) -> None:
    """A terminal (or a batch system) signals the whole process group: Parsl's own processes too."""
    (tmp_path / "pool.py").write_text(SITE.replace("INIT", ""))
    store = tmp_path / "store"
    process = subprocess.Popen(
        _command(store, "--site", str(tmp_path / "pool.py")),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 90
    while not list(store.glob("loose/*.parquet")) and time.monotonic() < deadline:
        time.sleep(0.1)
    os.killpg(process.pid, number)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "interrupted" in err and "Traceback" not in err
    assert stores.load_records(store)


def test_workers_that_never_start_are_reported(tmp_path: Path) -> None:
    (tmp_path / "pool.py").write_text(SITE.replace("INIT", "echo no such module; exit 3"))
    command = _command(tmp_path / "store", "--site", str(tmp_path / "pool.py"))
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 4
    assert "cannot be started" in done.stderr and "EXIT CODE: 3" in done.stderr
    assert "Traceback" not in done.stderr
