"""The manifest's hash: one for all data of a dataset folder."""

from __future__ import annotations

import hashlib


def data_hash(files: dict[str, str]) -> str:
    """One hash for all data: of the sorted (path, SHA-256) of the parquet files."""
    digest = hashlib.sha256()
    for name in sorted(files):
        if name.endswith(".parquet"):
            digest.update(f"{name} {files[name]}\n".encode())
    return digest.hexdigest()
