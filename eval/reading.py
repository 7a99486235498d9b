"""Reading a stranger's parquet file within bounds: sizes first, then types, then the known columns in batches.

A submission is data from a stranger, and its footer may lie or be damaged so that the reader aborts. So
:func:`read_here` runs in a child process with a memory and a time limit (:mod:`binlj.eval.sandbox`) and is
called nowhere else. Only the known columns are read, only plain strings and floats are accepted (no
extension types, whose metadata may name code), strings are read as dictionaries of short texts, and the
pandas metadata is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

KEY_COLUMNS = ("state_id", "pair")
CURVE_COLUMNS = ("g", "g_std")
COLUMNS = (*KEY_COLUMNS, *CURVE_COLUMNS)

# A submission of 600 curves with errors is 1 MB; these bounds leave room, not a way to fill the memory.
MAX_FILE_BYTES = 50 * 2**20
MAX_DECODED_BYTES = 64 * 2**20
MAX_ROWS = 10_000
MAX_VALUES = 5_000_000  # in one column; a run-length encoded page can hold billions in a few bytes
MAX_COLUMNS = 100
MAX_TEXT = 200  # bytes of one key
BATCH_ROWS = 256
FEW = 3  # how many offenders a message names


@dataclass(frozen=True)
class Layout:
    """Which columns a file has, and how large it may be.

    Attributes
    ----------
    texts, curves, numbers : tuple of str
        Columns of strings, of lists of floats, of floats.
    optional : tuple of str
        Which of them may be absent.
    ignore_others : bool
        Whether other columns are ignored with a warning; else they are a problem.
    """

    texts: tuple[str, ...]
    curves: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    ignore_others: bool = True
    max_bytes: int = MAX_FILE_BYTES
    max_decoded_bytes: int = MAX_DECODED_BYTES
    max_rows: int = MAX_ROWS

    @property
    def columns(self) -> tuple[str, ...]:
        """All known columns."""
        return (*self.texts, *self.curves, *self.numbers)


PREDICTIONS = Layout(texts=KEY_COLUMNS, curves=CURVE_COLUMNS, optional=("g_std",))
ATTRIBUTIONS = Layout(
    texts=("feature", "pair"),
    numbers=("value",),
    ignore_others=False,
    max_bytes=10**6,
    max_decoded_bytes=10**7,
    max_rows=120,
)
LAYOUTS = {"predictions": PREDICTIONS, "attributions": ATTRIBUTIONS}


def read_here(path: Path, layout: Layout) -> tuple[pa.Table | None, list[str], list[str]]:
    """Read the known columns of a parquet file in this process; a damaged file may end the process.

    Returns
    -------
    table : pyarrow.Table or None
        The known columns with acceptable types, texts as plain strings; None if nothing could be read.
    problems, warnings : list of str
        What is wrong with the file and its columns (not yet with the rows).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    limits = {"thrift_string_size_limit": 2**24, "thrift_container_size_limit": 2**20}
    try:
        with pq.ParquetFile(path, **limits) as file:
            problems = _check_sizes(file, layout)
            if problems:
                return None, problems, []
            keep, problems, warnings = check_columns(file.schema_arrow, layout)
        if not keep:
            return None, problems, warnings
        # Opened again, because only the columns that are there may be asked for as dictionaries.
        with pq.ParquetFile(path, read_dictionary=[n for n in keep if n in layout.texts], **limits) as file:
            table, found = _read_batches(file, keep, layout)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        return None, [f"not a readable parquet file ({_first_line(error)})"], []
    return table, problems + found, warnings


def _read_batches(file: pq.ParquetFile, keep: list[str], layout: Layout) -> tuple[pa.Table | None, list[str]]:
    """The columns `keep`, counted while they are read: what the footer announces need not be true."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts: dict[str, list[pa.Array]] = {name: [] for name in keep}
    rows, values = 0, dict.fromkeys(layout.curves, 0)
    for batch in file.iter_batches(BATCH_ROWS, columns=keep, use_threads=False, use_pandas_metadata=False):
        rows += len(batch)
        if rows > layout.max_rows:
            return None, [f"more than {layout.max_rows} rows, the limit is {layout.max_rows}"]
        for name in keep:
            array = batch.column(name)
            if name in layout.texts:
                problem = _check_texts(array.dictionary if pa.types.is_dictionary(array.type) else array)
                if problem:
                    return None, [f"column {name} {problem}"]
                array = array.cast(pa.string())
            elif name in layout.curves:
                values[name] += pc.sum(pc.list_value_length(array)).as_py() or 0
                if values[name] > MAX_VALUES:
                    return None, [f"column {name} holds more than {MAX_VALUES} values, the limit is {MAX_VALUES}"]
            parts[name].append(array)
    kinds = {n: pa.string() if n in layout.texts else file.schema_arrow.field(n).type for n in keep}
    return pa.table({name: pa.chunked_array(parts[name], kinds[name]) for name in keep}), []


def _check_texts(texts: pa.Array) -> str:
    """What keeps strings from being used: their length or their bytes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    if longest > MAX_TEXT:
        return f"holds a text of {longest} bytes, the limit is {MAX_TEXT}"
    try:
        texts.validate(full=True)
    except pa.ArrowInvalid as error:
        return f"is damaged or not UTF-8 text ({_first_line(error)})"
    return ""


def _check_sizes(file: pq.ParquetFile, layout: Layout) -> list[str]:
    """Compare what the footer announces with the limits, before anything is decoded."""
    meta = file.metadata
    problems = []
    if meta.num_columns > MAX_COLUMNS:
        return [f"{meta.num_columns} columns, the limit is {MAX_COLUMNS}"]
    if meta.num_rows > layout.max_rows:
        problems.append(f"{meta.num_rows} rows, the limit is {layout.max_rows}")
    if meta.num_row_groups > MAX_ROWS:
        return [*problems, f"{meta.num_row_groups} row groups, the limit is {MAX_ROWS}"]
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    decoded = sum(max(group.total_byte_size, 0) for group in groups)
    if decoded > layout.max_decoded_bytes:
        limit = f"the limit is {layout.max_decoded_bytes / 2**20:.0f} MiB"
        problems.append(f"holds {decoded / 2**20:.0f} MiB when decompressed, {limit}")
    for column in range(meta.num_columns):
        values = sum(group.column(column).num_values for group in groups)
        if values > MAX_VALUES:
            name = clip(meta.schema.column(column).path)
            problems.append(f"column {name} holds {values} values, the limit is {MAX_VALUES}")
    return problems


def check_columns(schema: pa.Schema, layout: Layout) -> tuple[list[str], list[str], list[str]]:
    """Which columns can be used, which cannot and why, and which are ignored."""
    keep, problems, warnings = [], [], []
    names = schema.names
    for name in layout.columns:
        count = names.count(name)
        if count == 0:
            if name not in layout.optional:
                problems.append(f"column {name} is missing")
        elif count > 1:
            problems.append(f"column {name} appears {count} times")
        else:
            kind = schema.field(name).type
            expected, usable = _expected(name, layout)
            if usable(kind):
                keep.append(name)
            else:
                problems.append(f"column {name} has type {clip(str(kind))}, expected {expected}")
    others = [name for name in dict.fromkeys(names) if name not in layout.columns]
    if others:
        plural = "s" if len(others) > 1 else ""
        if layout.ignore_others:
            warnings.append(f"ignored column{plural}: {first_few(others)}")
        else:
            problems.append(f"unknown column{plural}: {first_few(others)}")
    return keep, problems, warnings


def _expected(name: str, layout: Layout) -> tuple[str, Callable[[pa.DataType], bool]]:
    import pyarrow as pa

    if name in layout.texts:
        return "strings", _is_string
    if name in layout.curves:
        return "list<float> (float32 or float64)", _is_curve
    return "float", pa.types.is_floating


def _is_string(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _is_curve(kind: pa.DataType) -> bool:
    import pyarrow as pa

    listed = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(listed and (pa.types.is_float32(kind.value_type) or pa.types.is_float64(kind.value_type)))


def clip(text: str, length: int = 60) -> str:
    """Printable, bounded form of text from a stranger."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def first_few(names: list[str], *, total: int | None = None) -> str:
    """``a, b, c and 7 more``; `total` if `names` holds only the first of them."""
    total = len(names) if total is None else total
    shown = ", ".join(clip(name) for name in names[:FEW])
    return shown + (f" and {total - FEW} more" if total > FEW else "")


def _first_line(error: BaseException) -> str:
    return clip((str(error) or type(error).__name__).splitlines()[0], 120)
