"""Opening a submitted parquet file within bounds: sizes first, then types, then four columns only.

A submission is data from a stranger. Its footer is checked before anything is decoded, only the four
known columns are read, only plain strings and lists of floats are accepted (no extension types, whose
metadata may name code), and the pandas metadata is thrown away.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

KEY_COLUMNS = ("state_id", "pair")
CURVE_COLUMNS = ("g", "g_std")
REQUIRED = ("state_id", "pair", "g")
COLUMNS = (*KEY_COLUMNS, *CURVE_COLUMNS)

# A submission of 600 curves with errors is 1 MB; these bounds leave room, not a way to fill the memory.
MAX_FILE_BYTES = 50 * 2**20
MAX_DECODED_BYTES = 64 * 2**20
MAX_ROWS = 10_000
MAX_VALUES = 5_000_000  # in one column; a run-length encoded page can hold billions in a few bytes
MAX_COLUMNS = 100
FEW = 3  # how many offenders a message names


def open_table(path: Path) -> tuple[pa.Table | None, list[str], list[str]]:
    """Read the prediction columns of a parquet file.

    Returns
    -------
    table : pyarrow.Table or None
        The known columns with acceptable types; None if nothing could be read.
    problems, warnings : list of str
        What is wrong with the file and its columns (not yet with the rows).
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.exists():
        return None, ["no such file"], []
    if not path.is_file():
        return None, ["not a regular file"], []
    size = path.stat().st_size
    if size > MAX_FILE_BYTES:
        return None, [f"file is {size / 2**20:.0f} MiB, the limit is {MAX_FILE_BYTES / 2**20:.0f} MiB"], []
    try:
        with pq.ParquetFile(
            path, thrift_string_size_limit=2**24, thrift_container_size_limit=2**20
        ) as file:
            problems = _check_sizes(file)
            if problems:
                return None, problems, []
            schema = file.schema_arrow
            keep, problems, warnings = check_columns(schema)
            if not keep:
                return None, problems, warnings
            table = file.read(columns=keep, use_pandas_metadata=False, use_threads=False)
    except (pa.ArrowException, OSError, ValueError, MemoryError) as error:
        return None, [f"not a readable parquet file ({_first_line(error)})"], []
    return table.replace_schema_metadata(None), problems, warnings


def _check_sizes(file: pq.ParquetFile) -> list[str]:
    """Compare what the footer announces with the limits, before anything is decoded."""
    meta = file.metadata
    problems = []
    if meta.num_columns > MAX_COLUMNS:
        return [f"{meta.num_columns} columns, the limit is {MAX_COLUMNS}"]
    if meta.num_rows > MAX_ROWS:
        problems.append(f"{meta.num_rows} rows, the limit is {MAX_ROWS}")
    if meta.num_row_groups > MAX_ROWS:
        return [*problems, f"{meta.num_row_groups} row groups, the limit is {MAX_ROWS}"]
    groups = [meta.row_group(i) for i in range(meta.num_row_groups)]
    decoded = sum(max(group.total_byte_size, 0) for group in groups)
    if decoded > MAX_DECODED_BYTES:
        limit = f"the limit is {MAX_DECODED_BYTES / 2**20:.0f} MiB"
        problems.append(f"holds {decoded / 2**20:.0f} MiB when decompressed, {limit}")
    for column in range(meta.num_columns):
        values = sum(group.column(column).num_values for group in groups)
        if values > MAX_VALUES:
            name = clip(meta.schema.column(column).path)
            problems.append(f"column {name} holds {values} values, the limit is {MAX_VALUES}")
    return problems


def check_columns(schema: pa.Schema) -> tuple[list[str], list[str], list[str]]:
    """Which columns can be used, which cannot and why, and which are ignored."""
    keep, problems, warnings = [], [], []
    names = schema.names
    for name in COLUMNS:
        count = names.count(name)
        if count == 0:
            if name in REQUIRED:
                problems.append(f"column {name} is missing")
        elif count > 1:
            problems.append(f"column {name} appears {count} times")
        else:
            kind = schema.field(name).type
            expected = "strings" if name in KEY_COLUMNS else "list<float> (float32 or float64)"
            usable = _is_string(kind) if name in KEY_COLUMNS else _is_curve(kind)
            if usable:
                keep.append(name)
            else:
                problems.append(f"column {name} has type {clip(str(kind))}, expected {expected}")
    others = [name for name in dict.fromkeys(names) if name not in COLUMNS]
    if others:
        warnings.append(f"ignored column{'s' if len(others) > 1 else ''}: {first_few(others)}")
    return keep, problems, warnings


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
