"""``croissant.json``: the dataset described for machines (MLCommons Croissant 1.1), with file hashes."""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from binlj import schema
from binlj.errors import MissingExtraError
from binlj.files import sha256, write_json

LICENSE_URL = "https://creativecommons.org/licenses/by/4.0/"
CONFIG_TEXT = {
    "extrapolation": "RDFs on 100 bins; train T* = 0.8, 1.0, 1.2, test T* = 0.6, 1.4.",
    "interpolation": "RDFs on 100 bins; whole states drawn for the test set.",
    "fine": "RDFs on 500 bins, the resolution they were counted at.",
    "states": "One row a state: conditions, thermodynamics, checks, convergence.",
    "snapshots": "Last configuration of each state.",
}
COLUMN_TEXT = {
    "state_id": "Identifier, e.g. T0.60-C0.010-S1.50-E0.20",
    "T": "Reduced temperature T* = kT/epsilon",
    "C_B": "Mole fraction of B particles",
    "S": "Size ratio sigma_BB / sigma_AA",
    "eps_AB": "Cross-interaction energy epsilon_AB / epsilon",
    "pair": "0, 1, 2 for AA, AB, BB",
    "r": "Bin centres in sigma_AA",
    "g": "Radial distribution function",
    "g_stderr": "Standard error of g",
    "density": "Number density in 1/sigma_AA^3",
    "energy": "Potential energy per particle by LAMMPS",
    "energy_from_rdf": "Potential energy per particle from the three g(r)",
    "pressure": "Pressure by LAMMPS",
    "pressure_from_rdf": "Pressure from the three g(r)",
    "density_pets": "Density of the homogeneous fluid by the PeTS equation of state",
    "start": "Start that is published: mixed, separated, saturated or supersaturated (with a 2: of later rounds); "
    "two that agree are joined by a plus sign",
    "geometry": "Its geometry: mixed, slab, cylinder or sphere; of two, joined by a plus sign in the same order",
    "start_gap": "Difference between the starts, as a share of the curve's maximum, noise taken off",
    "compared_with": "The other start, which start_gap is the difference from (of two that are published together, the "
    "later one); empty where one start was run",
    "drift": "Largest drift between the halves of what is kept, as a normal deviate",
    "converged": "Whether the state meets every criterion of the dataset card",
    "reason": "Why it does not",
    "positions": "x0 y0 z0 x1 ...: coordinate = box_length * (value + 32768) / 65536",
    "types": "0 for A, 1 for B",
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
    for config, splits in schema.SPLITS.items():
        for split in splits:
            path = folder / config / f"{split}.parquet"
            if not path.is_file():
                continue
            key = f"{config}-{split}"
            files.append(
                mlc.FileObject(
                    ctx=context,
                    id=f"{key}.parquet",
                    name=f"{key}.parquet",
                    description=f"{config}, {split}",
                    content_url=f"{config}/{split}.parquet",
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
        description=COLUMN_TEXT.get(item.name, item.name.replace("_", " ")),
        data_types=[types[inner]],
        source=mlc.Source(
            ctx=context, file_object=f"{key}.parquet", extract=mlc.Extract(ctx=context, column=item.name)
        ),
        **shape,
    )
