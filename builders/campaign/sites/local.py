"""This machine: threads, each of which waits for one LAMMPS process."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def config(workers: int, run_dir: Path) -> Any:
    """Parsl configuration with `workers` threads."""
    from parsl.config import Config
    from parsl.executors import ThreadPoolExecutor

    return Config(
        executors=[ThreadPoolExecutor(label="local", max_threads=workers)],
        run_dir=str(run_dir),
        initialize_logging=False,
        usage_tracking=0,
    )
