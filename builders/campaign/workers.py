"""The workers of a campaign: Parsl, as a site file configures it, and what a worker does."""

from __future__ import annotations

import atexit
import importlib.util
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from binlj.builders.md.chain import Chain
from binlj.builders.md.engine import Engine
from binlj.builders.md.profiles import Profile
from binlj.builders.md.segment import advance
from binlj.builders.records import store as stores
from binlj.errors import InputError
from binlj.grid import parse_state_id

SITES = Path(__file__).parent / "sites"
CLEANUP_SECONDS = 20  # for cancelling jobs at the end


def load_site(site: str, *, workers: int, run_dir: Path) -> Any:
    """Parsl configuration of a site: the name of a file in ``builders/sites/``, or a path to one.

    The file defines ``config(workers, run_dir) -> parsl.Config``. It is your own code: it is executed.

    Raises
    ------
    InputError
        If there is no such file, or it defines no ``config``.
    """
    path = Path(site) if site.endswith(".py") else SITES / f"{site}.py"
    known = ", ".join(sorted(p.stem for p in SITES.glob("*.py") if p.stem != "__init__"))
    if not path.is_file():
        raise InputError(
            f"site {site!r}",
            [f"no file {path}"],
            fix=f"use one of: {known}; or the path of your own site file",
        )
    spec = importlib.util.spec_from_file_location(f"binlj_site_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if not hasattr(module, "config"):
        raise InputError(
            path, ["defines no function config(workers, run_dir)"], fix=f"see the ones in {SITES}"
        )
    return module.config(workers=workers, run_dir=run_dir)


def run_task(
    state_id: str,
    start: str,
    replica: int,
    done: tuple[int, int],
    segments: int,
    profile: Profile,
    engine: Engine,
    store: str,
) -> list[str]:
    """What a worker does: advance one chain. Plain arguments, so that it also travels to other machines."""
    chain = Chain(parse_state_id(state_id), start, replica)
    root = Path(store)
    folder = root / "work" / chain.name
    key = (state_id, start, replica)
    configuration = None
    if done[1] and not any(folder.glob("step-*.restart")):
        configuration = stores.find_configuration(root, key, step=done[1], n=profile.n)
    paths = advance(
        chain,
        profile=profile,
        engine=engine,
        folder=folder,
        records=root / "loose",
        done=done,
        segments=segments,
        configuration=configuration,
    )
    return [str(path) for path in paths]


@contextmanager
def submitting(config: Any) -> Iterator[Callable[..., Future]]:
    """Parsl with a site's configuration: yields what submits :func:`run_task`."""
    import parsl

    with _scripts_on_path():
        # Ctrl-C reaches the whole process group. Parsl's interchange has to outlive it, to cancel the jobs;
        # what is ignored when it starts stays ignored.
        with _ignoring(signal.SIGINT):
            kernel = parsl.load(config)
        try:
            yield parsl.python_app(run_task)
        finally:
            # Without its interchange (it can be killed too) Parsl's own cleanup would wait for ever.
            cleanup = threading.Thread(target=kernel.cleanup, daemon=True)
            cleanup.start()
            cleanup.join(CLEANUP_SECONDS)
            if cleanup.is_alive():
                atexit.unregister(kernel.atexit_cleanup)
            parsl.clear()


@contextmanager
def _scripts_on_path() -> Iterator[None]:
    """Parsl starts its own scripts by name; they stand beside Python, also where no environment is activated."""
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), before])
    try:
        yield
    finally:
        os.environ["PATH"] = before


@contextmanager
def _ignoring(number: signal.Signals) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(number, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(number, before)


def lost_worker() -> tuple[type[Exception], ...]:
    """What a task ends with whose worker is gone."""
    from parsl.executors.high_throughput.errors import ManagerLost, WorkerLost

    return ManagerLost, WorkerLost


def broken_pool() -> type[Exception]:
    """What tasks end with once Parsl has given up."""
    from parsl.executors.errors import BadStateException

    return BadStateException
