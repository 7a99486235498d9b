"""``README.md`` of the dataset from ``dataset_card.md``: every number is taken from the data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq

from binlj import schema
from binlj.builders.analysis import criteria
from binlj.builders.release.card_convergence import convergence_values, exchange_text, geometry_values, offgrid_text
from binlj.builders.release.card_front_matter import rows, yaml_configs, yaml_dataset_info
from binlj.builders.release.dominance import dominance_rows
from binlj.builders.release.mixed_card import mixed_configs, mixed_text
from binlj.builders.starts.kinds import KINDS
from binlj.columns import column_table
from binlj.data import curves, read_file
from binlj.errors import InputError
from binlj.grid import PAIRS, State, grid, parse_state_id
from binlj.markdown import percent

if TYPE_CHECKING:
    import pandas as pd

_PLACEHOLDER = re.compile(r"\{\{ *(\w+) *\}\}")
PAPER = "10.1039/D5SM00198F"


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill ``{{ name }}`` placeholders.

    Raises
    ------
    InputError
        Listing every placeholder without a value and every value without a placeholder.
    """
    wanted = set(_PLACEHOLDER.findall(template))
    problems = [f"no value for {{{{ {name} }}}}" for name in sorted(wanted - set(values))]
    problems += [f"nothing asks for {name}" for name in sorted(set(values) - wanted)]
    if problems:
        raise InputError("dataset_card.md", problems, fix="keep the card and builders/release/card*.py in step")
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)


def card_values(
    folder: Path, tables_of_states: Mapping[tuple[str, str], pd.DataFrame],
    *, version: str, released: str, data_sha256: str,
) -> dict[str, str]:  # fmt: skip
    """Everything the card says, from the dataset's own tables.

    Parameters
    ----------
    folder : Path
        The dataset folder with its parquet files.
    tables_of_states : mapping
        (config, split) -> its tables of states, e.g. of ``("mixed_states", "all")``.
    """
    states = tables_of_states["states", "all"]
    tables = {config: _present(folder, config) for config in schema.SPLITS}
    n = len(states)
    values = {
        "version": version,
        "released": released,
        "data_sha256": data_sha256,
        "n_states": str(n),
        "n_rdf": str(n * len(PAIRS)),
        "partial_notice": _partial_notice(n),
        "n_particles": _several(states.n_A + states.n_B),
        "n_dilute": _several(states.n_B[states.C_B == 0.01]),
        "decks": ", ".join(f"`{v}`" for v in sorted(set(states.deck_sha256))),
        "engines": ", ".join(sorted({name for engines in states.engine for name in str(engines).split("; ")})),
        "atom_steps": f"{states.atom_steps.sum():.3g}",
        "production_text": _production(states),
        "yaml_configs": yaml_configs(tables, version=version, data_sha256=data_sha256),
        "yaml_dataset_info": yaml_dataset_info(tables),
        "citation": citation(version),
        "dominance_rows": dominance_rows(folder, n),
        "rdf_columns": column_table(schema.rdf_schema(schema.N_BINS).names),
        "states_columns": column_table(
            name for name in schema.states_schema(version).names if name not in (schema.KEYS[0], *schema.FEATURES)
        ),
        "snapshots_columns": column_table(
            name for name in schema.snapshots_schema().names if name not in ("state_id", "start")
        ),
        "start_rows": "\n".join(f"| `{kind.name}` | {kind.description} | {kind.where} |" for kind in KINDS),
        "tail_text": _tails(folder, states),
        "offgrid_text": offgrid_text(tables_of_states.get(("states", "offgrid"))),
        "exchange_text": exchange_text(states),
        "mixed_text": mixed_text(tables_of_states.get(("mixed_states", "all"))),
    }
    sizes = {
        config: ", ".join(f"{schema.LIBRARY_SPLIT[s]} {rows(files)}" for s, files in splits.items())
        for config, splits in tables.items()
    }
    for config in (c for c in sizes if schema.regime_of(c) == "equilibrium"):
        values[f"rows_{config}"] = sizes[config] or "not included"
    values["mixed_configs"] = mixed_configs(sizes)
    return values | _quality(states) | convergence_values(states) | geometry_values(states) | _thresholds()


def _present(folder: Path, config: str) -> dict[str, list[pq.ParquetFile]]:
    """The splits of a config that are there, with their files."""
    if not (folder / config).is_dir():
        return {}  # a track may have its training files elsewhere
    names = {split: schema.split_files(config, split) for split in schema.SPLITS[config]}
    return {
        split: [pq.ParquetFile(folder / name) for name in files]
        for split, files in names.items()
        if all((folder / name).is_file() for name in files)
    }


def citation(version: str) -> str:
    """BibTeX of the dataset and of the paper it follows."""
    return (
        "@misc{binlj-rdf,\n"
        "  title = {binlj-rdf: radial distribution functions of binary {Lennard-Jones} mixtures},\n"
        f"  note = {{Dataset, version {version}}}\n}}\n"
        "@article{hashmi2025binary,\n  title = {An explainable {ML} model for binary {LJ} fluids},\n"
        "  author = {Hashmi, Israrul H. and Karmakar, Rahul and Maniteja, Marripelli and Ayush, Kumar and "
        "Patra, Tarak K.},\n"
        f"  journal = {{Soft Matter}},\n  year = {{2025}},\n  doi = {{{PAPER}}}\n}}"
    )


def _several(values: pd.Series) -> str:
    found = sorted({int(v) for v in values})
    return ", ".join(f"{v:,}" for v in found) if found else "none"


def _partial_notice(n: int) -> str:
    whole = len(grid())
    if n == whole:
        return ""
    return (
        f"**INCOMPLETE: {n} of {whole} states, for development only. Do not cite or score against this.**\n\n"
    )


def _production(states: pd.DataFrame) -> str:
    p, e = states.production_steps, states.equilibration_steps
    return (
        f"Between {p.min():,} and {p.max():,} production steps per state (median {int(p.median()):,}), after "
        f"{e.min():,} to {e.max():,} steps of equilibration (median {int(e.median()):,})."
    )


def _tails(folder: Path, states: pd.DataFrame) -> str:
    """Where g of homogeneous states lies at large r."""
    fine = read_file(folder / "fine" / "all.parquet")
    fine = fine[fine.state_id.isin(states.state_id[states.phase == "homogeneous"])]
    if fine.empty:
        return ""
    r, low = schema.bin_centres(schema.N_FINE), criteria.FAR_RANGE[0]
    tails = np.average(curves(fine)[:, r > low], axis=1, weights=r[r > low] ** 2)
    medians = ", ".join(f"{np.median(tails[fine.pair == pair]):.5f} {pair}" for pair in PAIRS)
    return (
        f"In a dense homogeneous fluid g therefore tends to about 1 + 1/N at large r, not below 1 (median over the "
        f"homogeneous states beyond {low:g} σ: {medians})."
    )


def _quality(states: pd.DataFrame) -> dict[str, str]:
    states = states.set_index("state_id")
    values = {}
    for pair in PAIRS:
        errors = states[f"g_relative_error_{pair}"]
        targets = np.array([criteria.error_target(parse_state_id(str(i)), pair) for i in states.index])
        values[f"error_{pair}_median"] = percent(errors.median())
        values[f"error_{pair}_worst"] = f"{percent(errors.max())} (`{errors.idxmax()}`)"
        values[f"error_{pair}_beyond"] = str(int((errors > targets).sum()))
    alike = states[criteria.pets_applies(states["T"], states.S, states.eps_AB)]
    for name, deviation, bound in (
        ("energy", states.energy_from_rdf / states.energy - 1, criteria.ENERGY_TOLERANCE),
        ("pressure", states.pressure_from_rdf - 1, criteria.PRESSURE_TOLERANCE),
        ("pets", alike.density / alike.density_pets - 1, criteria.PETS_TOLERANCE),
    ):
        size = deviation.abs().dropna()
        if size.empty:
            values |= {f"{name}_{what}": "no such state" for what in ("median", "worst", "beyond")}
        else:
            values[f"{name}_median"] = percent(size.median())
            values[f"{name}_worst"] = (
                f"{percent(float(deviation.loc[str(size.idxmax())]))} (`{size.idxmax()}`)"
            )
            values[f"{name}_beyond"] = f"{int((size > bound).sum())} ({percent(bound)})"
    fluid = states[states.phase == "homogeneous"]
    off = (fluid.density / fluid.density_pets - 1).abs().median()
    values["pets_all"] = percent(off) if np.isfinite(off) else "no such state"
    return values


def _thresholds() -> dict[str, str]:
    dilute, usual = State(1.0, 0.01, 1.0, 1.0), State(1.0, 0.5, 1.0, 1.0)
    return {
        "solid_threshold": percent(criteria.SOLID_FRACTION),
        "solid_growth": percent(criteria.SOLID_GROWTH),
        "demixed_threshold": f"{criteria.DEMIXED_FLUCTUATION:g}",
        "min_production": f"{criteria.MIN_PRODUCTION_STEPS:,}",
        **{f"target_{pair}": percent(criteria.error_target(usual, pair)) for pair in PAIRS},
        "target_BB_dilute": percent(criteria.error_target(dilute, "BB")),
        "min_head": f"{criteria.MIN_HEAD_STEPS:,}",
        "drift_level": f"{criteria.DRIFT_LEVEL:g}",
        "min_judge": f"{criteria.MIN_STEPS_TO_JUDGE:,}",
        "min_approach": percent(criteria.MIN_APPROACH),
        "approach_ratio": f"{criteria.APPROACH_RATIO:g}",
        "gap_noise": f"{criteria.GAP_NOISE:g}",
        "gap_sigmas": f"{criteria.GAP_SIGMAS:g}",
        "gap_relative": percent(criteria.GAP_RELATIVE),
        "exchange_sigmas": f"{criteria.EXCHANGE_SIGMAS:g}",
        "energy_bound": percent(criteria.ENERGY_TOLERANCE),
        "pressure_bound": percent(criteria.PRESSURE_TOLERANCE),
    }
