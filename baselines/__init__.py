"""Baseline models behind one small protocol: fit on a table of RDFs, predict curves, save without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING

__all__ = ["MODELS", "Model", "load_model", "make_model", "save_model", "train_model"]

if TYPE_CHECKING:
    from binlj.baselines.protocol import Model
    from binlj.baselines.registry import MODELS, make_model
    from binlj.baselines.store import load_model, save_model
    from binlj.baselines.training import train_model

_LAZY = {
    "MODELS": "binlj.baselines.registry",
    "Model": "binlj.baselines.protocol",
    "load_model": "binlj.baselines.store",
    "make_model": "binlj.baselines.registry",
    "save_model": "binlj.baselines.store",
    "train_model": "binlj.baselines.training",
}


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module 'binlj.baselines' has no attribute {name!r}")
    import importlib

    return getattr(importlib.import_module(_LAZY[name]), name)
