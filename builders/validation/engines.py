"""Do different builds of LAMMPS give the same fluid? Records of one engine against another's, state by state.

A store may hold records of several engines (another version, mixed precision, a GPU). They describe the same model, so
in equilibrium they must agree within their errors. Every published start whose equilibrated part holds records of the
reference engine (the one with the most steps) and of another one is a test of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from binlj.builders.analysis import equilibration
from binlj.builders.analysis.assemble import by_state
from binlj.builders.analysis.block_errors import Blocks, even_out, mean_and_error
from binlj.builders.analysis.chains import chains_by_start, equilibrated_parts
from binlj.builders.analysis.reconcile import OPEN_GAP, choose, dilute_limit
from binlj.builders.records.record import SegmentRecord
from binlj.builders.validation.output import new_figure, number
from binlj.builders.validation.repeat import ChiSquare, chi_square
from binlj.grid import PAIRS, State
from binlj.markdown import markdown_table
from binlj.schema import MERGE, N_BINS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCALARS = ("energy", "density")
MIN_BLOCKS = 4  # of each engine: fewer have no error worth the name
DRIFTS = 2.0  # standard deviations between an engine's halves; a start that moves compares its own past and present
OUTLIER = 3.0


@dataclass(frozen=True)
class Comparison:
    """One start of one state by two engines.

    Attributes
    ----------
    steps : (int, int)
        Equilibrated steps of the reference engine and of the other.
    relative, error : dict
        Scalar -> other / reference - 1, and its standard error.
    chi : tuple of ChiSquare
        Of the difference in g(r): AA, AB, BB.
    """

    state: State
    start: str
    steps: tuple[int, int]
    relative: Mapping[str, float]
    error: Mapping[str, float]
    chi: tuple[ChiSquare, ...]

    def deviate(self, scalar: str) -> float:
        """The difference in standard errors."""
        return self.relative[scalar] / self.error[scalar]


def label(record: SegmentRecord) -> str:
    """Version and arguments: what makes an engine another one."""
    return f"{record.engine}, `{record.engine_args}`"


def reference(records: Sequence[SegmentRecord]) -> str:
    """The engine that made most steps."""
    steps: dict[str, int] = {}
    for record in records:
        steps[label(record)] = steps.get(label(record), 0) + record.steps
    return max(sorted(steps), key=lambda name: steps[name])


def compare(records: Sequence[SegmentRecord], other: str) -> list[Comparison]:
    """All published starts that the reference engine and `other` have both sampled in equilibrium.

    States whose starts still differ are left out: they move, and one engine may have seen them earlier than the other.
    """
    first = reference(records)
    found = []
    for state, mine in by_state(records).items():
        chains = chains_by_start(mine)
        parts = {start: equilibrated_parts(replicas) for start, replicas in chains.items()}
        choice = choose(state, [p for ps in parts.values() for p in ps])
        if any(OPEN_GAP in reason for reason in choice.reasons):
            continue
        for start in sorted({part.start for part in choice.kept}):
            since = max(part.equilibration_steps for part in parts[start])
            kept = [r for members in chains[start].values() for r in members if r.step_start >= since]
            one = _compare(state, start, *([r for r in kept if label(r) == name] for name in (first, other)))
            found += [] if one is None else [one]
    return found


def _compare(
    state: State, start: str, first: Sequence[SegmentRecord], other: Sequence[SegmentRecord]
) -> Comparison | None:
    a, b = _Sample.of(first, state), _Sample.of(other, state)
    if a is None or b is None or max(a.drift, b.drift) > DRIFTS:
        return None
    relative = {name: b.mean[name] / a.mean[name] - 1 for name in SCALARS}
    error = {name: float(np.hypot(a.error[name], b.error[name])) / abs(a.mean[name]) for name in SCALARS}
    chi = tuple(chi_square(a.g[i], a.g_stderr[i], b.g[i], b.g_stderr[i]) for i in range(len(PAIRS)))
    return Comparison(state, start, (a.steps, b.steps), relative, error, chi)


@dataclass(frozen=True)
class _Sample:
    steps: int
    mean: dict[str, float]
    error: dict[str, float]
    drift: float
    g: np.ndarray
    g_stderr: np.ndarray

    @classmethod
    def of(cls, records: Sequence[SegmentRecord], state: State) -> _Sample | None:
        """What some records say; None if they are too few for errors."""
        blocks = sum(r.n_blocks for r in records)
        if blocks < MIN_BLOCKS:
            return None
        chains: dict[int, list[SegmentRecord]] = {}
        for record in records:
            chains.setdefault(record.replica, []).append(record)
        series = {
            name: [np.concatenate([getattr(r, name) for r in members]) for members in chains.values()]
            for name in SCALARS
        }
        found = {name: equilibration.mean_and_error(parts) for name, parts in series.items()}
        errors = {name: error for name, (_, error, _) in found.items() if error}
        if len(errors) < len(SCALARS):
            return None
        g, g_stderr = mean_and_error(_blocks(records).rebin(MERGE), dilute=dilute_limit(state, N_BINS))
        return cls(
            sum(r.steps for r in records), {name: mean for name, (mean, _, _) in found.items()}, errors,
            max(abs(equilibration.drift(x)) for parts in series.values() for x in parts), g, g_stderr,
        )  # fmt: skip


def _blocks(records: Sequence[SegmentRecord]) -> Blocks:
    per_block = [r.n_frames // r.n_blocks for r in records]
    return even_out(
        Blocks(
            np.concatenate([r.counts for r in records]), np.concatenate([r.ideal_counts() for r in records]),
            np.repeat(per_block, [r.n_blocks for r in records]),
            np.repeat([r.replica for r in records], [r.n_blocks for r in records]),
        )
    )  # fmt: skip


def pooled(comparisons: Iterable[Comparison], scalar: str) -> tuple[float, float]:
    """Mean relative difference over all comparisons, weighted by 1 / error^2, and its standard error."""
    done = list(comparisons)
    weights = np.array([1 / c.error[scalar] ** 2 for c in done])
    values = np.array([c.relative[scalar] for c in done])
    return float(weights @ values / weights.sum()), float(weights.sum() ** -0.5)


def report(records: Sequence[SegmentRecord]) -> tuple[str, dict[str, Any], dict[str, list[Comparison]]]:
    """All engines against the reference: Markdown, data, and the comparisons by engine."""
    first = reference(records)
    names = sorted({label(r) for r in records})
    rows: list[list[str]] = []
    by_engine: dict[str, list[Comparison]] = {}
    engines: dict[str, list[dict[str, Any]]] = {}
    for name in [first, *(n for n in names if n != first)]:
        mine = [r for r in records if label(r) == name]
        steps, loops = sum(r.steps for r in mine), sum(r.loop_seconds for r in mine)
        wall = sum(r.wall_seconds for r in mine)
        rows.append(
            [name, f"{len(mine):,}", f"{steps:,}", number(sum(r.atom_steps for r in mine) / loops / 1e6),
             number(steps / wall, 0), str(sum(r.dangerous_builds for r in mine))]
        )  # fmt: skip
        if name != first:
            by_engine[name] = compare(records, name)
    lines = [
        "# Engines: do their records agree?", "",
        markdown_table(["engine", "segments", "steps", "10⁶ atom-steps / s (loops)", "steps / s (wall)",
                        "dangerous builds"], rows), "",
        "Speeds are of one core, as the records have them: other work on the machine is in them.",
    ]  # fmt: skip
    for name, done in by_engine.items():
        lines += ["", f"## {name} against {first}", ""]
        if not done:
            lines.append("No published start has been sampled by both, in equilibrium and without drift.")
            continue
        lines += _section(done)
        engines[name] = _data(done)
    return "\n".join(lines), {"reference": first, "engines": engines}, by_engine


def _section(done: Sequence[Comparison]) -> list[str]:
    rows = []
    for scalar in SCALARS:
        z = np.array([c.deviate(scalar) for c in done])
        mean, error = pooled(done, scalar)
        rows.append(
            [scalar, f"{100 * mean:+.4f} ± {100 * error:.4f} %", number(float(z.mean())),
             number(float(z.std(ddof=1)) if len(z) > 1 else None), f"{int((abs(z) > OUTLIER).sum())} of {len(z)}"]
        )  # fmt: skip
    curves = []
    for i, pair in enumerate(PAIRS):
        chi = np.array([c.chi[i].value for c in done if c.chi[i].bins])
        chance = sum(c.chi[i].value <= c.chi[i].by_chance()[1] for c in done if c.chi[i].bins)
        curves.append([pair, str(len(chi)), number(float(np.median(chi))), number(float(chi.mean())),
                       f"{chance} of {len(chi)}"])  # fmt: skip
    return [
        f"{len(done)} published starts of {len({c.state for c in done})} states were sampled by both in equilibrium "
        f"({sum(c.steps[0] for c in done):,} and {sum(c.steps[1] for c in done):,} steps).", "",
        markdown_table(["", "mean difference (weighted)", "mean, σ", "scatter, σ", f"beyond {OUTLIER:g} σ"], rows), "",
        "σ is the standard error of one start's difference; if the engines agree, its mean is 0 and its scatter 1.", "",
        markdown_table(["g(r)", "curves", "median χ² per bin", "mean", "at most 97.5 % chance"], curves),
    ]  # fmt: skip


def _data(done: Sequence[Comparison]) -> list[dict[str, Any]]:
    return [
        {
            "state_id": c.state.state_id, "start": c.start, "steps": list(c.steps),
            **{f"{name}_relative": c.relative[name] for name in SCALARS},
            **{f"{name}_error": c.error[name] for name in SCALARS},
            **{f"chi2_{pair}": c.chi[i].value for i, pair in enumerate(PAIRS)},
        }
        for c in done
    ]  # fmt: skip


def draw(by_engine: Mapping[str, Sequence[Comparison]]) -> Figure | None:
    """Differences in energy and density in standard errors, against the normal distribution; None without any."""
    from scipy import stats

    done = [c for comparisons in by_engine.values() for c in comparisons]
    if not done:
        return None
    figure = new_figure(8.0, 3.4)
    z = np.linspace(-4.5, 4.5, 181)
    for axes, scalar in zip(figure.subplots(1, len(SCALARS), sharey=True), SCALARS, strict=True):
        axes.hist([c.deviate(scalar) for c in done], bins=np.arange(-4.5, 4.6, 0.5), density=True, color="#9ecae1")
        axes.plot(z, stats.norm.pdf(z), color="#333333", lw=1.2, label="if they agree")
        axes.set(title=f"{scalar}, {len(done)} starts", xlabel="difference / standard error", xlim=(-4.5, 4.5))
        axes.legend(frameon=False, fontsize=8)
    return figure
