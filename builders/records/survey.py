"""What the record files of a store hold: whole chains, and what is damaged, missing or contradictory.

A damaged file concerns chains that nobody can name, so that it stops all of them. A record that is missing in the
middle concerns its own chain: the records before it are used, those behind it wait for it.
"""

from __future__ import annotations

import shlex
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from binlj.builders.records.record import ChainKey, SegmentRecord, examine
from binlj.errors import DataError

Start = tuple[str, str]  # state id, start
ENOUGH = 8_000  # steps from which on chains of a better kind replace others


@dataclass
class Survey:
    """The records of a store, sorted into what can be used and what cannot.

    Attributes
    ----------
    store : Path
    records : list of SegmentRecord
        Of each chain all records up to its first gap, each once, sorted by key.
    behind : list of SegmentRecord
        Those behind a gap.
    sound : dict
        File -> its sound records that contradict no other file.
    damaged : dict
        File -> what is wrong with it.
    gaps : dict
        (State id, start) -> which records are missing.
    foreign : list of str
        Chains with records of different input scripts, seeds or sizes.
    """

    store: Path
    records: list[SegmentRecord] = field(default_factory=list)
    behind: list[SegmentRecord] = field(default_factory=list)
    sound: dict[Path, list[SegmentRecord]] = field(default_factory=dict)
    damaged: dict[Path, list[str]] = field(default_factory=dict)
    gaps: dict[Start, list[str]] = field(default_factory=dict)
    foreign: list[str] = field(default_factory=list)

    def check(self, *, gaps_too: bool = True) -> None:
        """Raise DataError for what stops the whole store, and for gaps if asked to."""
        damage = [f"{path.relative_to(self.store)}: {p}" for path, found in self.damaged.items() for p in found]
        damage += [line for lines in self.gaps.values() for line in lines] if gaps_too else []
        if damage or self.foreign:
            fix = repair_advice(self.store) if damage else "move the records away that were made differently"
            raise DataError(self.store, [*damage, *self.foreign], fix=fix)


def repair_command(store: Path) -> str:
    """The command that repairs a store, as typed in a shell."""
    return f"binlj campaign repair --store {shlex.quote(str(store))}"


def repair_advice(store: Path) -> str:
    """What to do about damaged and missing records."""
    return (
        f"bring the files back from where they were made, or run\n    {repair_command(store)}\n"
        "  which sets them aside; each chain continues from its newest consistent record (see first: --dry-run)"
    )


def chain_name(key: ChainKey) -> str:
    """Folder name of a chain: ``T0.60-C0.010-S1.50-E0.20_mixed-0``."""
    state_id, start, replica = key
    return f"{state_id}_{start}-{replica}"


def record_files(store: Path) -> list[Path]:
    """All record files of a store, packs first."""
    return [*sorted((store / "packs").glob("*.parquet")), *sorted((store / "loose").glob("*.parquet"))]


def by_chain(records: Iterable[SegmentRecord]) -> dict[ChainKey, list[SegmentRecord]]:
    """Group records by chain, each chain in order of steps."""
    chains: dict[ChainKey, list[SegmentRecord]] = defaultdict(list)
    for record in records:
        chains[record.chain].append(record)
    for members in chains.values():
        members.sort(key=lambda r: r.step_start)
    return dict(chains)


def by_start(chains: Mapping[ChainKey, list[SegmentRecord]]) -> dict[Start, dict[int, list[SegmentRecord]]]:
    """(state id, start) -> replica -> records, of some chains."""
    starts: dict[Start, dict[int, list[SegmentRecord]]] = defaultdict(dict)
    for (state_id, start, replica), members in chains.items():
        starts[state_id, start][replica] = members
    return dict(starts)


def counted(records: Iterable[SegmentRecord]) -> list[SegmentRecord]:
    """The records that results are made of.

    Of a state with two starts whose body is the A-rich phase, slabs do not count: they have more surface. Of a state
    with identity exchange from two starts only records with exchange count: plain dynamics samples the same ensemble,
    but remembers its start for longer. With one such start only, a state's other records are still its results.
    """
    everything = list(records)
    bodies = _better(everything, lambda r: r.shape.startswith("A-"), of=lambda r: r.shape != "mixed")
    return _better(bodies, lambda r: r.exchanges > 0)


def _better(
    records: Sequence[SegmentRecord],
    better: Callable[[SegmentRecord], bool],
    *,
    of: Callable[[SegmentRecord], bool] = lambda record: True,
) -> list[SegmentRecord]:
    """Of each state the better records if two starts have such chains of `ENOUGH` steps; else the others, if any.

    Records that are not among those concerned (`of`) stay.
    """
    starts = {(record.state_id, record.start) for record in records if better(record) and record.step_end >= ENOUGH}
    settled = {state_id for state_id, n in Counter(state_id for state_id, _ in starts).items() if n > 1}
    settled |= {r.state_id for r in records} - {r.state_id for r in records if of(r) and not better(r)}
    return [r for r in records if not of(r) or better(r) == (r.state_id in settled)]


def survey(store: Path, *, state_ids: Iterable[str] | None = None) -> Survey:
    """Read all record files of a store, and check the records one by one and against each other.

    Parameters
    ----------
    store : Path
    state_ids : iterable of str, optional
        Only the records of these states. Damaged files are listed all the same.
    """
    wanted = None if state_ids is None else set(state_ids)
    result = Survey(store)
    found: dict[tuple[str, str, int, int, int], tuple[SegmentRecord, Path]] = {}
    for path in record_files(store):
        records, problems = examine(path)
        result.sound[path] = []
        for record in records:
            if wanted is not None and record.state_id not in wanted:
                continue
            other, where = found.setdefault(record.key, (record, path))
            if other is not record and other.checksum() != record.checksum():
                name = f"{chain_name(record.chain)}, steps {record.step_start} to {record.step_end}"
                problems.append(f"{name}: another record than the one in {where.relative_to(store)}")
            else:
                result.sound[path].append(other)
        if problems:
            result.damaged[path] = problems
    chains = by_chain(record for record, _ in found.values())
    for start, replicas in by_start(chains).items():
        _follow(start, replicas, result)
    result.records.sort(key=lambda r: r.key)
    for chain, members in chains.items():
        for what in ("deck_sha256", "seed", "n_A", "n_B"):
            values = {getattr(r, what) for r in members}
            if len(values) > 1:
                listed = ", ".join(map(str, sorted(values)))
                result.foreign.append(f"{chain_name(chain)}: records with different {what}: {listed}")
    return result


def _follow(start: Start, replicas: Mapping[int, list[SegmentRecord]], result: Survey) -> None:
    """Take each chain's records up to its first gap; a chain that begins at no record's end is all gap."""
    problems: list[str] = []
    ends: dict[int, int] = {0: 0}  # step at which a record of an older replica ends -> that replica
    for replica in sorted(replicas):
        at = replicas[replica][0].step_start
        whole = []
        if at in ends:
            for record in replicas[replica]:
                if record.step_start == at:
                    whole.append(record)
                    at = record.step_end
        rest = [record for record in replicas[replica] if not any(record is other for other in whole)]
        result.records += whole
        result.behind += rest
        if rest:
            last = at if whole else max((end for end in ends if end < at), default=0)
            missing = (*start, replica if whole else ends.get(last, replica))
            problems.append(_gap(chain_name((*start, replica)), missing, last, rest[0].step_start))
        ends |= {record.step_end: replica for record in whole}
    if problems:
        result.gaps[start] = problems


def _gap(name: str, missing: ChainKey, end: int, begin: int) -> str:
    if begin < end:
        return f"{name}: a record begins at step {begin}, inside another one"
    file = f"loose/{record_name(missing, end, begin)}"
    return f"{name}: steps {end} to {begin} are missing: {file}, or the archive that holds them"


def record_name(key: ChainKey, step_start: int, step_end: int) -> str:
    """File name of a record that stands alone."""
    return f"{chain_name(key)}_{step_start:09d}-{step_end:09d}.parquet"
