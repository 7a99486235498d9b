"""One chain: from a start configuration through segments of NPT dynamics to segment records.

The folder of a chain holds the newest restart file and the last configuration; its records go to a folder that the
caller names. A segment is committed in this order: the restart file is renamed into place, the record is renamed into
place, the older restart is removed. After ``kill -9`` at any moment, the records and the restart file that the newest
of them needs are therefore present, and the interrupted segment is repeated from the same restart, step by step the
same.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from binlj.builders.md import order_parameters
from binlj.builders.md.chain import Chain
from binlj.builders.md.counting import blocks_in, pair_counts
from binlj.builders.md.engine import Engine, ScriptRun, conversation, deck_sha256, run_script
from binlj.builders.md.exchange import exchange
from binlj.builders.md.profiles import Profile
from binlj.builders.records import configuration as configurations
from binlj.builders.records.configuration import Configuration, Frame
from binlj.builders.records.record import EXCHANGES, SegmentRecord, write_records
from binlj.builders.records.survey import record_name, repair_advice
from binlj.builders.starts.coexistence_table import two_phases
from binlj.builders.starts.geometry import phases_of
from binlj.errors import DataError, EngineError, InputError
from binlj.files import replacing
from binlj.grid import PRESSURE
from binlj.schema import N_FINE

RESUME = 2  # uncounted steps after new velocities, in units of the start procedure's
AB_SHELL = 1.5  # A and B are neighbours within this many sigma_AB


def restart_path(folder: Path, step: int) -> Path:
    return folder / f"step-{step}.restart"


def advance(
    chain: Chain,
    *,
    profile: Profile,
    engine: Engine,
    folder: Path,
    records: Path,
    done: tuple[int, int] = (0, 0),
    segments: int = 1,
    configuration: Configuration | None = None,
    report: Callable[[str], None] = lambda message: None,
) -> list[Path]:
    """Run `segments` more segments of a chain.

    Parameters
    ----------
    chain, profile, engine
        What, how long, and with which LAMMPS.
    folder : Path
        The chain's own working folder (made if absent).
    records : Path
        Folder for the new record files.
    done : (int, int)
        Segments the chain has, and the step at which the newest ends.
    configuration : Configuration, optional
        Where to go on from when the folder holds no restart file (another machine made the records).
    report : callable
        Called with a few words before each piece of work.

    Returns
    -------
    list of Path
        The record files written, in order.

    Raises
    ------
    EngineError
        If LAMMPS stops with an error.
    DataError
        If the folder's restart belongs to another step than the records end at, or there is neither a
        restart nor a configuration to go on from.
    """
    folder = folder.resolve()  # LAMMPS runs in a folder below it
    folder.mkdir(parents=True, exist_ok=True)
    for stale in folder.glob("tmp-*"):
        shutil.rmtree(stale, ignore_errors=True)
    profile = profile.of(chain.start)
    count, step = done
    written = []
    for index in range(count, count + segments):
        restart = _ready(chain, profile, engine, folder, records, step, configuration, report)
        report(f"segment {index + 1}")
        path = _segment(chain, profile, engine, folder, records, restart, index=index, step=step)
        step += profile.segment_from(index, step)[0]
        restart.unlink()
        written.append(path)
    return written


def _variables(chain: Chain) -> dict[str, object]:
    s = chain.state
    return {"T": s.T, "S": s.S, "eps": s.eps_AB, "pressure": PRESSURE}


def _ready(
    chain: Chain,
    profile: Profile,
    engine: Engine,
    folder: Path,
    records: Path,
    step: int,
    configuration: Configuration | None,
    report: Callable[[str], None],
) -> Path:
    """The restart file for `step`, made if the chain begins here or comes from another machine."""
    restart = restart_path(folder, step)
    for older in folder.glob("step-*.restart"):
        if older != restart and int(older.stem.removeprefix("step-")) < step and restart.is_file():
            older.unlink()  # killed between the record and this clean-up
    if restart.is_file():
        return restart
    others = sorted(p.name for p in folder.glob("step-*.restart"))
    if others and step > 0:
        raise DataError(
            folder,
            [f"the records end at step {step}, but the folder holds {', '.join(others)}"],
            fix=repair_advice(records.parent),
        )
    n_a, n_b = chain.state.counts(profile.n)
    if min(n_a, n_b) < 1:
        raise InputError(
            f"N = {profile.n}", [f"C_B = {chain.state.C_B} leaves {n_a} A and {n_b} B particles"]
        )
    with _scratch(folder) as tmp:
        if step == 0:
            report("start")
            phases = phases_of(chain.state, chain.start, profile.n)
            if phases is None and chain.shape.startswith("A-"):
                phases = two_phases((0.0, 1.0), n_a=n_a, n_b=n_b, S=chain.state.S)
            parts = (
                {"nAin": phases.a_inside, "nBout": phases.b_outside, "f": phases.share} if phases else {}
            )
            run_script(
                engine,
                "phases" if phases else "start",
                tmp,
                {
                    **_variables(chain),
                    **parts,
                    "nA": n_a,
                    "nB": n_b,
                    "seed": chain.base_seed,
                    "shape": chain.shape.replace("-", "_"),
                    "steps": profile.start_steps,
                    "restart": "new.restart",
                },
            )
        elif configuration is not None:
            if configuration.step != step:
                raise DataError(
                    folder,
                    [
                        f"the records end at step {step}, the stored configuration is of step "
                        f"{configuration.step}"
                    ],
                    fix="pack the configurations again where they were made",
                )
            report("resume")
            configurations.write_data_file(tmp / "last.data", configuration)
            run_script(
                engine,
                "resume",
                tmp,
                {
                    **_variables(chain),
                    "seed": chain.base_seed + step % 1_000_000 + 7,
                    "data": "last.data",
                    "step": step,
                    "steps": RESUME * profile.start_steps,
                    "restart": "new.restart",
                },
            )
        else:
            raise DataError(
                folder,
                [f"the records end at step {step}, but there is no restart file and no stored configuration"],
                fix="copy the chain's folder or configuration from where it ran, or start another --replica",
            )
        os.replace(tmp / "new.restart", restart)
    return restart


def _segment(
    chain: Chain,
    profile: Profile,
    engine: Engine,
    folder: Path,
    records: Path,
    restart: Path,
    *,
    index: int,
    step: int,
) -> Path:
    began = time.monotonic()
    steps, every = profile.segment_from(index, step)
    with _scratch(folder) as tmp:
        dynamics, scalars, frames = _dynamics(chain, profile, engine, tmp, restart, step, steps, every)
        n_a, n_b = chain.state.counts(profile.n)
        counting = time.monotonic()
        counts = np.stack([pair_counts(f.coordinates, f.types, length=f.box_length) for f in frames])
        counting = time.monotonic() - counting
        last = frames[-1].compact()
        shell = round(AB_SHELL * chain.state.sigma("AB") / (10.0 / N_FINE))
        record = SegmentRecord(
            state_id=chain.state.state_id,
            start=chain.start,
            replica=chain.replica,
            shape=chain.shape,
            seed=chain.base_seed,
            step_start=step,
            step_end=step + steps,
            n_A=n_a,
            n_B=n_b,
            counts=counts.reshape(blocks_in(len(counts)), -1, 3, N_FINE).sum(1),
            step=scalars[:, 0],
            temperature=scalars[:, 1],
            energy=scalars[:, 2],
            pressure=scalars[:, 3],
            density=scalars[:, 4],
            ab_coordination=counts[:, 1, :shell].sum(1) / n_a,
            composition_fluctuation=order_parameters.composition_fluctuation(last),
            solid_A=order_parameters.solid_fraction(last, 0),
            solid_B=order_parameters.solid_fraction(last, 1),
            deck_sha256=deck_sha256(),
            engine=engine.name,
            engine_args=f"{engine.args}{EXCHANGES}{profile.exchanges}" if profile.exchanges else engine.args,
            loop_seconds=dynamics.loop_seconds,
            rdf_seconds=counting,
            wall_seconds=time.monotonic() - began,
            dangerous_builds=dynamics.dangerous_builds,
        )
        with replacing(folder / "last.npz") as temporary, open(temporary, "wb") as stream:
            np.savez(
                stream, step=last.step, box_length=last.box_length, types=last.types, positions=last.positions
            )
        os.replace(tmp / "new.restart", restart_path(folder, step + steps))
        path = records / record_name(chain.key, step, step + steps)
        write_records(path, [record])
    return path


def _dynamics(
    chain: Chain, profile: Profile, engine: Engine, tmp: Path, restart: Path, step: int, steps: int, every: int
) -> tuple[ScriptRun, np.ndarray, list[Frame]]:
    """Run `steps` steps, with exchanges of identities between them if the profile has any.

    Returns LAMMPS's own report, the scalars and the configuration of every frame. ``new.restart`` is left behind.
    """
    variables = {
        **_variables(chain), "start": restart, "steps": steps, "every": every, "frames": "frames.dump",
        "scalars": "scalars.txt", "restart": "new.restart",
    }  # fmt: skip
    if profile.exchanges:
        run = _exchanging(chain, profile, engine, tmp, variables, steps, every)
    else:
        run = run_script(engine, "segment", tmp, variables)
    scalars = np.loadtxt(tmp / "scalars.txt", ndmin=2)
    scalars = scalars[scalars[:, 0] > step]
    frames = list(configurations.read_frames(tmp / "frames.dump"))
    wanted = np.arange(step - step % every + every, step + steps + 1, every)
    if not np.array_equal(scalars[:, 0], wanted):
        raise EngineError(f"{tmp / 'scalars.txt'}: frames at {scalars[:, 0].tolist()}, not every {every} steps")
    if [frame.step for frame in frames] != scalars[:, 0].tolist():
        raise EngineError(f"{tmp / 'frames.dump'}: frames at {[frame.step for frame in frames]}, scalars at others")
    return run, scalars, frames


def _exchanging(
    chain: Chain, profile: Profile, engine: Engine, tmp: Path, variables: dict[str, object], steps: int, every: int
) -> ScriptRun:
    """A segment in stretches of ``profile.stretch`` steps, with the same share of a frame's tries between any two."""
    stretch = profile.stretch or every
    tries = profile.exchanges * profile.n * stretch // every
    write = "write_dump all custom now.dump id type x y z modify sort id format float %.7f"
    with conversation(engine, "segment", tmp, {**variables, "steps": min(stretch, steps)}) as lammps:
        alive = lammps.say(write)
        for done in range(stretch, steps, stretch):
            if not alive:
                break  # the end of the conversation says why
            (now,) = configurations.read_frames(tmp / "now.dump")
            types, accepted = exchange(
                now.coordinates, now.types, length=now.box_length, state=chain.state, tries=tries,
                seed=[chain.base_seed, now.step],
            )  # fmt: skip
            if accepted:
                configurations.write_species(tmp / "species.lmp", types)
            species = ["include species.lmp"] if accepted else []
            alive = lammps.say(*species, f"run {min(stretch, steps - done)}", write)
        lammps.say(f"write_restart {variables['restart']}")
    assert lammps.run is not None
    return lammps.run


class _scratch:
    """A temporary folder inside the chain's: kept when LAMMPS failed, so that its log can be read."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Path:
        self.path = Path(tempfile.mkdtemp(prefix="tmp-", dir=self.folder))
        return self.path

    def __exit__(self, kind: type | None, error: BaseException | None, trace: object) -> None:
        if kind is None or not issubclass(kind, EngineError):
            shutil.rmtree(self.path, ignore_errors=True)
