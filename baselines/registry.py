"""The models by name. A new model is one file and one line here."""

from __future__ import annotations

import importlib
import inspect
from dataclasses import dataclass
from numbers import Integral
from typing import Any

from binlj.baselines.protocol import Model
from binlj.errors import InputError


@dataclass(frozen=True)
class Entry:
    """Where a model's class is, the fixed arguments it is built with, and one line about it."""

    module: str
    attribute: str
    summary: str
    fixed: tuple[Any, ...] = ()


def _naive(name: str, summary: str) -> Entry:
    return Entry("binlj.baselines.naive_models", "NaiveModel", summary, (name,))


def _physics(learner: str, summary: str) -> Entry:
    return Entry("binlj.baselines.theory_residual", "TheoryResidual", summary, (f"{learner}_physics", learner))


MODELS: dict[str, Entry] = {
    "dnn": Entry("binlj.baselines.dnn", "Dnn", "the paper's network, 7-112-56-28-14-7-1, point-wise"),
    "xgboost": Entry("binlj.baselines.boosted", "Boosted", "gradient-boosted trees on the same seven inputs"),
    "dnn_physics": _physics("dnn", "the paper's layers on the residual of the integral equation"),
    "xgboost_physics": _physics("xgboost", "gradient-boosted trees on the residual of the integral equation"),
    "integral_equation": Entry(
        "binlj.baselines.integral_equation",
        "IntegralEquation",
        "no training: Ornstein-Zernike equation and two-phase geometry; phases by PeTS and that equation",
    ),
    "fitted_theory": Entry(
        "binlj.baselines.fitted_theory.model",
        "FittedTheory",
        "the same theory on a corrected equation of state, plus a learned residual; gives g_std",
    ),
    "ideal_gas": _naive("ideal_gas", "g(r) = 1"),
    "mean_rdf": _naive("mean_rdf", "the mean training RDF of the pair"),
    "nearest_temperature": _naive("nearest_temperature", "same composition at the nearest training temperature"),
    "nearest_scaled": _naive("nearest_scaled", "the nearest training state's RDF in r / sigma_ij"),
    "linear_T": _naive("linear_T", "g(r) linear in T* at each composition"),
    "linear_pmf": _naive("linear_pmf", "potential of mean force linear in 1/T* at each composition"),
}


def make_model(name: str, **parameters: Any) -> Model:
    """Build an untrained model.

    Parameters
    ----------
    name : str
        A key of ``MODELS``.
    **parameters
        The model's own parameters; the rest keep their defaults.

    Raises
    ------
    InputError
        If the name or a parameter is unknown.
    """
    if name not in MODELS:
        raise InputError(f"model {name!r}", ["no such model"], fix=f"use one of: {', '.join(MODELS)}")
    entry = MODELS[name]
    build = getattr(importlib.import_module(entry.module), entry.attribute)
    problems = [
        f"{key} = {value!r} must be a whole number"
        for key, value in parameters.items()
        if key in (known := inspect.signature(build).parameters)
        and type(known[key].default) is int
        and (isinstance(value, bool) or not isinstance(value, Integral))
    ]
    if problems:
        raise InputError(f"parameters of model {name!r}", problems)
    try:
        model: Model = build(*entry.fixed, **parameters)
    except TypeError as error:
        raise InputError(f"parameters of model {name!r}", [str(error)], fix="see the model's docstring") from None
    return model
