"""The dataset card's front matter: what the ``datasets`` library reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa

from binlj import schema
from binlj.grid import PAIRS


def yaml_configs(tables: Mapping[str, Mapping[str, Any]], *, version: str, data_sha256: str) -> str:
    """The ``configs`` entry of the front matter.

    The ``datasets`` library keys its cache on what stands here, not on the files' contents: so the data's
    hash is part of each entry, or a changed file would be served from the old cache.
    """
    import yaml

    entries = []
    for config, splits in tables.items():
        if not splits:
            continue
        entry: dict[str, Any] = {"config_name": config}
        if config == schema.DEFAULT_CONFIG:
            entry["default"] = True
        entry["version"] = re.match(r"\d+\.\d+\.\d+", version).group()  # type: ignore[union-attr]
        entry["description"] = f"data version {version}, sha256 {data_sha256}"
        entry["data_files"] = [
            {"split": schema.LIBRARY_SPLIT[split], "path": files[0] if len(files) == 1 else list(files)}
            for split in splits
            if (files := schema.split_files(config, split))
        ]
        entries.append(entry)
    return yaml.safe_dump({"configs": entries}, sort_keys=False, width=200).rstrip()


def yaml_dataset_info(tables: Mapping[str, Mapping[str, Any]]) -> str:
    """The ``dataset_info`` entry of the front matter: features and sizes of each config."""
    import yaml
    from datasets import ClassLabel, Features

    entries = []
    for config, splits in tables.items():
        if not splits:
            continue
        first = next(iter(splits.values()))[0]
        features = Features.from_arrow_schema(_without_metadata(first.schema_arrow))
        if "pair" in features:
            features["pair"] = ClassLabel(names=list(PAIRS))
        entries.append(
            {
                "config_name": config,
                "features": features._to_yaml_list(),
                "splits": [
                    {
                        "name": schema.LIBRARY_SPLIT[split],
                        "num_bytes": sum(map(_bytes, files)),
                        "num_examples": rows(files),
                    }
                    for split, files in splits.items()
                ],
            }
        )
    return yaml.safe_dump({"dataset_info": entries}, sort_keys=False, width=200).rstrip()


def _without_metadata(schema_: pa.Schema) -> pa.Schema:
    return schema_.remove_metadata()


def rows(files: Iterable[Any]) -> int:
    """Of several Parquet files together."""
    return sum(file.metadata.num_rows for file in files)


def _bytes(file: Any) -> int:
    meta = file.metadata
    return sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))
