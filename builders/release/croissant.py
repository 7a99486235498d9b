"""``croissant.json``: the dataset described for machines (MLCommons Croissant 1.1), with file hashes."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from binlj import schema
from binlj.columns import COLUMNS
from binlj.errors import MissingExtraError
from binlj.files import sha256, write_json

LICENSE_URL = "https://creativecommons.org/licenses/by/4.0/"
CONFIG_TEXT = {
    "extrapolation": "RDFs on 100 bins; train T* = 0.8, 1.0, 1.2, test T* = 0.6, 1.4.",
    "interpolation": "RDFs on 100 bins; whole states drawn for the test set.",
    "offgrid": "RDFs on 100 bins of states off the grid; the training split is all of `extrapolation`.",
    "mixed_extrapolation": "As `extrapolation`, of the first 70 time units after random mixing, not of equilibrium.",
    "mixed_interpolation": "As `interpolation`, of the first 70 time units after random mixing, not of equilibrium.",
    "mixed_offgrid": "As `offgrid`, of the first 70 time units after random mixing, not of equilibrium.",
    "mixed_fine": "As `fine`, of the first 70 time units after random mixing, not of equilibrium.",
    "mixed_states": "As `states`, of the first 70 time units after random mixing, not of equilibrium.",
    "fine": "RDFs on 500 bins, the resolution they were counted at.",
    "states": "One row a state: conditions, thermodynamics, checks, convergence.",
    "snapshots": "Last configuration of each state.",
}


def build(
    folder: Path, *, version: str, released: str, name: str, description: str, url: str, cite_as: str
) -> dict[str, Any]:
    """Describe the parquet files under `folder`.

    Raises
    ------
    mlcroissant.ValidationError
        If the description is not valid Croissant.
    """
    try:
        import mlcroissant as mlc
    except ImportError as error:
        raise MissingExtraError("mlcroissant", "build") from error
    context = mlc.Context(conforms_to="http://mlcommons.org/croissant/1.1")
    files, record_sets = [], []
    for file in schema.FILES:
        path = folder / file
        if not path.is_file():
            continue
        config, split = path.parent.name, path.stem
        key = f"{config}-{split}"
        files.append(
            mlc.FileObject(
                ctx=context,
                id=f"{key}.parquet",
                name=f"{key}.parquet",
                description=f"{config}, {split}",
                content_url=file,
                content_size=f"{path.stat().st_size} B",
                encoding_formats=["application/x-parquet"],
                sha256=sha256(path),
            )
        )
        record_sets.append(
            mlc.RecordSet(
                ctx=context,
                id=key,
                name=key,
                description=f"{CONFIG_TEXT[config]} Split: {split}.",
                fields=[_field(mlc, context, key, item) for item in pq.read_schema(path)],
            )
        )
    metadata = mlc.Metadata(
        ctx=context,
        name=name,
        description=description,
        license=[LICENSE_URL],
        url=url,
        cite_as=cite_as,
        version=version,
        date_published=datetime.datetime.fromisoformat(released),
        distribution=files,
        record_sets=record_sets,
        keywords=["Lennard-Jones", "binary mixture", "radial distribution function", "molecular dynamics"],
    )
    return metadata.to_json()


def write(folder: Path, **about: str) -> None:
    """Write ``croissant.json`` into the dataset folder (see :func:`build`)."""
    write_json(folder / "croissant.json", build(folder, **about))


def _description(name: str) -> str:
    unit, text = COLUMNS[name]
    return f"{text} (unit: {unit})" if unit not in ("", "1") else text


def _field(mlc: Any, context: Any, key: str, item: pa.Field) -> Any:
    listed = pa.types.is_list(item.type) or pa.types.is_fixed_size_list(item.type)
    inner = item.type.value_type if listed else item.type
    types = {
        pa.string(): mlc.DataType.TEXT,
        pa.float64(): mlc.DataType.FLOAT64,
        pa.int64(): mlc.DataType.INT64,
        pa.int8(): mlc.DataType.INT8,
        pa.int16(): mlc.DataType.INT16,
        pa.bool_(): mlc.DataType.BOOL,
    }
    shape = {}
    if listed:
        length = item.type.list_size if pa.types.is_fixed_size_list(item.type) else -1
        shape = {"is_array": True, "array_shape": str(length)}
    return mlc.Field(
        ctx=context,
        id=f"{key}/{item.name}",
        name=item.name,
        description=_description(item.name),
        data_types=[types[inner]],
        source=mlc.Source(
            ctx=context, file_object=f"{key}.parquet", extract=mlc.Extract(ctx=context, column=item.name)
        ),
        **shape,
    )
