"""Parquet files made to crash a reader or to fill its memory, each small on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq


def long_text(path: Path, *, size: int, rows: int, columns: tuple[str, str] = ("state_id", "pair")) -> Path:
    """One text of `size` bytes, stored once and repeated in every row."""
    texts = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), pa.array(["x" * size]))
    rest = {"g": [[1.0]] * rows} if columns[0] == "state_id" else {"value": [1.0] * rows}
    table = pa.table({columns[0]: texts, columns[1]: ["AA"] * rows, **rest})
    pq.write_table(table, path, compression="zstd", write_statistics=False, dictionary_pagesize_limit=2**30)
    return path


def plain_texts(path: Path, *, size: int, rows: int) -> Path:
    """As :func:`long_text`, but written out in every row and compressed to almost nothing."""
    one = pa.array(["x" * size])
    schema = pa.schema([("state_id", pa.string()), ("pair", pa.string()), ("g", pa.list_(pa.float64()))])
    with pq.ParquetWriter(path, schema, compression="zstd", use_dictionary=False, write_statistics=False) as writer:
        for _ in range(rows):
            writer.write_table(pa.table([one, pa.array(["AA"]), pa.array([[1.0]])], schema=schema))
    return path


def forged_count(path: Path, *, values: int, rows: int) -> Path:
    """Long runs of one value, whose number in the footer is a lie."""
    data = pa.array(np.ones(values * rows, np.float32))
    g = pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * values), data)
    pq.write_table(pa.table({"state_id": ["x"] * rows, "pair": ["AA"] * rows, "g": g}), path)
    return _forge(path, values * rows, 100)


def forged_size(path: Path, *, size: int) -> Path:
    """A text of `size` bytes, for which the footer announces a thousand."""
    long_text(path, size=size, rows=2)
    with pq.ParquetFile(path) as file:
        group = file.metadata.row_group(0)
        true = {group.total_byte_size, group.column(0).total_uncompressed_size}
    for value in true:
        _forge(path, value, 1000)
    return path


def _forge(path: Path, true: int, lie: int) -> Path:
    """Replace a number everywhere in the footer."""
    content = bytearray(path.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    old = _varint(2 * true)
    assert old in content[footer:]
    content[footer:] = content[footer:].replace(old, _varint(2 * lie, length=len(old)))
    path.write_bytes(content)
    return path


def crashing(good: Path, path: Path) -> Path:
    """A copy of `good` with one flipped bit: the type of a list in the first column's size statistics.

    The list then has a length that does not fit, and Arrow's reader ends the process.
    """
    content = bytearray(good.read_bytes())
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = content.index(b"\x0c\x25\x02", footer) + 1
    content[at] ^= 1
    path.write_bytes(content)
    return path


def foreign_bytes(path: Path, column: str, table: pa.Table) -> Path:
    """A copy of `table` in whose `column` the first text holds a byte that is not UTF-8."""
    texts = [t.encode() for t in table.column(column).to_pylist()]
    texts[0] = b"\xff" + texts[0][1:]
    offsets = pa.array(np.cumsum([0, *map(len, texts)]), pa.int32())
    array = pa.StringArray.from_buffers(len(texts), offsets.buffers()[1], pa.py_buffer(b"".join(texts)))
    pq.write_table(table.set_column(table.column_names.index(column), column, array), path)
    return path


def _varint(value: int, *, length: int = 0) -> bytes:
    """A number as Thrift writes it; padded to `length` bytes, which its readers accept."""
    out = bytearray()
    while value > 127 or len(out) < length - 1:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])
