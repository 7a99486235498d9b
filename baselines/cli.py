"""``binlj train``, ``binlj predict``, ``binlj reproduce``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from binlj.baselines.registry import MODELS
from binlj.cli_track import regime_option, track_flags, track_options
from binlj.errors import InputError

DATASET = click.option(
    "--dataset",
    type=click.Path(file_okay=False, path_type=Path),
    help="Dataset folder; default: the installed one.",
)
FOLDER = click.Path(file_okay=False, path_type=Path)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    help=f"""Train model NAME on a track.

    NAME is one of: {", ".join(MODELS)}.

    Writes the model, metadata.json and loss.png into --out. A killed training goes on where it stopped.
    """
)
@click.argument("name", type=click.Choice(list(MODELS)), metavar="NAME")
@track_options("Which training split.")
@click.option("--out", type=FOLDER, required=True, help="Folder of the run; a finished equal run is reused.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True)
@click.option(
    "--set", "settings", multiple=True, metavar="KEY=VALUE", help="A parameter of the model, e.g. epochs=200."
)
@click.option("--threads", type=click.IntRange(min=1), help="TensorFlow's threads.")
@click.option("--force", is_flag=True, help="Replace another run in --out.")
@DATASET
def train(
    name: str,
    track: str,
    out: Path,
    seed: int,
    settings: tuple[str, ...],
    threads: int | None,
    force: bool,
    dataset: Path | None,
) -> None:
    # The help is in the decorator: the names come from the registry.
    from binlj.baselines.network import quiet_tensorflow
    from binlj.baselines.training import train_model
    from binlj.progress import progress_bar

    quiet_tensorflow(threads)
    with progress_bar(f"{name}, {track}") as progress:
        trained = train_model(
            name,
            track=track,
            out=out,
            dataset=dataset,
            seed=seed,
            parameters=parse_settings(settings),
            force=force,
            progress=progress,
        )
    seconds = trained.metadata["train_seconds"]
    click.echo(f"{out}: {'found finished' if trained.reused else 'trained'}, {seconds:.1f} s of training")


@click.command()
@click.argument("folder", type=FOLDER, metavar="DIR")
@click.option("--out", type=FILE, required=True, help="Predictions, parquet.")
@click.option("--states", type=FILE, help="Predict these instead: CSV or parquet with columns T, C_B, S, eps_AB.")
@DATASET
def predict(folder: Path, out: Path, states: Path | None, dataset: Path | None) -> None:
    """Predict the test set of the track that the model in DIR was trained on; --out is a ready submission.

    With --states, any states: --out has the columns T, C_B, S, eps_AB, pair, r and g.
    """
    from binlj.baselines.training import predict_states, predict_track
    from binlj.eval import write_predictions

    if states is not None:
        from binlj.files import replacing
        from binlj.structure import read_states

        found = predict_states(folder, read_states(states))
        with replacing(out) as temporary:
            found.to_parquet(temporary, index=False)
        click.echo(f"{out}: {len(found)} RDFs")
        return
    frame, track = predict_track(folder, dataset=dataset)
    write_predictions(out, frame)
    click.echo(
        f"{out}: {len(frame)} RDFs, {track} track; score it with: binlj evaluate {track_flags(track)} {out}"
    )


@click.command()
@click.argument("experiment", metavar="EXPERIMENT")
@click.option(
    "--out", type=FOLDER, default=Path("out/reproduce"), show_default=True, help="Runs, numbers, pictures."
)
@click.option(
    "--epochs", type=click.IntRange(min=1), default=1000, show_default=True, help="Epochs of the network."
)
@click.option("--seeds", type=click.IntRange(min=1), help="How many seeds. Default: 3, benchmark 1.")
@click.option("--models", help="benchmark only: comma-separated names, or all. Default: dnn,xgboost.")
@click.option(
    "--workers", type=click.IntRange(min=1), default=2, show_default=True, help="Trainings at a time."
)
@regime_option
@DATASET
def reproduce(
    experiment: str,
    out: Path,
    epochs: int,
    seeds: int | None,
    models: str | None,
    workers: int,
    regime: str,
    dataset: Path | None,
) -> None:
    """Rerun one of the paper's experiments; numbers and pictures beside the paper's.

    With --regime mixed, on the first steps after random mixing; the names of the files then end with -mixed. The first
    five exist in both regimes, and benchmark covers both.

    \b
    interpolation   R2 on held-out states and with the paper's point-wise random split (Fig. 2)
    extrapolation   R2 at T* = 0.6 and 1.4, loss, parity (Fig. 3)
    overlays        predicted and actual RDFs at T* = 0.6 and 1.4 (Fig. 4)
    failing-case    BB at T* = 0.6, C_B = 0.01, S = 1.5, eps_AB = 0.2 (Fig. 5)
    learning-curve  R2 and skill against the number of training points (Fig. 6)
    timing          seconds to learn 100 RDFs, and to predict one
    summary         the numbers of the above beside the paper's in both regimes, from the runs in --out
    selection       what each part of fitted_theory adds on curves held out of the training splits
    rdf-model       fit fitted_theory to all 500 states, for binlj.rdf
    benchmark       train and score models on each track, one table; without --models, the network on interpolation and
                    extrapolation in equilibrium, xgboost on all
    """
    from binlj.baselines.network import quiet_tensorflow
    from binlj.baselines.reproduce import Settings, run_experiment

    quiet_tensorflow()
    names = tuple(MODELS) if models == "all" else tuple(models.split(",")) if models else None
    settings = Settings(
        out=out, dataset=dataset, epochs=epochs, seeds=seeds, workers=workers, models=names,
        regime="mixed" if regime == "mixed" else None,
    )  # fmt: skip
    click.echo(run_experiment(experiment, settings))


def parse_settings(settings: tuple[str, ...]) -> dict[str, Any]:
    """Turn ``("epochs=200", "schedule=cosine")`` into a dictionary; values are JSON, else text.

    Raises
    ------
    InputError
        Listing every entry that is not of the form KEY=VALUE.
    """
    bad = [f"{s!r} is not of the form KEY=VALUE" for s in settings if not s.partition("=")[0] or "=" not in s]
    if bad:
        raise InputError("--set", bad, fix="for example --set epochs=200")
    out: dict[str, Any] = {}
    for entry in settings:
        key, _, text = entry.partition("=")
        try:
            out[key] = json.loads(text)
        except ValueError:
            out[key] = text
    return out
