"""The ``binlj`` command. Subcommands are imported when they run, so that ``--help`` stays instant."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import click

from binlj import __version__
from binlj.errors import BinljError, as_ours

ISSUES = "https://github.com/binlj-rdf/binlj-rdf/issues"

# name -> (module, attribute, one line for --help)
COMMANDS: dict[str, tuple[str, str, str]] = {
    "states": ("binlj.cli_data", "states_command", "List the 500 states of the grid."),
    "info": ("binlj.cli_data", "info_command", "Say which dataset is installed, and its size."),
    "simulate": ("binlj.builders.commands.simulate", "simulate", "Simulate one state with LAMMPS, segment by segment."),
    "resimulate": ("binlj.builders.commands.simulate", "resimulate", "Repeat two states and compare with the data."),
    "campaign": ("binlj.builders.commands.campaign", "campaign", "Simulate many states: run, status, archive, repair."),
    "assemble": (
        "binlj.builders.commands.release",
        "assemble",
        "Turn segment records into tables of RDFs with errors.",
    ),
    "publish": (
        "binlj.builders.commands.release",
        "publish",
        "Write the dataset folder (and push it to the Hub).",
    ),
    "verify": ("binlj.builders.commands.release", "verify", "Check the published dataset; list every problem."),
    "validate": (
        "binlj.builders.commands.validate",
        "validate",
        "Physics checks beyond verify: PeTS, repeatability, finite size.",
    ),
    "rdf": ("binlj.cli_structure", "rdf_command", "Predict g(r) of any mixture."),
    "explore": ("binlj.cli_structure", "explore_command", "Show g(r) of any mixture in the browser, with sliders."),
    "template": ("binlj.eval.cli", "template", "Write an empty, valid predictions file."),
    "evaluate": ("binlj.eval.cli", "evaluate", "Score a predictions file."),
    "compare": ("binlj.eval.cli", "compare", "Compare two predictions files by paired bootstrap."),
    "explain": ("binlj.eval.explain.cli", "explain", "Explainability: data, model, check."),
    "train": ("binlj.baselines.cli", "train", "Train a baseline on a track."),
    "predict": ("binlj.baselines.cli", "predict", "Predict a track's test set with a trained model."),
    "reproduce": ("binlj.baselines.cli", "reproduce", "Rerun one of the paper's experiments."),
    "submit": ("binlj.leaderboard.cli", "submit", "Prepare and check a submission."),
    "leaderboard": ("binlj.leaderboard.cli", "leaderboard", "Rescore all submissions and build the page."),
}


class LazyGroup(click.Group):
    """A group that knows its commands by name and loads each one only when it is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[cmd_name]
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, _, line) in COMMANDS.items()])


def load_model(folder: Path) -> Any:
    """Read a trained model. Handed to the commands here, so that the evaluator knows no model's code."""
    return importlib.import_module("binlj.baselines.model_files").load_model(folder)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "obj": load_model})
@click.version_option(__version__, prog_name="binlj")
def cli() -> None:
    """Radial distribution functions of binary Lennard-Jones mixtures: dataset, benchmark, leaderboard."""


def main(args: Sequence[str] | None = None) -> None:
    """Run the command line; print our own errors without a traceback."""
    try:
        cli.main(args=args, prog_name="binlj", standalone_mode=False)
        sys.stdout.flush()
    except BinljError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except Exception as error:
        _unexpected(error)


def _unexpected(error: Exception) -> NoReturn:
    """One line for what the system or a damaged file is to blame for; a traceback for our own defects."""
    ours = as_ours(error)
    if ours is None:
        traceback.print_exception(error)
        click.echo(f"This is a defect of binlj {__version__}; please report it with these lines: {ISSUES}", err=True)
    else:
        click.echo(f"error: {ours}", err=True)
    # What the standard output could not take must not be tried again at exit.
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(1 if ours is None else ours.exit_code)


if __name__ == "__main__":
    main()
