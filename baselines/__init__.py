"""Baseline models behind one small protocol: fit on a table of RDFs, predict curves, save without pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

__all__ = ["MODELS", "Model", "load_model", "make_model", "save_model", "train_model"]

if TYPE_CHECKING:
    from binlj.baselines.model_files import load_model, save_model
    from binlj.baselines.protocol import Model
    from binlj.baselines.registry import MODELS, make_model
    from binlj.baselines.training import train_model

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "protocol": ["Model"],
        "registry": ["MODELS", "make_model"],
        "model_files": ["load_model", "save_model"],
        "training": ["train_model"],
    },
)
