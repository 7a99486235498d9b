"""``binlj explain data``, ``binlj explain model`` and ``binlj explain check``; ``parameters`` is beside."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binlj.cli_track import regime_option, track_options
from binlj.errors import InputError
from binlj.eval.explain.cli_parameters import parameters_command
from binlj.eval.explain.options import OPTIONS, bars, boot_option, with_options
from binlj.schema import regime_of

if TYPE_CHECKING:
    import pandas as pd

    from binlj.eval.explain.curve_report import CurveReport
    from binlj.eval.explain.map_report import MapReport
    from binlj.eval.explain.model_report import ModelReport
    from binlj.eval.explain.sources import Source

_path = click.Path(path_type=Path)
_maps = [
    click.option("--maps", type=click.IntRange(1, 200), default=20, show_default=True, help="UMAP seeds."),
    click.option(
        "--resamples",
        type=click.IntRange(0, 200),
        default=20,
        show_default=True,
        help="Bootstrap resamples of the states, each mapped anew.",
    ),
]
_track = track_options("Track of predictions that are given as files.", default="extrapolation")


@click.group()
def explain() -> None:
    """Explainability: what rules the structure, in the data and in a model's predictions."""


explain.add_command(parameters_command)


@explain.command("data", short_help="Rank the parameters by the data alone.")
@regime_option
@with_options(OPTIONS)
@with_options(_maps)
@boot_option
def data_command(
    regime: str, out: Path, seed: int, dataset: Path | None, maps: int, resamples: int, n_boot: int
) -> None:
    """Rank the features by the data alone: UMAP and mixing entropy, Sobol indices, Shapley values."""
    from binlj.eval.explain import document, verdict

    run = _explain_data(regime, seed, dataset, maps, resamples, n_boot)
    rankings = [*run.map.rankings, *run.map_scaled.rankings, *run.curves.rankings]
    _data_pictures(run, out)
    details = {"map": run.map.details, "map_scaled": run.map_scaled.details, "curves": run.curves.details}
    made = document.document("data", rankings, dataset=dataset, settings=run.settings, details=details)
    document.write_document(out / "data.json", made)
    click.echo(_read(dataset, regime))
    click.echo(verdict.table(rankings))
    click.echo(f"{out / 'data.json'} and pictures written")


@explain.command("model", short_help="Explain a model by Shapley values.")
@click.argument("paths", nargs=-1, required=True, type=_path, metavar="SUBMISSION-OR-MODEL...")
@click.option("--attributions", type=_path, help="Feature attributions (parquet) to score against the data.")
@click.option(
    "--write-attributions", type=_path, help="Write the model's mean |SHAP| as attributions, for a submission."
)
@_track
@with_options(OPTIONS)
@boot_option
def model_command(
    paths: tuple[Path, ...],
    attributions: Path | None,
    write_attributions: Path | None,
    track: str,
    out: Path,
    seed: int,
    dataset: Path | None,
    n_boot: int,
) -> None:
    """Explain a model: exact Shapley values on the grid, TreeExplainer for trees, agreement with the data.

    Give a model folder, several (seeds of one model), a submission folder or a predictions file.
    """
    from binlj.eval.explain import attributions as files
    from binlj.eval.explain import document, plots, verdict
    from binlj.eval.explain.curve_report import explain_curves, restrict_frames
    from binlj.eval.explain.curves import load_frames

    given = files.read_attributions(attributions) if attributions else None
    frames = load_frames(dataset, regime=regime_of(track))
    with bars() as bar:
        source = _source(paths, track, dataset, bar)
        own = restrict_frames(frames, source.runs[0])
        truth = explain_curves(*own, n_boot=n_boot, seed=seed, step=bar("noise of the data", 8 * n_boot))
        found = _explain(source, truth, n_boot=n_boot, seed=seed, bar=bar)
    given = source.attributions if given is None else given
    details: dict[str, Any] = {"models": {found.name: found.details}}
    if given is not None:
        details["attributions"] = files.score_attributions(given, truth.truth())
    out.mkdir(parents=True, exist_ok=True)
    plots.plot_shap(found, out / f"shap-{_slug(found.name)}.png")
    settings = {"seed": seed, "n_boot": n_boot, "sources": source.files, "track": track}
    notes = _stale([source], dataset)
    made = document.document(
        "model", found.rankings, dataset=dataset, settings=settings, details=details, differences=notes
    )
    document.write_document(out / f"model-{_slug(found.name)}.json", made)
    click.echo(_read(dataset, regime_of(track)))
    click.echo(verdict.table(found.rankings))
    click.echo("\n".join([*notes, _agreement_lines(found.details["agreement"], "the model")]))
    if given is not None:
        click.echo(_agreement_lines(details["attributions"], "the attributions"))
    if write_attributions is not None:
        exact = found.rankings[0].by_pair
        files.write_attributions(write_attributions, {pair: r.values for pair, r in exact.items()})
        click.echo(f"{write_attributions} written")
    click.echo(f"{out / f'model-{_slug(found.name)}.json'} and pictures written")


@explain.command("check", short_help="Does S dominate? Every method in one table.")
@click.option(
    "--dnn",
    "dnn",
    type=_path,
    multiple=True,
    required=True,
    help="The DNN: model folder, submission or predictions; repeat for seeds.",
)
@click.option("--xgboost", "xgboost", type=_path, multiple=True, help="The same for XGBoost.")
@click.option("--other", type=_path, multiple=True, help="Any other model, one each.")
@_track
@with_options(OPTIONS)
@with_options(_maps)
@boot_option
@click.option("--exit-code", is_flag=True, help="End with exit code 1 where the claim does not hold (for scripts).")
def check_command(
    dnn: tuple[Path, ...],
    xgboost: tuple[Path, ...],
    other: tuple[Path, ...],
    track: str,
    out: Path,
    seed: int,
    dataset: Path | None,
    maps: int,
    resamples: int,
    n_boot: int,
    exit_code: bool,
) -> None:
    """Does S dominate? Every method in one table, and whether the paper's claim holds.

    The regime is that of the data and of the predictions. The claim: S has the lowest mixing entropy, computed as in
    the paper, and the highest SHAP score of the DNN.
    """
    from binlj.eval.explain import document, plots, verdict

    groups = [("dnn", dnn), ("xgboost", xgboost), *((None, (p,)) for p in other)]
    with bars() as bar:  # first, since a wrong path should not cost minutes
        sources = _named([(label, _source(g, track, dataset, bar)) for label, g in groups if g])
    run = _explain_data(regime_of(track), seed, dataset, maps, resamples, n_boot)
    _data_pictures(run, out)
    rankings = [*run.map.rankings, *run.map_scaled.rankings, *run.curves.rankings]
    models: dict[str, Any] = {}
    details = {
        "map": run.map.details,
        "map_scaled": run.map_scaled.details,
        "curves": run.curves.details,
        "models": models,
    }
    claimed = None
    with bars() as bar:
        for source in sources:
            truth = _truth_on_its_states(run, source, seed)
            found = _explain(source, truth, n_boot=n_boot, seed=seed, bar=bar)
            claimed = claimed or found.rankings[0]
            rankings += found.rankings
            models[found.name] = found.details
            plots.plot_shap(found, out / f"shap-{_slug(found.name)}.png")
    claim = verdict.check_claim(rankings, dnn=claimed)
    notes = verdict.differences(rankings, claim) + _stale(sources, dataset)
    settings = {**run.settings, "track": track, "sources": {s.name: s.files for s in sources}}
    made = document.document(
        "check",
        rankings,
        dataset=dataset,
        settings=settings,
        details=details,
        claim=claim.to_dict(),
        differences=notes,
    )
    document.write_document(out / "check.json", made)
    click.echo(_read(dataset, regime_of(track)))
    click.echo(verdict.table(rankings))
    click.echo("\n".join(["", *notes]))
    click.echo(
        f"\nThe claim: {verdict.CLAIM}.\nEntropy: {claim.entropy}. SHAP of the DNN: {claim.shap}. "
        f"The claim {'holds' if claim.holds else 'does not hold'} on this data."
    )
    click.echo(f"{out / 'check.json'} and pictures written")
    if exit_code and not claim.holds:
        raise SystemExit(1)


def _read(dataset: Path | None, regime: str) -> str:
    """First line of a report: what it was made from."""
    from binlj.data import data_line

    return f"{data_line(dataset)} Regime: {regime}.\n"


@dataclass(frozen=True)
class _Data:
    """The two analyses that need no model, the tables they read, and their settings."""

    frames: tuple[pd.DataFrame, pd.DataFrame]
    map: MapReport
    map_scaled: MapReport
    curves: CurveReport
    settings: dict[str, Any]


def _explain_data(
    regime: str, seed: int, dataset: Path | None, maps: int, resamples: int, n_boot: int
) -> _Data:
    from binlj.eval.explain.curve_report import explain_curves
    from binlj.eval.explain.curves import load_frames
    from binlj.eval.explain.map_report import explain_map

    fine, coarse = load_frames(dataset, regime=regime)
    with bars() as bar:
        few = max(1, maps // 4), resamples // 4
        step, other = bar("maps", maps + resamples + sum(few)), bar("noise of the data", 8 * n_boot)
        mapped = explain_map(fine, seeds=maps, resamples=resamples, seed=seed, step=step)
        moved = explain_map(fine, seeds=few[0], resamples=few[1], seed=seed, scaled=True, step=step)
        curves = explain_curves(fine, coarse, n_boot=n_boot, seed=seed, step=other)
    return _Data(
        (fine, coarse), mapped, moved, curves,
        {"regime": regime, "seed": seed, "maps": maps, "resamples": resamples, "n_boot": n_boot},
    )


def _data_pictures(run: _Data, out: Path) -> None:
    from binlj.eval.explain import plots

    out.mkdir(parents=True, exist_ok=True)
    plots.plot_map(run.map, out / "map.png")
    plots.plot_k(run.map, out / "clusters.png")
    plots.plot_entropy(run.map.rankings, run.map.states, out / "entropy.png")
    plots.plot_map(run.map_scaled, out / "map-scaled.png")
    plots.plot_sobol(run.curves, out / "sobol.png")


def _truth_on_its_states(run: _Data, source: Source, seed: int) -> CurveReport:
    from binlj.eval.explain.curve_report import explain_curves, restrict_frames

    levels = source.runs[0]["AA"].levels
    if levels == run.curves.curves["r"]["AA"].levels:
        return run.curves
    # only the values are compared, so few noisy copies will do
    return explain_curves(*restrict_frames(run.frames, source.runs[0]), n_boot=20, seed=seed)


def _named(groups: list[tuple[str | None, Source]]) -> list[Source]:
    """Give each source the name of its option, or its own made unique."""
    problems = [
        f"--{label} was given a {source.name} model"
        for label, source in groups
        if label and source.trained and source.name != label
    ]
    if problems:
        raise InputError("options", problems, fix="--dnn and --xgboost take these models; --other takes any")
    out: list[Source] = []
    for label, source in groups:
        name, k = label or source.name, 2
        while name in {s.name for s in out}:
            name, k = f"{label or source.name}-{k}", k + 1
        out.append(replace(source, name=name))
    return out


def _stale(sources: list[Source], dataset: Path | None) -> list[str]:
    from binlj.data import dataset_info
    from binlj.eval.explain import verdict

    sha = str(dataset_info(path=dataset)["data_sha256"])
    return [text for source in sources for text in verdict.stale(source.trained_on, sha)]


def _source(paths: tuple[Path, ...], track: str, dataset: Path | None, bar: Callable[..., Any]) -> Source:
    from binlj.eval.explain.sources import open_sources

    load = click.get_current_context().obj  # the command line's, so that nothing here depends on any model's code
    return open_sources(paths, track=track, load_model=load, dataset=dataset, step=bar("predictions", None))


def _explain(source: Source, truth: CurveReport, *, n_boot: int, seed: int, bar: Callable[..., Any]) -> ModelReport:
    from binlj.eval.explain.model_report import explain_model, explain_trees

    n = max(n_boot, 1000)
    found = explain_model(source.name, source.runs, truth=truth, n_boot=n, seed=seed)
    if not source.boosters:
        return found
    tree, details = explain_trees(
        source.name, source.boosters, n_boot=n, seed=seed, step=bar("TreeExplainer", len(source.boosters))
    )
    return replace(found, rankings=[*found.rankings, tree], details={**found.details, "tree_explainer": details})


def _agreement_lines(scores: dict[str, dict[str, Any]], who: str) -> str:
    lines = [f"agreement of {who} with the data (mean of the pairs):"]
    for method, by_pair in scores.items():
        mean = by_pair["mean"]
        text = ", ".join(
            f"{k} {'undefined' if mean[k] is None else format(mean[k], '.2f')}"
            for k in ("kendall", "spearman", "overlap")
        )
        lines.append(f"  {method}: {text}")
    return "\n".join(lines)


def _slug(name: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in name)[:60]
