"""``binlj explain parameters``: what decides the phase, and what the structure within one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binlj.eval.explain.options import OPTIONS, bars, boot_option, with_options
from binlj.schema import MIXED, REGIMES

if TYPE_CHECKING:
    from binlj.eval.explain.parameters import Found


@click.command("parameters", short_help="What decides the phase, and what the structure?")
@with_options(OPTIONS)
@boot_option
@click.option(
    "--backgrounds",
    type=click.IntRange(0, 20),
    default=6,
    show_default=True,
    help="Off the grid: states that each of the 100 is compared with, about half a minute each; 0 leaves it out.",
)
def parameters_command(out: Path, seed: int, dataset: Path | None, n_boot: int, backgrounds: int) -> None:
    """What decides the phase, and what the structure within one, in each regime of the dataset and off the grid.

    Shapley effects and Sobol indices of the phase flag over the complete grid, of g(r) and g(r / sigma_ij) over the
    homogeneous states, and of the fitted theory at the 100 off-grid states. Writes a report with the answer in four
    sentences, a picture and a JSON file.
    """
    from binlj.data import dataset_info
    from binlj.eval.explain import answer, document, parameters_plot
    from binlj.eval.explain.parameters import explain_parameters
    from binlj.files import write_text

    info = dataset_info(path=dataset)
    has_mixed = set(MIXED.files) <= set(info["files"])
    regimes, left_out = [], []
    with bars() as bar:
        for regime in REGIMES if has_mixed else REGIMES[:1]:
            step = bar(f"{regime}: replicates", 2 * n_boot)
            regimes.append(explain_parameters(dataset, regime=regime, n_boot=n_boot, seed=seed, step=step))
        offgrid = _off_grid(backgrounds, n_boot, seed, bar) if backgrounds else None
    if not has_mixed:
        left_out.append(f"The dataset ({info['version']}) does not hold the mixed regime.")
    if offgrid is None:
        left_out.append("The fitted theory was not asked off the grid (`--backgrounds 0`).")
    groups = [*regimes, *([offgrid] if offgrid else [])]
    left_out += [text for found in groups for text in found.left_out]
    settings = {"seed": seed, "n_boot": n_boot, "backgrounds": backgrounds}
    picture = parameters_plot.plot_parameters(regimes, offgrid, out / "parameters.png")
    text = answer.report(
        regimes, offgrid, left_out=left_out, info=info, settings=settings, picture=picture.name
    )
    said = answer.sentences(regimes, offgrid)
    made = document.document(
        "parameters",
        [r for found in groups for measures in found.rankings.values() for r in measures.values()],
        dataset=dataset,
        settings=settings,
        details={"answer": said, "left_out": left_out, **{found.regime: found.details for found in groups}},
    )
    document.write_document(out / "parameters.json", made)
    write_text(out / "parameters.md", text)
    click.echo("\n".join(f"{k}. {line}" for k, line in enumerate(said, start=1)))
    click.echo("".join(f"Left out: {line}\n" for line in left_out), nl=False)
    click.echo(f"{out / 'parameters.md'}, .json and .png written")


def _off_grid(backgrounds: int, n_boot: int, seed: int, bar: Any) -> Found:
    from binlj.eval.explain import offgrid_model

    plan = offgrid_model.design(backgrounds=backgrounds, seed=seed)
    step = bar(f"fitted theory at {len(plan.states):,} states", len(plan.states))
    return offgrid_model.explain_offgrid(
        plan, offgrid_model.shipped_model(), n_boot=n_boot, seed=seed, step=step
    )
