"""Options and helpers shared by the commands of the builders."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binlj import paths
from binlj.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    from binlj.builders.campaign.fixed_plan import Job
    from binlj.builders.md.engine import Engine


def default_store(which: str = "grid") -> Path:
    """The store of the grid's, off-grid or mixed-regime campaign in a clone, else a folder in the working directory."""
    root = paths.clone_root()
    if root:
        return root / "builders" / "campaigns" / ("release" if which == "grid" else which)
    return Path("binlj-campaign" if which == "grid" else f"binlj-campaign-{which}")


def engine_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Options that say which LAMMPS to run and how."""
    for option in (
        click.option("--launcher", default="", help="Command in front of LAMMPS, e.g. 'mpirun -np 4'."),
        click.option(
            "--lmp-args",
            default="-sf opt",
            show_default=True,
            help="Extra LAMMPS arguments, e.g. '-k on g 1 -sf kk'.",
        ),
        click.option("--lmp", default="lmp", show_default=True, help="LAMMPS executable."),
    ):
        command = option(command)
    return command


def duration(text: str) -> float:
    """Seconds in ``90``, ``45m``, ``2h``, ``1h30m``.

    Raises
    ------
    InputError
        If it is none of these, or not positive.
    """
    match = re.fullmatch(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?", text.strip())
    parts = [float(g or 0) for g in match.groups()] if match else [0.0]
    seconds = sum(value * unit for value, unit in zip(parts, (3600.0, 60.0, 1.0), strict=False))
    if seconds <= 0:
        raise InputError(
            f"duration {text!r}", ["not a positive length of time"], fix="write 90s, 45m, 2h or 1h30m"
        )
    return seconds


def need_build_extra(*modules: str) -> None:
    """Raise a clear error when a module of the extra ``build`` that a command will import is not installed."""
    import importlib.util

    for module in modules:
        if importlib.util.find_spec(module) is None:
            raise MissingExtraError(module, "build")


def run_jobs(
    jobs: Sequence[Job], *, engine: Engine, workers: int, budget: float | None = None, as_given: bool = False
) -> list[str]:
    """Run a fixed plan of chains under a progress bar; return a line for each chain that is not finished."""
    from binlj.builders.campaign import fixed_plan
    from binlj.progress import progress_bars

    found = fixed_plan.load(jobs)
    # Work is counted in particles times steps: a step at N = 30,000 takes 15 times one at N = 2,000.
    done = sum(job.n * min(job.steps, fixed_plan.position(found[job.store, job.key])) for job in jobs)
    with progress_bars("10⁶ atom-steps") as bars:
        total = sum(job.n * job.steps for job in jobs)
        task = bars.add_task(f"{len(jobs)} chains", total=total / 1e6, completed=done // 1_000_000)

        def report(job: Job, steps: int, message: str) -> None:
            bars.advance(task, job.n * steps / 1e6)
            bars.console.print(f"{job.chain.name} (N = {job.n:,}): {message}", highlight=False, markup=False)

        return fixed_plan.run(jobs, engine=engine, workers=workers, budget=budget, as_given=as_given, report=report)
