"""``binlj template``, ``binlj evaluate`` and ``binlj compare``."""

from __future__ import annotations

from pathlib import Path

import click

from binlj.schema import TRACKS

_track = click.option("--track", type=click.Choice(TRACKS), required=True, help="Which test set.")
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
@_boot
@_seed
@_dataset
def evaluate(
    predictions: Path, track: str, json_out: Path | None, n_boot: int, seed: int, dataset: Path | None
) -> None:
    """Score the file PREDICTIONS on a track."""
    from binlj.eval.scoring import evaluate as run
    from binlj.files import write_json

    scores = run(predictions, track=track, dataset=dataset, n_boot=n_boot, seed=seed)
    for name, value in scores.r2.items():
        click.echo(f"R² {name}: {value}")
    if json_out:
        write_json(json_out, scores.to_dict())


@click.command()
@click.argument("a", type=_file)
@click.argument("b", type=_file)
@_track
@click.option("--json", "json_out", type=_file, help="Write the comparison to this file.")
@_boot
@_seed
@_dataset
def compare(
    a: Path, b: Path, track: str, json_out: Path | None, n_boot: int, seed: int, dataset: Path | None
) -> None:
    """Compare the predictions files A and B by paired bootstrap."""
    from binlj.eval.comparison import compare as run
    from binlj.files import write_json

    result = run(a, b, track=track, dataset=dataset, n_boot=n_boot, seed=seed)
    for name, row in result.r2.items():
        click.echo(f"R² {name}: {row}")
    if json_out:
        write_json(json_out, result.to_dict())
