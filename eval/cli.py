"""``binlj template``, ``binlj evaluate`` and ``binlj compare``."""

from __future__ import annotations

from pathlib import Path

import click

from binlj.cli_track import track_options

_track = track_options("Which test set.")
_dataset = click.option(
    "--dataset", type=click.Path(path_type=Path, file_okay=False), help="Another copy of the dataset folder."
)
_file = click.Path(path_type=Path, dir_okay=False)
_boot = click.option("--n-boot", default=1000, show_default=True, help="Bootstrap resamples.")
_seed = click.option("--seed", default=0, show_default=True, help="Seed of the bootstrap.")


@click.command()
@_track
@_dataset
@click.argument("out", type=_file)
def template(track: str, dataset: Path | None, out: Path) -> None:
    """Write a valid predictions file to OUT: every key of the track, g = 1 everywhere."""
    from binlj.eval.predictions import template as make
    from binlj.eval.predictions import write_predictions

    frame = make(track, dataset=dataset)
    write_predictions(out, frame)
    click.echo(f"{out}: {len(frame)} curves to fill in (g = 1, the ideal gas, for now)")


@click.command()
@click.argument("predictions", type=_file)
@_track
@click.option("--json", "json_out", type=_file, help="Write the scores to this file.")
@click.option(
    "--plots", type=click.Path(path_type=Path, file_okay=False), help="Write four pictures to this folder."
)
@click.option("--losses", is_flag=True, help="Also print where skill is lost: by phase call, phase, pair, curve.")
@click.option(
    "--partial", is_flag=True,
    help="Let the file cover only some of the test states (whole ones); they are scored on their own.",
)
@_boot
@_seed
@_dataset
def evaluate(
    predictions: Path,
    track: str,
    json_out: Path | None,
    plots: Path | None,
    losses: bool,
    partial: bool,
    n_boot: int,
    seed: int,
    dataset: Path | None,
) -> None:
    """Score the file PREDICTIONS on a track."""
    from binlj.eval.report import print_scores
    from binlj.eval.scoring import evaluate_case

    case, scores = evaluate_case(
        predictions, track=track, dataset=dataset, n_boot=n_boot, seed=seed, partial=partial
    )
    print_scores(scores, str(predictions))
    if losses:
        from binlj.eval.losses import losses_markdown

        click.echo(f"\n{losses_markdown(case)}")
    if json_out:
        from binlj.files import write_json

        write_json(json_out, scores.to_dict(), sort=False)
        click.echo(f"scores: {json_out}")
    if plots:
        from binlj.eval.plots import write_plots

        for path in write_plots(case, scores, plots):
            click.echo(f"picture: {path}")


@click.command()
@click.argument("a", type=_file)
@click.argument("b", type=_file)
@_track
@click.option("--json", "json_out", type=_file, help="Write the comparison to this file.")
@click.option(
    "--metric", type=click.Choice(("skill", "r2")), default="skill", show_default=True,
    help="Shown first and by pair; the table has every other metric too.",
)
@_boot
@_seed
@_dataset
def compare(
    a: Path, b: Path, track: str, json_out: Path | None, metric: str, n_boot: int, seed: int,
    dataset: Path | None,
) -> None:
    """Compare the predictions files A and B by paired bootstrap."""
    from binlj.eval.comparison import compare as run
    from binlj.eval.report import print_comparison

    result = run(a, b, track=track, dataset=dataset, n_boot=n_boot, seed=seed)
    print_comparison(result, str(a), str(b), metric=metric)
    if json_out:
        from binlj.files import write_json

        write_json(json_out, result.to_dict(), sort=False)
        click.echo(f"comparison: {json_out}")
