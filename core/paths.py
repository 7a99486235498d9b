"""Where the dataset and the LAMMPS input scripts are, in a clone and in an installed wheel."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def clone_root() -> Path | None:
    """The clone's root folder, or None when running from an installed wheel."""
    root = _PACKAGE.parent
    return root if (root / "setup.cfg").is_file() and (root / "dataset_card.md").is_file() else None


def dataset_dir() -> Path:
    """Folder of the published dataset (``binlj-rdf/`` in the clone, package data in a wheel)."""
    root = clone_root()
    return root / "binlj-rdf" if root else _PACKAGE / "_dataset"


def scripts_dir() -> Path:
    """Folder of the LAMMPS input scripts (``lammps/`` in the clone, package data in a wheel)."""
    root = clone_root()
    return root / "lammps" if root else _PACKAGE / "_decks"
