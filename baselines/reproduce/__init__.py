"""The paper's experiments, one function each; results beside the paper's numbers."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import lazy_loader

from binlj.data import read_table
from binlj.errors import InputError

if TYPE_CHECKING:
    from binlj.baselines.reproduce.benchmark import benchmark_table
    from binlj.baselines.reproduce.runs import Settings

__all__ = ["EXPERIMENTS", "IN_REGIMES", "Settings", "benchmark_table", "run_experiment"]

# name -> module with a function run(settings) -> Result
EXPERIMENTS = {
    "interpolation": "interpolation",
    "extrapolation": "extrapolation",
    "overlays": "overlays",
    "failing-case": "failing_case",
    "learning-curve": "learning_curve",
    "timing": "timing",
    "selection": "selection_report",
    "summary": "summary",
    "rdf-model": "rdf_model",
    "benchmark": "benchmark",
}


IN_REGIMES = ("interpolation", "extrapolation", "overlays", "failing-case", "learning-curve")


def run_experiment(name: str, settings: Settings) -> str:
    """Run an experiment, write its JSON, Markdown and pictures into ``settings.out``; return its table.

    In the mixed regime the names of its files end with ``-mixed``.

    Raises
    ------
    InputError
        If there is no such experiment, or it does not exist in the regime asked for.
    DataError
        If the dataset is of a version without that regime.
    """
    if name not in EXPERIMENTS:
        raise InputError(
            f"experiment {name!r}", ["no such experiment"], fix=f"use one of: {', '.join(EXPERIMENTS)}"
        )
    if settings.regime == "mixed" and name not in IN_REGIMES:
        raise InputError(
            "--regime mixed", [f"{name} has no regime"], fix=f"leave it out, or use one of: {', '.join(IN_REGIMES)}"
        )
    if settings.regime == "mixed":
        read_table("extrapolation", "test", regime="mixed", path=settings.dataset)  # says so, where there is none
    module = importlib.import_module(f"binlj.baselines.reproduce.{EXPERIMENTS[name]}")
    return str(module.run(settings).write(name + settings.suffix, settings.out))

__getattr__, __dir__, _ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "benchmark": ["benchmark_table"],
        "runs": ["Settings"],
    },
)
