"""``binlj states`` and ``binlj info``: look at the grid and at the installed dataset."""

from __future__ import annotations

import click

from binlj import paths
from binlj.grid import grid
from binlj.offgrid import offgrid


@click.command("states")
@click.option(
    "--set",
    "which",
    type=click.Choice(["grid", "offgrid"]),
    default="grid",
    show_default=True,
    help="The 500 states of the grid or the 100 off-grid ones.",
)
def states_command(which: str) -> None:
    """List the states: id, T*, C_B, S, eps_AB."""
    chosen = grid() if which == "grid" else offgrid()
    lines = [f"{s.state_id}  {s.T:g}  {s.C_B:g}  {s.S:g}  {s.eps_AB:g}" for s in chosen]
    click.echo("\n".join(lines))


@click.command("info")
def info_command() -> None:
    """Say which dataset is installed: version, hash, folder, rows, how many states have converged."""
    import pyarrow.parquet as pq

    from binlj.data import dataset_info, track_hash, tracks_of
    from binlj.schema import SPLITS, TRACKS, split_files

    folder = paths.dataset_dir()
    info, tracks = dataset_info(), tracks_of(folder)
    click.echo(f"binlj-rdf {info['version']}  sha256 {info['data_sha256'][:16]}")
    click.echo(f"folder    {folder}")
    for config, splits in SPLITS.items():
        for split in splits:
            names = split_files(config, split)
            if not set(names) <= set(info["files"]) or (config in TRACKS and config not in tracks):
                rows: int | str = "not in this version"
            elif not all((folder / name).is_file() for name in names):
                rows = "not installed"
            else:
                rows = sum(pq.read_metadata(folder / name).num_rows for name in names)
            click.echo(f"{config:19s} {split:7s} {rows}")
    for split, which in (("all", "states"), ("offgrid", "off-grid states")):
        states = folder / "states" / f"{split}.parquet"
        if states.is_file():
            converged = pq.read_table(states, columns=["converged"])["converged"].to_pylist()
            why = "(why not: column `reason` of `states`)"
            click.echo(f"converged           {sum(converged)} of {len(converged)} {which} {why}")
    for track in tracks:
        click.echo(f"sha256 of what {track} scores follow from: {track_hash(info, track)[:16]}")
