"""A Slurm cluster: one block is one node; copy this file and set what your cluster needs.

    binlj campaign run --site my_cluster.py --workers 256 --budget 24h

The environment's ``bin`` must be on PATH in the job (Parsl starts ``interchange.py`` and
``process_worker_pool.py`` from it), and the store on a file system that all nodes share.
For GPUs: set ``--lmp-args "-k on g 1 -sf kk"``, `CORES_PER_WORKER` to the cores that go with one GPU,
and add ``#SBATCH --gpus-per-node=...`` to `SCHEDULER_OPTIONS` (one worker per GPU).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

PARTITION = ""  # empty: the cluster's default
ACCOUNT = ""
WORKERS_PER_NODE = 64
CORES_PER_WORKER = 1
WALLTIME = "24:00:00"
SCHEDULER_OPTIONS = ""  # further "#SBATCH ..." lines
WORKER_INIT = ""  # e.g. "source /path/to/venv/bin/activate"


def config(workers: int, run_dir: Path) -> Any:
    """Parsl configuration with `workers` workers on as many nodes as they need."""
    from parsl.config import Config
    from parsl.executors import HighThroughputExecutor
    from parsl.jobs.error_handlers import windowed_error_handler
    from parsl.launchers import SrunLauncher
    from parsl.providers import SlurmProvider

    per_node = min(workers, WORKERS_PER_NODE)
    provider = SlurmProvider(
        partition=PARTITION or None,
        account=ACCOUNT or None,
        scheduler_options=SCHEDULER_OPTIONS,
        worker_init=WORKER_INIT,
        walltime=WALLTIME,
        launcher=SrunLauncher(),
        nodes_per_block=1,
        init_blocks=1,
        min_blocks=0,
        max_blocks=-(-workers // per_node),
        exclusive=False,
        cores_per_node=per_node * CORES_PER_WORKER,
    )
    executor = HighThroughputExecutor(
        label="slurm",
        provider=provider,
        block_error_handler=windowed_error_handler,  # one failing node is no reason to stop, three in a row are
        max_workers_per_node=per_node,
        cores_per_worker=CORES_PER_WORKER,
        encrypted=True,  # tasks travel as pickles over a network that others share
    )
    return Config(executors=[executor], run_dir=str(run_dir), usage_tracking=0)
