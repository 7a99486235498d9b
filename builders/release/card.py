"""``README.md`` of the dataset from ``dataset_card.md``: every number is taken from the data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from binlj import schema
from binlj.builders.analysis import criteria
from binlj.builders.analysis.reconcile import NOISY, PHASES
from binlj.builders.analysis.small_simulations import still_mixing
from binlj.builders.release.dominance import dominance_rows
from binlj.builders.release.mixed_card import mixed_configs, mixed_text
from binlj.builders.starts.coexistence_table import APART, start_phases
from binlj.builders.starts.geometry import CYLINDER_BELOW, SPHERE_BELOW, enclosed, next_surface, thin_slab
from binlj.builders.starts.kinds import KINDS, SEEDED, SHAPES
from binlj.columns import column_table
from binlj.data import curves, read_file
from binlj.errors import InputError
from binlj.grid import PAIRS, State, grid, parse_state_id
from binlj.markdown import markdown_table
from binlj.offgrid import offgrid

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
        raise InputError("dataset_card.md", problems, fix="keep the card and builders/release/card.py in step")
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
        "offgrid_text": _off_grid(tables_of_states.get(("states", "offgrid"))),
        "exchange_text": _exchange(states),
        "mixed_text": mixed_text(tables_of_states.get(("mixed_states", "all"))),
    }
    sizes = {
        config: ", ".join(f"{schema.LIBRARY_SPLIT[s]} {_rows(files)}" for s, files in splits.items())
        for config, splits in tables.items()
    }
    for config in (c for c in sizes if schema.regime_of(c) == "equilibrium"):
        values[f"rows_{config}"] = sizes[config] or "not included"
    values["mixed_configs"] = mixed_configs(sizes)
    return values | _quality(states) | _convergence(states) | _geometry(states) | _thresholds()


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
                        "num_examples": _rows(files),
                    }
                    for split, files in splits.items()
                ],
            }
        )
    return yaml.safe_dump({"dataset_info": entries}, sort_keys=False, width=200).rstrip()


def percent(value: float, digits: int = 2) -> str:
    return f"{100 * value:.{digits}g} %"


def _without_metadata(schema_: pa.Schema) -> pa.Schema:
    return schema_.remove_metadata()


def _rows(files: Iterable[Any]) -> int:
    return sum(file.metadata.num_rows for file in files)


def _bytes(file: Any) -> int:
    meta = file.metadata
    return sum(meta.row_group(i).total_byte_size for i in range(meta.num_row_groups))


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


def _exchange(states: pd.DataFrame) -> str:
    """The paragraph on identity exchange; empty where no state was made with it."""
    made = states.loc[states.exchanges > 0] if "exchanges" in states else states.iloc[:0]
    if made.empty:
        return ""
    low, high = made.exchanges.min(), made.exchanges.max()
    tries = f"{low}" if low == high else f"{low} to {high}"
    return f"""**Identity exchange.** An A and a B particle can exchange their species: a Monte Carlo step at fixed
positions that samples the same ensemble and needs no diffusion. Particles of equal size often do. Particles of
different size find room for each other more rarely. Where S is far from 1, or T\\* is low, hardly any exchange is
accepted, and the test is not available. {len(made)} states are published from two starts with exchange, {tries}
tries per particle between two frames (column `exchanges`), and {int(made.converged.sum())} of them have
converged. Plain runs of these states are not used, because some of them remember how they began;
`docs/validation/exchange.md` in the repository compares both. Exchange dissolved droplets at C_B = 0.01 that
plain runs had kept. A dilute droplet of a state without exchange may therefore be metastable.

"""


def _off_grid(states: pd.DataFrame | None) -> str:
    """How far the off-grid states have come."""
    if states is None:
        return "This copy of the dataset does not include them."
    n, steps = len(states), states.production_steps
    numbers = {phase: states.converged[states.phase == phase] for phase in PHASES}
    phases = markdown_table(
        ["phase", "states", "converged"], [[name, str(len(c)), str(int(c.sum()))] for name, c in numbers.items()]
    )
    counts: Counter[str] = Counter()
    for reason in states.reason[~states.converged]:
        counts.update({_kind(part) for part in str(reason).split("; ")})
    reasons = [[kind, str(count)] for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    head = ["criterion not met (a state may miss several)", "states"]
    table = "\n\n" + markdown_table(head, reasons) if reasons else ""
    missing = len(offgrid()) - n
    partial = f" **INCOMPLETE: {missing} states are missing.**" if missing else ""
    return (
        f"{int(states.converged.sum())} of {n} off-grid states are converged.{partial} They have between "
        f"{steps.min():,} and {steps.max():,} production steps (median {int(steps.median()):,}) and "
        f"{states.atom_steps.sum():.3g} atom-steps in all.\n\n{phases}{table}"
    )


def _convergence(states: pd.DataFrame) -> dict[str, str]:
    done, n = int(states.converged.sum()), len(states)
    counts: Counter[str] = Counter()
    for reason in states.reason[~states.converged]:
        counts.update({_kind(part) for part in str(reason).split("; ")})
    rows = [[kind, str(count)] for kind, count in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
    table = markdown_table(["criterion not met (a state may miss several)", "states"], rows) if rows else ""
    both = states.start_gap.notna()
    gaps = ""
    if both.any():
        gap = states[both].set_index("state_id").start_gap
        gaps = (
            f" Two starts or more were run for {int(both.sum())} states. Their difference, noise removed, is "
            f"{percent(gap.median())} of the curve's maximum (median) and {percent(gap.max())} at worst "
            f"(`{gap.idxmax()}`)."
        )
    starts = ", ".join(f"{name} {number}" for name, number in sorted(Counter(states.start).items()))
    phases = [
        f"| {phase} | {int((states.phase == phase).sum())} | "
        f"{int(((states.phase == phase) & states.converged).sum())} |"
        for phase in PHASES
    ]
    return {
        "converged_text": f"{done} of {n} states ({percent(done / n, 3)}) meet every criterion.{gaps} "
        f"Published starts: {starts}.",
        "reason_rows": table,
        "n_pure": str(sum(_pure(parse_state_id(state_id)) for state_id in states.state_id[both])),
        "pure_below": percent(criteria.PURE_PHASE),
        "n_one_sided": str(sum(still_mixing(parse_state_id(state_id)) for state_id in states.state_id)),
        "n_twins": str(sum(
            _twins(parse_state_id(state_id), start, other)
            for state_id, start, other in states.loc[
                states.converged & both, ["state_id", "start", "compared_with"]
            ].to_numpy()
        )),
        "twins_within": f"{APART:g}",
        "phase_rows": "\n".join(phases),
    }


def _pure(state: State) -> bool:
    """Whether the start from the pure side is as good as a separated one."""
    phases = start_phases(state, "saturated")
    return phases is not None and phases[0] < criteria.PURE_PHASE and phases[1] > 1 - criteria.PURE_PHASE


def _twins(state: State, start: str, compared_with: str) -> bool:
    """Whether the start that the published one was compared with began with the same phases, or nearly."""
    other = next((name for name in start.split("+") if name != compared_with), "")
    if not {other, compared_with} <= set(SEEDED):
        return False
    one, two = start_phases(state, other), start_phases(state, compared_with)
    return one is not None and two is not None and max(abs(a - b) for a, b in zip(one, two, strict=True)) < APART


def _geometry(states: pd.DataFrame) -> dict[str, str]:
    """Which geometries the published starts had, and where another one would have served as well."""
    numbers: Counter[str] = Counter()
    thin = 0
    close: Counter[tuple[str, float, float]] = Counter()
    columns = (states.state_id, states.start, states.geometry, states.phase)
    for state_id, start_text, geometry_text, phase in zip(*columns, strict=True):
        state = parse_state_id(state_id)
        thin += thin_slab(state, phase=phase, geometry=geometry_text)
        shapes = dict(zip(start_text.split("+"), geometry_text.split("+"), strict=True))
        numbers.update(set(shapes.values()))
        taken = {
            shape for start, shape in shapes.items()
            if start != "mixed" and next_surface(enclosed(state, start)) < 1 + criteria.CLOSE_SURFACE
        }  # fmt: skip
        close.update((shape, state.C_B, state.S) for shape in taken)
    listed = ", ".join(
        f"{shape} at C_B = {c:g}, S = {s:g} ({n})" for (shape, c, s), n in sorted(close.items())
    )
    return {
        "shapes": ", ".join(f"{shape} {numbers[shape]}" for shape in SHAPES if numbers[shape]),
        "thin_slabs": str(thin),
        "close": percent(criteria.CLOSE_SURFACE),
        "close_shapes": listed or "none",
        "sphere_below": percent(SPHERE_BELOW, 3),
        "cylinder_below": percent(CYLINDER_BELOW, 3),
    }


def _kind(reason: str) -> str:
    """A reason without its numbers, so that equal kinds can be counted."""
    for start, kind in (
        ("error of AA", "standard error of AA"),
        ("error of AB", "standard error of AB"),
        ("error of BB", "standard error of BB"),
        (NOISY, "errors too large to compare two starts"),
        ("start gap", "the two starts differ"),
        ("not equilibrated", "equilibration not established"),
        ("pressure from", "pressure from g(r)"),
        ("energy from", "energy from g(r)"),
        ("solubility beside", "solubility beside a droplet contradicts larger bodies"),
    ):
        if reason.startswith(start):
            return kind
    if "production steps" in reason:
        return "production steps"
    if " drifts" in reason:
        return "drift"
    return "second start not run" if "has not been run" in reason else reason


def _thresholds() -> dict[str, str]:
    dilute, usual = State(1.0, 0.01, 1.0, 1.0), State(1.0, 0.5, 1.0, 1.0)
    return {
        "solid_threshold": percent(criteria.SOLID_FRACTION),
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
