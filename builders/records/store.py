"""A campaign's store: the records of many chains, in loose files and packs, and their configurations.

    <store>/packs/*.parquet         committed; immutable; any number of records each
    <store>/configurations/*.parquet optional; last configurations of chains that are not among the
                                    dataset's published snapshots
    <store>/loose/*.parquet         one record each, as the simulator writes them; not committed
    <store>/work/<chain>/           restart file and last configuration; not committed
    <store>/damaged/                what `binlj campaign repair` has set aside, under its old path; not committed

Stores merge by copying files: a record that is there twice is counted once.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binlj import paths
from binlj.builders.records import lineage
from binlj.builders.records.configuration import Configuration
from binlj.builders.records.record import ChainKey, SegmentRecord, write_records
from binlj.builders.records.survey import (
    Survey,
    by_chain,
    by_start,
    chain_name,
    counted,
    repair_command,
    survey,
)  # fmt: skip
from binlj.errors import DataError, StoreBusyError
from binlj.files import replacing
from binlj.schema import snapshots_schema


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold the store for one campaign; the lock goes with the process, however it ends.

    Raises
    ------
    StoreBusyError
        If another campaign holds it.
    """
    store.mkdir(parents=True, exist_ok=True)
    with open(store / ".lock", "a+") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            stream.seek(0)
            raise StoreBusyError(
                f"{store}: another campaign (process {stream.read().strip() or 'unknown'}) uses this store\n"
                "  fix: wait for it, stop it, or give another --store"
            ) from None
        stream.truncate(0)
        stream.write(str(os.getpid()))
        stream.flush()
        yield


def load_records(store: Path, *, state_ids: Iterable[str] | None = None) -> list[SegmentRecord]:
    """All records of a store, each once, sorted by key, checked one by one and against each other.

    Parameters
    ----------
    store : Path
    state_ids : iterable of str, optional
        Only these states.

    Raises
    ------
    DataError
        Listing every unreadable file and every contradiction: the same segment with two contents, or
        segments of a chain that overlap, have a gap, or come from different input scripts.
    """
    found = survey(store, state_ids=state_ids)
    found.check()
    return found.records


def usable_records(store: Path, *, state_ids: Iterable[str] | None = None) -> Survey:
    """As :func:`load_records`, but a gap takes only the records behind it; the result's ``gaps`` name it."""
    found = survey(store, state_ids=state_ids)
    found.check(gaps_too=False)
    return found


def pack(store: Path) -> tuple[Path | None, int]:
    """Move loose records into one new pack; older packs are not touched.

    Returns
    -------
    path, count : Path or None, int
        The new pack (None if there was nothing to do) and how many records it holds.
    """
    loose = sorted((store / "loose").glob("*.parquet"))
    sound = usable_records(store).sound  # refuse to pack what is damaged or contradicts itself
    records = {record.key: record for path in loose for record in sound[path]}
    path = write_pack(store, list(records.values())) if records else None
    for file in loose:
        file.unlink()
    return path, len(records)


def write_pack(store: Path, records: Sequence[SegmentRecord]) -> Path:
    """Write records to a pack whose name follows from their contents."""
    name = hashlib.sha256("".join(sorted(r.checksum() for r in records)).encode()).hexdigest()[:12]
    path = store / "packs" / f"pack-{name}.parquet"
    write_records(path, records)
    return path


def last_configuration(folder: Path) -> Configuration | None:
    """The configuration a chain's working folder ends with, or None."""
    path = folder / "last.npz"
    if not path.is_file():
        return None
    with _readable(path), np.load(path, allow_pickle=False) as data:
        return Configuration(
            step=int(data["step"]),
            box_length=float(data["box_length"]),
            types=data["types"],
            positions=data["positions"],
        )


def write_configurations(
    store: Path,
    records: Collection[SegmentRecord],
    *,
    more: Mapping[ChainKey, Configuration] | None = None,
    finished: Mapping[str, Collection[str]] | None = None,
) -> tuple[Path | None, int]:
    """Collect what the chains can go on from into ``configurations/``: one file, replacing older ones.

    Of each restart lineage the configuration that has gone furthest, and at whose step a record ends, is kept: be
    it in a working folder or stored before, or one of `more` (the snapshots of a dataset that has been replaced). None
    where the published snapshots hold it, and of a state in `finished` only those of the starts it names.

    Parameters
    ----------
    store : Path
    records : iterable of SegmentRecord
        All of the store.
    more : mapping, optional
        Chain -> configuration.
    finished : mapping, optional
        Converged states (ids) -> the starts they are published from: nothing goes on from the others. They are most
        of the file, which git keeps in every version.

    Returns
    -------
    path, count : Path or None, int
        The file (None if there is nothing beyond the snapshots) and how many configurations it holds.
    """
    chains = by_chain(counted(records))
    n = max((r.n_A + r.n_B for members in chains.values() for r in members[:1]), default=0)
    stored, published = read_configurations(store), published_steps(n, records)
    older = {key: old for key, old in (more or {}).items() if len(old.types) == n}
    chosen: dict[ChainKey, Configuration] = {}
    for (state_id, start), replicas in sorted(by_start(chains).items(), key=lambda item: item[0]):
        if finished and start not in finished.get(state_id, (start,)):
            continue
        for root, related in lineage.lineages(replicas).items():
            keys = [(state_id, start, replica) for replica in related]
            found = [
                (configuration, key[2])
                for key in keys
                for configuration in (
                    last_configuration(store / "work" / chain_name(key)), stored.get(key), older.get(key),
                )
                if configuration is not None
            ]  # fmt: skip
            # A kill between the two leaves a configuration that is ahead of its chain's records: of no use to them.
            ends = {record.step_end for r in related for record in replicas[r]}
            fits = [pair for pair in found if pair[0].step in ends]
            best, replica = max(fits or found, key=lambda pair: pair[0].step, default=(None, root))
            if best is None or any(best.step in published.get(key, ()) for key in keys):
                continue
            chosen[state_id, start, replica] = best
    return store_configurations(store, chosen)


def store_configurations(store: Path, chosen: Mapping[ChainKey, Configuration]) -> tuple[Path | None, int]:
    """Write configurations by chain to the store's one file of them; without any, remove it."""
    path = store / "configurations" / "last.parquet"
    if not chosen:
        path.unlink(missing_ok=True)
        return None, 0
    rows = [
        {
            "state_id": key[0],
            "start": key[1],
            "replica": key[2],
            "step": configuration.step,
            "box_length": configuration.box_length,
            "types": configuration.types.tolist(),
            "positions": configuration.positions.ravel().tolist(),
        }
        for key, configuration in chosen.items()
    ]
    schema = snapshots_schema().append(pa.field("replica", pa.int64()))
    with replacing(path) as temporary:
        table = pa.Table.from_pylist(rows, schema=schema)
        pq.write_table(table, temporary, compression="zstd", write_page_checksum=True)
    return path, len(rows)


def read_configurations(
    store: Path, *, only: tuple[str, str] | None = None
) -> dict[ChainKey, Configuration]:
    """Stored configurations by chain (of the state and start in `only`, if given)."""
    result: dict[ChainKey, Configuration] = {}
    for path in sorted((store / "configurations").glob("*.parquet")):
        result |= configurations_of(path, only)
    return result


def stored_steps(store: Path, records: Iterable[SegmentRecord], *, n: int) -> dict[ChainKey, set[int]]:
    """Chain -> the steps of which a configuration of `n` particles is stored or published."""
    steps = published_steps(n, records)
    for path in (store / "configurations").glob("*.parquet"):
        for key, found in _steps_of(path).items():
            steps.setdefault(key, set()).update(found)
    return steps


def steps_of_lineage(steps: Mapping[ChainKey, set[int]], start: tuple[str, str], related: Iterable[int]) -> set[int]:
    """Steps of which a configuration of a restart lineage is known; another lineage's would not be independent."""
    return set().union(*(steps.get((*start, replica), set()) for replica in related))


def find_configuration(
    store: Path, key: ChainKey, *, step: int, n: int, records: Iterable[SegmentRecord] | None = None
) -> Configuration | None:
    """Where a chain without a working folder can go on from: the store's copy, or the published snapshot.

    Only a configuration of `n` particles and of `step`, the step at which the chain stands, will do: the chain's own,
    or one of its restart lineage (:mod:`binlj.builders.records.lineage`). That of another replica never: the two would
    not be independent any more. A chain without records is a restart of the one that :func:`lineage.parent` will name.

    Parameters
    ----------
    store : Path
    key : ChainKey
    step, n : int
    records : iterable of SegmentRecord, optional
        Those of the chain's state. Default: read from the store.

    Returns
    -------
    Configuration or None
        None if there is none.
    """
    if records is None:
        records = usable_records(store, state_ids=[key[0]]).records
    chains = by_start(by_chain(records)).get(key[:2], {})
    older = [r for r in chains if r < key[2] and any(record.step_end == step for record in chains[r])]
    member = key[2] if key[2] in chains else max(older, default=key[2])
    related = next((f for f in lineage.lineages(chains).values() if member in f), [member])
    found = read_configurations(store, only=key[:2])
    candidates = [found.get(key), *(found.get((*key[:2], replica)) for replica in reversed(related))]
    of_start = (record for members in chains.values() for record in members)
    published = published_by_chain(paths.dataset_dir(), of_start, only=key[:2])
    candidates += [found for owner, found in published.items() if owner[2] in related]
    return next((c for c in candidates if c is not None and c.step == step and len(c.types) == n), None)


def published_steps(n: int, records: Iterable[SegmentRecord]) -> dict[ChainKey, set[int]]:
    """Chain of `records` -> steps of its published snapshots, if they are of `n` particles."""
    dataset = paths.dataset_dir()
    snapshots = dataset / "snapshots" / "all.parquet"
    if not snapshots.is_file():
        return {}
    with _readable(snapshots):
        first = next(pq.ParquetFile(snapshots).iter_batches(batch_size=1, columns=["types"]))
    if len(first["types"][0]) != n:
        return {}
    replica_of = _owners(dataset, records)
    result: dict[ChainKey, set[int]] = {}
    for (state_id, start, _), steps in _steps_of(snapshots).items():
        for step in steps:
            result.setdefault((state_id, start, replica_of(state_id, start, step)), set()).add(step)
    return result


def _steps_of(path: Path) -> dict[ChainKey, set[int]]:
    result: dict[ChainKey, set[int]] = {}
    with _readable(path):
        names = set(pq.read_schema(path).names)
        columns = ["state_id", "start", "step", *({"replica"} & names)]
        for row in pq.read_table(path, columns=columns).to_pylist():
            result.setdefault((row["state_id"], row["start"], row.get("replica", 0)), set()).add(row["step"])
    return result


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Name the file of configurations that cannot be read."""
    try:
        yield
    except (
        OSError, EOFError, LookupError, ValueError, TypeError, AttributeError, StopIteration, BadZipFile,
        pa.ArrowException,
    ) as error:  # fmt: skip
        said = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise DataError(
            path,
            [f"not a readable file of configurations: {said}"],
            fix=_configuration_advice(path),
        ) from error


def _configuration_advice(path: Path) -> str:
    if path.parent.name == "snapshots":
        return "fetch the dataset again"
    store = path.parents[1] if path.parent.name == "configurations" else path.parents[2]
    return (
        f"bring the file back from where it was made, or run\n    {repair_command(store)}\n"
        "  which sets it aside; no record depends on it"
    )


def published_configurations(
    dataset: Path | None = None, *, only: tuple[str, str] | None = None
) -> dict[ChainKey, Configuration]:
    """The snapshots of a dataset (default: the installed one) by chain; they are called replica 0's."""
    snapshots = (dataset or paths.dataset_dir()) / "snapshots" / "all.parquet"
    return configurations_of(snapshots, only) if snapshots.is_file() else {}


def published_by_chain(
    dataset: Path, records: Iterable[SegmentRecord], *, only: tuple[str, str] | None = None
) -> dict[ChainKey, Configuration]:
    """The snapshots of a dataset (of the state and start in `only`), by the chains of a store to which they belong.

    A snapshot names its start and step, but not its replica. It belongs to the chain of that start with a record that
    ends at this step, has the published geometry, and used identity exchange if the published state did. If no record
    matches, replica 0 is assumed.
    """
    replica_of = _owners(dataset, records)
    return {
        (state_id, start, replica_of(state_id, start, found.step)): found
        for (state_id, start, _), found in published_configurations(dataset, only=only).items()
    }


def _owners(dataset: Path, records: Iterable[SegmentRecord]) -> Callable[[str, str, int], int]:
    """What tells the replica of a published snapshot from its state, start and step (:func:`published_by_chain`)."""
    table = dataset / "states" / "all.parquet"
    if not table.is_file():
        return lambda state_id, start, step: 0
    with _readable(table):
        states = {row["state_id"]: row for row in pq.read_table(table).to_pylist()}
    ends: dict[tuple[str, str, int, str, bool], int] = {}
    for r in sorted(records, key=lambda record: record.replica):
        ends.setdefault((r.state_id, r.start, r.step_end, r.shape, r.exchanges > 0), r.replica)

    def replica_of(state_id: str, start: str, step: int) -> int:
        row = states.get(state_id, {})
        shapes = dict(zip(row.get("start", "").split("+"), row.get("geometry", "").split("+"), strict=False))
        return ends.get((state_id, start, step, shapes.get(start, ""), row.get("exchanges", 0) > 0), 0)

    return replica_of


def configurations_of(path: Path, only: tuple[str, str] | None = None) -> dict[ChainKey, Configuration]:
    """The configurations in one file, by chain."""
    result = {}
    with _readable(path):
        for batch in pq.ParquetFile(path, page_checksum_verification=True).iter_batches(batch_size=16):
            names = batch.schema.names
            for i in range(batch.num_rows):
                row = {name: batch.column(name)[i] for name in names}
                # The published snapshots are of replica 0 and have no such column.
                replica = row["replica"].as_py() if "replica" in row else 0
                key = (row["state_id"].as_py(), row["start"].as_py(), replica)
                if only is None or key[:2] == only:
                    result[key] = Configuration(
                        step=row["step"].as_py(),
                        box_length=row["box_length"].as_py(),
                        types=row["types"].values.to_numpy(),
                        positions=row["positions"].values.to_numpy().reshape(-1, 3),
                    )
    return result
