"""Prediction files: read, check, write. Every problem is reported at once and none is repaired.

A predictions file is a parquet table keyed by (``state_id``, ``pair``): ``g`` is a list of 100 floats,
``g_std`` (optional) the model's own standard deviation at the same points. Rows may come in any order;
they are matched by key, never by position. In frames, pairs may also be the class labels 0, 1 and 2.
It holds the whole test set of a track; only where a caller asks for ``partial=True`` may it hold some of
the states, and then whole ones (AA, AB and BB).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from binlj.errors import InputError
from binlj.eval.reading import COLUMNS, CURVE_COLUMNS, FEW, KEY_COLUMNS, PREDICTIONS, check_columns, clip, first_few
from binlj.eval.sandbox import open_table
from binlj.eval.truth import Key, required_keys
from binlj.files import replacing
from binlj.grid import PAIRS, parse_state_id
from binlj.schema import FEATURES, N_BINS, in_regime

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

# No g(r) of 10,000 particles comes near this; beyond it sums of squares lose their meaning or overflow.
MAX_VALUE = 1e6

MIN_STATES = 2  # of a partial file: the R² of one state says nothing about another

_INPUTS = (*FEATURES, "r")  # of the dataset's tables; a frame may keep them

FIX = "`binlj template --track TRACK out.parquet` writes a valid file to fill in"


@dataclass(frozen=True)
class Validation:
    """What is wrong with a predictions file.

    Attributes
    ----------
    problems : tuple of str
        Everything that keeps it from being scored, one line each.
    warnings : tuple of str
        What is odd but scored as given (negative g, ignored columns).
    """

    subject: str
    problems: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def ok(self) -> bool:
        """True if the file can be scored."""
        return not self.problems

    def raise_if_bad(self) -> None:
        """Raise InputError with all problems, if there are any."""
        if self.problems:
            raise InputError(self.subject, self.problems, fix=FIX)


@dataclass(frozen=True)
class Checked:
    """A checked submission; `g` and `g_std` are in the order of `keys`, shape (n, 100).

    `keys` are the track's test keys, in their order; of a partial file those of the states it covers.
    """

    validation: Validation
    keys: tuple[Key, ...]
    g: np.ndarray | None
    g_std: np.ndarray | None


def validate(
    path: str | Path | pd.DataFrame, *, track: str, regime: str | None = None, dataset: Path | None = None,
    partial: bool = False,
) -> Validation:  # fmt: skip
    """Check a predictions file (or frame) against a track; never raises for what it contains.

    Parameters
    ----------
    partial : bool
        Whether the file may cover only some of the track's test states (whole ones, at least 2).

    Returns
    -------
    Validation
        All problems at once: unreadable or oversized file, unknown track, wrong columns or types,
        missing, extra and duplicate keys (counted, the first few named), NaN or inf, wrong length.

    Raises
    ------
    DataError
        If the dataset itself cannot be read.
    """
    return check_track(path, in_regime(track, regime), dataset=dataset, partial=partial).validation


def check_track(
    path: str | Path | pd.DataFrame, track: str, *, dataset: Path | None = None, partial: bool = False
) -> Checked:
    """As :func:`validate` (the full name of a track), with the curves."""
    try:
        keys = required_keys(track, dataset=dataset)
    except InputError as error:
        if error.exit_code != InputError.exit_code:
            raise
        problem = f"{error.subject}: {error.problems[0]} ({error.fix})"
        return Checked(Validation(_subject(path), (problem,), ()), (), None, None)
    return check(path, keys, partial=partial)


def read_predictions(
    path: str | Path | pd.DataFrame, *, track: str, dataset: Path | None = None
) -> pd.DataFrame:
    """Read and check a predictions file.

    Returns
    -------
    DataFrame
        Columns state_id, pair, g (ndarray of 100 float64 a row) and, if given, g_std, in the order of
        the track's test table.

    Raises
    ------
    InputError
        With every problem of the file.
    """
    keys = required_keys(track, dataset=dataset)
    checked = check(path, keys)
    checked.validation.raise_if_bad()
    assert checked.g is not None
    return _frame(keys, checked.g, checked.g_std)


def write_predictions(path: str | Path, frame: pd.DataFrame) -> None:
    """Write a predictions frame as parquet (float64 lists), atomically.

    Parameters
    ----------
    frame : DataFrame
        ``state_id``, ``pair`` (AA, AB, BB or the dataset's class labels 0, 1, 2), ``g`` and, optionally, ``g_std``.
        Other columns are left out.

    Raises
    ------
    InputError
        If a column is missing or a curve does not consist of 100 floats.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame = _with_pair_names(frame)
    names = [name for name in COLUMNS if name in frame]
    problems = [f"column {name} is missing" for name in COLUMNS[:3] if name not in frame]
    columns: dict[str, pa.Array] = {}
    for name in names:
        if name in KEY_COLUMNS:
            bad = sum(not isinstance(value, str) for value in frame[name])
            if bad:
                problems.append(f"column {name}: {bad} values are not text")
            else:
                columns[name] = pa.array(frame[name].tolist(), pa.string())
            continue
        try:
            rows = [np.asarray(v, dtype=np.float64) for v in frame[name]]
            values = np.array(rows).reshape(len(frame), N_BINS)
        except (TypeError, ValueError):
            problems.append(f"column {name} must hold {N_BINS} floats a row")
            continue
        offsets = pa.array(np.arange(len(frame) + 1, dtype=np.int32) * N_BINS)
        columns[name] = pa.ListArray.from_arrays(offsets, pa.array(values.ravel()))
    if problems:
        raise InputError(f"predictions for {path}", problems)
    with replacing(Path(path)) as temporary:
        pq.write_table(pa.table(columns), temporary)


def template(track: str, *, regime: str | None = None, dataset: Path | None = None) -> pd.DataFrame:
    """A valid predictions frame to fill in: every key of the track, g = 1 everywhere (the ideal gas).

    Returns
    -------
    DataFrame
        ``state_id``, ``pair``, ``T``, ``C_B``, ``S``, ``eps_AB`` and ``g``, an array of 100 values a row.
    """
    keys = required_keys(in_regime(track, regime), dataset=dataset)
    frame = _frame(keys, np.ones((len(keys), N_BINS)), None)
    states = [parse_state_id(state_id) for state_id in frame["state_id"]]
    for place, name in enumerate(FEATURES, start=2):
        frame.insert(place, name, [getattr(state, name) for state in states])
    return frame


def check(source: str | Path | pd.DataFrame, keys: Sequence[Key], *, partial: bool = False) -> Checked:
    """Check a file or frame against the keys it must hold, and bring it into their order.

    With `partial`, against the keys of those states only of which it holds anything.
    """
    if isinstance(source, str | Path):
        table, problems, warnings = open_table(Path(source))
    else:
        table, problems, warnings = _table_from_frame(source)
    g = std = None
    if table is not None:
        if partial and "state_id" in table.column_names:
            keys, few, odd = _touched(table, keys)
            problems, warnings = problems + few, warnings + odd
        row_problems, row_warnings, g, std = _check_rows(table, keys, partial=partial)
        problems, warnings = problems + row_problems, warnings + row_warnings
    validation = Validation(_subject(source), tuple(problems), tuple(warnings))
    return Checked(validation, tuple(keys), None if problems else g, None if problems else std)


def _touched(table: pa.Table, keys: Sequence[Key]) -> tuple[list[Key], list[str], list[str]]:
    """The keys of all test states that occur in a partial file, and what is wrong or odd about their number."""
    present = set(table.column("state_id").to_pylist())
    kept = [key for key in keys if key[0] in present]
    n, of = len({state for state, _ in kept}), len({state for state, _ in keys})
    if n < MIN_STATES:
        return kept, [f"covers {n} of {of} test states, at least {MIN_STATES} are needed"], []
    odd = [f"covers {n} of {of} test states: its scores do not compare with those over all of them"]
    return kept, [], odd if n < of else []


def _check_rows(
    table: pa.Table, keys: Sequence[Key], *, partial: bool
) -> tuple[list[str], list[str], np.ndarray | None, np.ndarray | None]:
    problems: list[str] = []
    warnings: list[str] = []
    rows: list[Key] | None = None
    if all(name in table.column_names for name in KEY_COLUMNS):
        ids, pairs = (table.column(name).to_pylist() for name in KEY_COLUMNS)
        nulls = sum(a is None or b is None for a, b in zip(ids, pairs, strict=True))
        if nulls:
            problems.append(f"{nulls} rows have no state_id or no pair (null)")
        rows = [(a or "", b or "") for a, b in zip(ids, pairs, strict=True)]
        problems += _check_keys([key for key in rows if key[0] and key[1]], keys, partial=partial)

    def label(i: int) -> str:
        return _label(rows[i]) if rows else f"row {i}"

    found: dict[str, np.ndarray] = {}
    for name in CURVE_COLUMNS:
        if name not in table.column_names:
            continue
        values, bad = _check_curves(table.column(name), name, label)
        problems += bad
        if values is None:
            continue
        negative: np.ndarray = np.asarray((values < 0).any(axis=1))
        if negative.any():
            count = int(negative.sum())
            text = f"column {name}: {count} curves have negative values ({_first(label, negative)})"
            if name == "g":
                warnings.append(text + "; scored as given")
            else:
                problems.append(text)
        found[name] = values
    if problems or rows is None or "g" not in found:
        return problems, warnings, None, None
    row_of = {key: i for i, key in enumerate(rows)}
    order = np.array([row_of[key] for key in keys], dtype=int)
    return problems, warnings, found["g"][order], found["g_std"][order] if "g_std" in found else None


def _check_keys(rows: list[Key], keys: Sequence[Key], *, partial: bool) -> list[str]:
    problems = []
    wanted = set(keys)
    counts = Counter(rows)
    pairs = [f"{pair!r}" for pair in dict.fromkeys(clip(pair, 20) for _, pair in counts) if pair not in PAIRS]
    if pairs:
        problems.append(f"column pair: unknown {first_few(pairs)} (use {', '.join(PAIRS)})")
    missing = [key for key in keys if key not in counts]
    extra = [key for key in counts if key not in wanted]
    twice = [key for key, count in counts.items() if count > 1]
    if missing:
        whole = f"; a state needs all of {', '.join(PAIRS)}" if partial else ""
        problems.append(f"{len(missing)} of {len(keys)} keys are missing: {_names(missing)}{whole}")
    if extra:
        problems.append(f"{len(extra)} keys are not in the test set: {_names(extra)}")
    if twice:
        problems.append(f"{len(twice)} keys appear more than once: {_names(twice)}")
    return problems


def _check_curves(
    column: pa.ChunkedArray, name: str, label: Callable[[int], str]
) -> tuple[np.ndarray | None, list[str]]:
    """Values as (rows, 100) or None, and what is wrong with them."""
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = pc.list_value_length(column).to_numpy().astype(np.float64)  # NaN where the row is null
    null, right = np.isnan(lengths), lengths == N_BINS
    problems = []
    if null.any():
        problems.append(f"column {name}: {int(null.sum())} rows are null ({_first(label, null)})")
    wrong = ~null & ~right
    if wrong.any():
        seen = sorted({int(n) for n in lengths[wrong]})
        problems.append(
            f"column {name}: {int(wrong.sum())} curves do not have {N_BINS} values but "
            f"{first_few([str(n) for n in seen])} ({_first(label, wrong)})"
        )
    kept = np.flatnonzero(right)
    flat = pc.list_flatten(column if right.all() else column.filter(pa.array(right)))
    values = flat.to_numpy().astype(np.float64).reshape(-1, N_BINS)
    bad = ~np.isfinite(values)
    if bad.any():
        mask = np.zeros(len(lengths), dtype=bool)
        mask[kept[bad.any(axis=1)]] = True
        problems.append(
            f"column {name}: {int(bad.sum())} values are NaN, inf or null, in {int(mask.sum())} curves "
            f"({_first(label, mask)})"
        )
    huge = np.isfinite(values) & (np.abs(values) > MAX_VALUE)
    if huge.any():
        mask = np.zeros(len(lengths), dtype=bool)
        mask[kept[huge.any(axis=1)]] = True
        problems.append(
            f"column {name}: {int(huge.sum())} values are larger than {MAX_VALUE:g} ({_first(label, mask)})"
        )
    return (None if problems else values), problems


def _table_from_frame(frame: pd.DataFrame) -> tuple[pa.Table | None, list[str], list[str]]:
    """A frame goes through the same checks as a file."""
    import pyarrow as pa

    columns: dict[str, pa.Array] = {}
    problems: list[str] = []
    frame = _with_pair_names(frame)
    ignored = [str(name) for name in frame.columns if name not in (*COLUMNS, *_INPUTS)]
    for name in dict.fromkeys(name for name in frame.columns if name in COLUMNS):
        if list(frame.columns).count(name) > 1:
            problems.append(f"column {name} appears more than once")
            continue
        try:
            columns[name] = pa.array(frame[name], from_pandas=False)
        except (pa.ArrowException, TypeError, ValueError) as error:
            problems.append(f"column {name} cannot be read: {clip(str(error), 120)}")
    table = pa.table(columns)
    keep, column_problems, warnings = check_columns(table.schema, PREDICTIONS)
    failed = {p.split()[1] for p in problems}
    problems += [p for p in column_problems if p.split()[1] not in failed]
    if ignored:
        warnings.append(f"ignored column{'s' if len(ignored) > 1 else ''}: {first_few(ignored)}")
    return (table.select(keep) if keep else None), problems, warnings


def _frame(keys: Sequence[Key], g: np.ndarray, std: np.ndarray | None) -> pd.DataFrame:
    import pandas as pd

    data: dict[str, object] = {"state_id": [k[0] for k in keys], "pair": [k[1] for k in keys], "g": list(g)}
    if std is not None:
        data["g_std"] = list(std)
    return pd.DataFrame(data)


def _with_pair_names(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with names for the class labels of pairs, as ``datasets`` gives them."""
    from pandas.api.types import is_integer_dtype

    if list(frame.columns).count("pair") != 1 or not is_integer_dtype(frame["pair"]):
        return frame
    return frame.assign(pair=[PAIRS[i] if 0 <= i < len(PAIRS) else str(i) for i in frame["pair"]])


def _subject(source: object) -> str:
    return str(source) if isinstance(source, str | Path) else "predictions frame"


def _names(keys: list[Key]) -> str:
    return first_few([_label(key) for key in keys[:FEW]], total=len(keys))


def _label(key: Key) -> str:
    return f"{clip(key[0], 40)} {clip(key[1], 10)}"


def _first(label: Callable[[int], str], mask: np.ndarray) -> str:
    marked = np.flatnonzero(mask)
    return first_few([label(int(i)) for i in marked[:FEW]], total=len(marked))
