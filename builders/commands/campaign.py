"""``binlj campaign run | exchange | mixed | status | archive | repair``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from binlj.builders.commands.options import default_store, duration, engine_options, need_build_extra, run_jobs
from binlj.errors import EngineError, InputError
from binlj.progress import progress_bar, progress_bars

if TYPE_CHECKING:
    from binlj.builders.analysis.assemble import StateResult
    from binlj.builders.campaign.running import Situation
    from binlj.grid import State


@click.group()
def campaign() -> None:
    """Simulate many states: run, exchange, mixed, status, archive, repair."""


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--store", type=click.Path(path_type=Path), default=None, help="The campaign's folder."
    )(command)


def set_option(command: Callable[..., Any]) -> Callable[..., Any]:
    return click.option(
        "--set",
        "which",
        type=click.Choice(["grid", "offgrid"]),
        default="grid",
        show_default=True,
        help="The 500 states of the grid or the 100 off-grid ones; each set has its own store.",
    )(command)


@campaign.command("run", short_help="Run the most urgent chains until done or out of budget.")
@store_option
@set_option
@click.option("--profile", default="release", show_default=True)
@click.option("--workers", default=1, show_default=True, help="LAMMPS runs at once.")
@click.option("--budget", help="Stop cleanly after this long, e.g. 45m or 2h.")
@click.option(
    "--site", default="local", show_default=True, help="Name in builders/campaign/sites/, or a site file of your own."
)
@click.option(
    "--states", "pattern", default="*", show_default=True, help="Only state ids that match this pattern."
)
@click.option(
    "--phase", "phases", type=click.IntRange(1, 3), multiple=True, help="Only these passes (1, 2, 3)."
)
@click.option("--replica", default=0, show_default=True, help="Independent repetition.")
@click.option("--max-tasks", type=int, help="Stop after this many tasks.")
@engine_options
def run_command(
    store: Path | None,
    which: str,
    profile: str,
    workers: int,
    budget: str | None,
    site: str,
    pattern: str,
    phases: tuple[int, ...],
    replica: int,
    max_tasks: int | None,
    lmp: str,
    lmp_args: str,
    launcher: str,
) -> None:
    """Run the campaign: most urgent state first, until done or out of budget.

    Safe to stop at any time (Ctrl-C, kill -9): only segments in flight are redone.
    """
    need_build_extra("freud", "numba", "parsl", "pymbar")
    from binlj.builders.campaign import running as campaigns
    from binlj.builders.md.engine import find_engine
    from binlj.builders.md.profiles import get_profile

    if workers < 1:
        raise InputError("--workers", [f"{workers} is not positive"])
    seconds = duration(budget) if budget else None
    folder = store or default_store(which)
    states = _states(pattern, which)
    with progress_bars() as progress:
        total = len(states)
        first = progress.add_task("first pass", total=total)
        second = progress.add_task("second starts", total=None)
        converged = progress.add_task("converged", total=total)
        shown = 0

        def report(situation: Situation, running: int, message: str) -> None:
            nonlocal shown
            wanted = {s.state_id for s in states}
            chains = situation.chains()
            mixed = sum(
                p.segments >= 2
                for (s, start, r), p in chains.items()
                if start == "mixed" and s in wanted and r == replica
            )
            apart = sum(
                p.segments >= 2
                for (s, start, r), p in chains.items()
                if start == "separated" and s in wanted and r == replica
            )
            need = apart + sum(
                q.needs_second_start for s, q in situation.quality.items() if s.state_id in wanted
            )
            ready = sum(q.converged for s, q in situation.quality.items() if s.state_id in wanted)
            progress.update(
                first, completed=mixed, description=f"first pass {mixed}/{total}, {running} running"
            )
            progress.update(
                second, completed=apart, total=max(need, 1), description=f"second starts {apart}/{need}"
            )
            progress.update(converged, completed=ready, description=f"converged {ready}/{total}")
            if message:
                progress.console.print(message, highlight=False, markup=False)
            elif not progress.console.is_terminal and mixed + apart >= shown + 10:
                shown = mixed + apart
                progress.console.print(
                    f"first pass {mixed}/{total}, second starts {apart}/{need}, converged {ready}/{total}"
                )

        outcome = campaigns.run(
            folder,
            states,
            profile=get_profile(profile),
            engine=find_engine(lmp, args=lmp_args, launcher=launcher),
            workers=workers,
            budget=seconds,
            site=site,
            replica=replica,
            phases=frozenset(phases or (1, 2, 3)),
            max_tasks=max_tasks,
            report=report,
        )
    click.echo(
        f"{outcome.segments} segments in {outcome.wall_seconds:.0f} s "
        f"(LAMMPS's own loops: {outcome.loop_seconds:.0f} s on {workers} workers); "
        + ("nothing left to do" if outcome.finished else "more to do: run the same command again")
    )
    if outcome.failures:
        raise EngineError(
            f"{len(outcome.failures)} chain(s) failed and were left alone:\n"
            + "\n".join(f"  - {f}" for f in outcome.failures)
        )


@campaign.command("exchange", short_help="Settle mixtures by identity exchange.")
@store_option
@set_option
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="LAMMPS runs at once.")
@click.option("--budget", help="Begin no further segment after this long, e.g. 45m or 2h.")
@click.option("--states", "pattern", default="*", help="All states whose ids match this pattern.")
@click.option("--dry-run", is_flag=True, help="Only list the states, the first to be run first.")
@engine_options
def exchange_command(
    store: Path | None, which: str, workers: int, budget: str | None, pattern: str, dry_run: bool, lmp: str,
    lmp_args: str, launcher: str,
) -> None:  # fmt: skip
    """Simulate states from two starts, with exchanges of A and B between stretches of dynamics.

    Diffusion is then not needed, and droplets forget how they began. Exchanges are accepted where the particles are of
    similar size or the temperature is high; other states are left out. Of states with such records only these count.
    By default these are the states that have not converged, and after them those that were run from several starts
    because they may demix. Both chains run 22,000 steps; where they do not agree then, every further call adds 10,000
    to the one that has not come to the other, or to whose errors are too large. The command can be stopped at any time;
    run it again to continue.
    """
    need_build_extra("freud", "numba", "pymbar")
    from binlj.builders.analysis.assemble import assemble_all
    from binlj.builders.campaign import identity_exchange
    from binlj.builders.campaign.fixed_plan import position
    from binlj.builders.md.profiles import get_profile
    from binlj.builders.records.store import usable_records
    from binlj.builders.records.survey import by_chain

    seconds = duration(budget) if budget else None
    folder = store or default_store(which)
    matching = [state for state in _states(pattern, which) if identity_exchange.possible(state)]
    if not matching:
        raise InputError(f"--states {pattern!r}", ["matches no state whose A and B exchange often enough"])
    chosen = {state.state_id for state in matching}
    records = usable_records(folder, state_ids=chosen).records
    with progress_bar("assembling", "states") as progress:
        results = {result.state: result for result in assemble_all(records, progress=progress)}
    states = identity_exchange.wanted(results) if pattern == "*" else matching
    if dry_run:
        click.echo("\n".join(f"{s.state_id}  {_judged(results.get(s))}" for s in states))
        return
    from binlj.builders.md.engine import find_engine

    steps = {chain: position(members) for chain, members in by_chain(records).items()}
    jobs = identity_exchange.plan(
        states, store=folder, profile=get_profile("release"), results=results, steps=steps
    )  # fmt: skip
    engine = find_engine(lmp, args=lmp_args, launcher=launcher)
    left = run_jobs(jobs, engine=engine, workers=workers, budget=seconds, as_given=True)
    click.echo(f"{len(jobs) - len(left)} of {len(jobs)} chains are done" + ("" if not left else "; run it again"))


@campaign.command("mixed", short_help="Run the chains of the mixed regime.")
@store_option
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="LAMMPS runs at once.")
@click.option("--budget", help="Begin no further segment after this long, e.g. 45m or 2h.")
@click.option("--dry-run", is_flag=True, help="Only say how many states have the whole window.")
@engine_options
def mixed_command(
    store: Path | None, workers: int, budget: str | None, dry_run: bool, lmp: str, lmp_args: str, launcher: str
) -> None:
    """Give every state a chain from a mixed start that fills the window of the mixed regime.

    First the states of the grid; then, for the scatter between runs, further chains of the states of the repetition
    test; then the off-grid states. Mixed chains of the other campaigns that fill the window count as well. A chain is
    finished before the next one of its worker begins. The command can be stopped at any time; run it again to continue.
    """
    from binlj.builders.campaign import mixed_regime
    from binlj.builders.md.profiles import get_profile
    from binlj.grid import grid
    from binlj.offgrid import offgrid

    seconds = duration(budget) if budget else None
    folder = store or default_store("mixed")
    elsewhere = mixed_regime.whole_windows(grid(), [default_store(name) for name in mixed_regime.ELSEWHERE])
    elsewhere |= mixed_regime.whole_windows(offgrid(), [default_store("offgrid")])
    repeated = mixed_regime.states_of(default_store("repeat"))
    if not dry_run:
        need_build_extra("freud", "numba")
        from binlj.builders.md.engine import find_engine

        profile = get_profile("release")
        jobs = mixed_regime.plan(grid(), store=folder, elsewhere=elsewhere, profile=profile, repeated=repeated)
        jobs += mixed_regime.plan(offgrid(), store=folder, elsewhere=elsewhere, profile=profile)
        engine = find_engine(lmp, args=lmp_args, launcher=launcher)
        run_jobs(jobs, engine=engine, workers=workers, budget=seconds)
    own = mixed_regime.whole_windows([*grid(), *offgrid()], [folder])
    runs = {state: len(elsewhere[state]) + len(own[state]) for state in own}
    counts = [
        (sum(runs[state] > 0 for state in grid()), len(grid()), "of the grid"),
        (sum(runs[state] >= mixed_regime.RUNS for state in repeated), len(repeated), f"{mixed_regime.RUNS} times"),
        (sum(runs[state] > 0 for state in offgrid()), len(offgrid()), "off the grid"),
    ]
    first, last = mixed_regime.WINDOW
    click.echo(
        f"states with the whole window, steps {first:,} to {last:,} after a mixed start: "
        + ", ".join(f"{n} of {of} {what}" for n, of, what in counts)
        + ("" if all(n == of for n, of, _ in counts) else "; run the same command again for the others")
    )


@campaign.command("status", short_help="Steps, errors and convergence of every state.")
@store_option
@set_option
@click.option("--profile", default="release", show_default=True)
@click.option(
    "--states", "pattern", default="*", show_default=True, help="Only state ids that match this pattern."
)
@click.option("--summary", is_flag=True, help="Totals only.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status_command(store: Path | None, which: str, profile: str, pattern: str, summary: bool, as_json: bool) -> None:
    """Steps, N_eff, drift, start gap and error of every state, and whether it has converged."""
    need_build_extra("pymbar")
    from binlj.builders.campaign import status
    from binlj.builders.md.profiles import get_profile

    rows = status.table(store or default_store(which), _states(pattern, which), get_profile(profile))
    if as_json:
        import json

        click.echo(json.dumps({"states": rows, "totals": status.totals(rows)}, indent=2))
        return
    if not summary:
        click.echo(status.render(rows))
    for name, value in status.totals(rows).items():
        click.echo(f"{name.replace('_', ' '):28s} {value}")


@campaign.command("archive")
@store_option
@set_option
@click.option(
    "--configurations",
    is_flag=True,
    help="Also archive the last configurations of unconverged states, so that another machine can continue them; not "
    "where a published snapshot serves (60 kB each).",
)
def archive_command(store: Path | None, which: str, configurations: bool) -> None:
    """Move loose records into one archive file, to commit or to copy."""
    from binlj.builders.records import store as stores

    folder = store or default_store(which)
    with stores.locked(folder):
        path, count = stores.pack(folder)
        click.echo(
            f"{count} records in {path}, {path.stat().st_size / 1e6:.2f} MB" if path else "no loose records"
        )
        if configurations:
            from binlj.builders.analysis.assemble import assemble_all, finished

            records = stores.usable_records(folder).records
            with progress_bar("assembling", "states") as progress:
                results = assemble_all(records, progress=progress)
            kept = finished(results)
            if which == "offgrid":  # no snapshots of these states are published: nothing goes on from a converged one
                kept = dict.fromkeys(kept, ())
            file, held = stores.write_configurations(folder, records, finished=kept)
            if file is None:
                click.echo("nothing goes beyond the published snapshots")
                return
            click.echo(f"{held} configurations in {file}, {file.stat().st_size / 1e6:.1f} MB")


@campaign.command("repair")
@store_option
@set_option
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
def repair_command(store: Path | None, which: str, dry_run: bool) -> None:
    """Set damaged files aside and continue each chain from its newest consistent record.

    Where a record is damaged or missing, the later ones of its chain are set aside too. Nothing is deleted: the folder
    `damaged/` in the store holds what was set aside, under its old path. Where there is a good copy of a file, bring
    that back instead.
    """
    from binlj.builders.records import repair
    from binlj.builders.records import store as stores

    folder = store or default_store(which)
    if not folder.is_dir():
        raise InputError("--store", [f"no folder {folder}"])
    with stores.locked(folder):
        found = repair.plan(folder)
        lines = found.lines(folder)
        click.echo("\n".join(lines or ["nothing to repair"]))
        if dry_run:
            click.echo("nothing was changed (--dry-run)")
        else:
            repair.carry_out(folder, found)


def _judged(result: StateResult | None) -> str:
    """What the records say of a state, in a few words."""
    return f"{result.phase}, {result.reason or 'converged'}" if result else "no records"


def _states(pattern: str, which: str) -> list[State]:
    from fnmatch import fnmatchcase

    from binlj.grid import grid
    from binlj.offgrid import offgrid

    states = [s for s in (grid() if which == "grid" else offgrid()) if fnmatchcase(s.state_id, pattern)]
    if not states:
        raise InputError(
            f"--states {pattern!r}", [f"matches no state of the set {which!r}"],
            fix=f"`binlj states --set {which}` lists them",
        )  # fmt: skip
    return states
