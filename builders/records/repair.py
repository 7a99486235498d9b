"""Repairing a store: what is damaged is set aside, and each chain continues from its newest consistent record.

Nothing is deleted. Files go to ``damaged/`` in the store, under the path they had; the sound records of a damaged
archive go to a new one. Sound copies are written before anything is moved, so that a repair that was killed can be
run again.
"""

from __future__ import annotations

import dataclasses
import shutil
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field
from pathlib import Path

from binlj.builders.records import lineage
from binlj.builders.records import store as stores
from binlj.builders.records.configuration import Configuration
from binlj.builders.records.record import ChainKey, SegmentRecord
from binlj.builders.records.survey import Survey, by_chain, by_start, chain_name, survey
from binlj.errors import DataError

DAMAGED = "damaged"


@dataclass
class Repair:
    """What a repair does.

    Attributes
    ----------
    aside : dict
        File or working folder -> why it is set aside.
    kept : list
        Sound records of archives that are set aside; they go to a new archive.
    configurations : dict
        Chain -> configuration to store, because the working folder that holds it is set aside.
    notes : list of str
        How the chains concerned continue.
    """

    aside: dict[Path, str] = field(default_factory=dict)
    kept: list[SegmentRecord] = field(default_factory=list)
    configurations: dict[ChainKey, Configuration] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def lines(self, store: Path) -> list[str]:
        """The repair in words, one line each."""
        moved = [
            f"set aside {path.relative_to(store)} in {DAMAGED}/: {why}" for path, why in self.aside.items()
        ]
        kept = [f"copy the {len(self.kept)} sound records of these archives to a new one"] if self.kept else []
        return [*moved, *kept, *self.notes]


def plan(store: Path) -> Repair:
    """Find what has to be repaired; changes nothing.

    Raises
    ------
    DataError
        If records of one chain were made in different ways: which of them are right is not for us to say.
    """
    found = survey(store)
    if found.foreign:
        raise DataError(store, found.foreign, fix="move the records away that were made differently, then repair")
    repair = Repair()
    _plan_records(found, repair)
    _plan_configurations(found, repair)
    return repair


def carry_out(store: Path, repair: Repair) -> None:
    """Make the copies, then set aside."""
    if repair.kept:
        stores.write_pack(store, repair.kept)
    for path in repair.aside:
        if path.parent.name == "configurations":  # before the readable ones are written anew
            _set_aside(store, path)
    if repair.configurations:
        stores.store_configurations(store, stores.read_configurations(store) | repair.configurations)
    for path in repair.aside:
        if path.exists():
            _set_aside(store, path)


def _plan_records(found: Survey, repair: Repair) -> None:
    behind = {record.key for record in found.behind}
    for path, sound in found.sound.items():
        unusable = sum(record.key in behind for record in sound)
        reasons = list(found.damaged.get(path, ()))
        if unusable:
            reasons.append(f"{unusable} of its records follow one that is missing")
        if reasons:
            repair.aside[path] = "; ".join(reasons)
            repair.kept += [record for record in sound if record.key not in behind]


def _plan_configurations(found: Survey, repair: Repair) -> None:
    """Set unreadable configurations and stale working folders aside; see that every chain has where to continue."""
    chains = by_chain(found.records)
    starts = by_start(chains)
    stored: dict[ChainKey, Configuration] = {}
    for path in sorted((found.store / "configurations").glob("*.parquet")):
        try:
            stored |= stores.configurations_of(path)
        except DataError as error:
            repair.aside[path] = "; ".join(error.problems)
    running, last = _plan_folders(found.store, starts, repair)
    # Chains whose files are set aside: folders have their names, and loose records begin with them.
    concerned = {record.chain for record in found.behind}
    names = {name for path in repair.aside for name in (path.name, path.name.rpartition("_")[0])}
    concerned |= {key for key in chains if chain_name(key) in names}
    n = max((r.n_A + r.n_B for m in chains.values() for r in m[:1]), default=0)
    published = stores.published_steps(n, found.records)
    for start, replicas in starts.items():
        for related in lineage.lineages(replicas).values():
            keys = [(*start, replica) for replica in related]
            if not running.intersection(keys):
                known = stores.steps_of_lineage(published, start, related)
                _plan_chain({key: chains[key] for key in keys}, stored, last, known, repair, concerned)


def _plan_chain(
    chains: Mapping[ChainKey, list[SegmentRecord]],
    stored: Mapping[ChainKey, Configuration],
    last: Mapping[ChainKey, Configuration],
    published: Set[int],
    repair: Repair,
    concerned: Set[ChainKey],
) -> None:
    """Where a chain and its restarts continue, none of which has a restart file."""
    newest = max(chains, key=lambda key: chains[key][-1].step_end)
    end, name = chains[newest][-1].step_end, chain_name(newest)
    size = chains[newest][0].n_A + chains[newest][0].n_B
    ends = {record.step_end for members in chains.values() for record in members}
    ours, theirs = (
        [(c.step, key) for key in chains if (c := found.get(key)) is not None and len(c.types) == size]
        for found in (last, stored)
    )
    at = max((published | {step for step, _ in theirs}) & ends, default=-1)
    fits = [(step, key) for step, key in ours if step in ends and step > at]
    ahead = min([(step, key) for step, key in (*ours, *theirs) if step > end], default=None)
    if fits:
        at, key = max(fits)
        repair.configurations[key] = last[key]
        repair.notes.append(f"{name} continues from step {at}, with the configuration of its working folder")
    elif at >= 0:
        if concerned & chains.keys():
            repair.notes.append(f"{name} continues from step {at}, with the configuration stored")
    elif ahead:
        step, key = ahead
        found = last.get(key)
        configuration = found if found is not None and found.step == step else stored[key]
        repair.configurations[newest] = dataclasses.replace(configuration, step=end)
        repair.notes.append(
            f"{name} continues from step {end}, with the configuration of step {step}: the steps between do not count"
        )
    elif concerned & chains.keys():
        repair.notes.append(f"{name} has no configuration to continue from: bring one back, or run another --replica")


def _plan_folders(
    store: Path, starts: Mapping[tuple[str, str], Mapping[int, list[SegmentRecord]]], repair: Repair
) -> tuple[set[ChainKey], dict[ChainKey, Configuration]]:
    """Chains whose restart file fits their records, and the configurations in the folders of all others."""
    running: set[ChainKey] = set()
    last: dict[ChainKey, Configuration] = {}
    for key, folder in _folders(store):
        try:
            configuration = stores.last_configuration(folder)
        except DataError as error:
            repair.aside[folder / "last.npz"] = "; ".join(error.problems)
            configuration = None
        steps = [path.stem.removeprefix("step-") for path in folder.glob("step-*.restart")]
        possible = _begins(key, starts.get(key[:2], {}))
        if possible.intersection(int(step) for step in steps if step.isdigit()):
            running.add(key)
            continue
        if configuration is not None:
            last[key] = configuration
        if steps:
            repair.aside.pop(folder / "last.npz", None)  # goes with its folder
            repair.aside[folder] = f"its restart file is of step {', '.join(steps)}, the records end at {max(possible)}"
    return running, last


def _folders(store: Path) -> Iterator[tuple[ChainKey, Path]]:
    for folder in sorted((store / "work").glob("*_*-*")):
        state_id, _, rest = folder.name.rpartition("_")
        start, _, replica = rest.rpartition("-")
        if folder.is_dir() and replica.isdigit():
            yield (state_id, start, int(replica)), folder


def _begins(key: ChainKey, replicas: Mapping[int, list[SegmentRecord]]) -> set[int]:
    """Steps at which a chain's next segment may begin."""
    if key[2] in replicas:
        return {replicas[key[2]][-1].step_end}
    return {0, *(record.step_end for replica, members in replicas.items() if replica < key[2] for record in members)}


def _set_aside(store: Path, path: Path) -> None:
    target = store / DAMAGED / path.relative_to(store)
    target.parent.mkdir(parents=True, exist_ok=True)
    free, number = target, 2
    while free.exists():
        free, number = target.with_name(f"{target.name}.{number}"), number + 1
    shutil.move(path, free)
