"""What the dataset card says of the mixed regime."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from binlj.builders.analysis.window import ENOUGH, SETTLED_SAMPLES, WINDOW
from binlj.grid import grid
from binlj.markdown import markdown_table
from binlj.schema import regime_of

if TYPE_CHECKING:
    import pandas as pd

TIME_STEP = 0.005


def mixed_configs(sizes: Mapping[str, str]) -> str:
    """Rows of the table of configs.

    Parameters
    ----------
    sizes : mapping
        Config -> its splits and their rows, empty where the folder does not have it.
    """
    mixed = {config: size for config, size in sizes.items() if regime_of(config) == "mixed" and size}
    return "".join(
        f"| `{config}` | {size} | as `{config.removeprefix('mixed_')}`, in the mixed regime: not equilibrium |\n"
        for config, size in mixed.items()
    )


def mixed_text(states: pd.DataFrame | None) -> str:
    """Protocol, meaning and state of the mixed regime, as Markdown.

    Parameters
    ----------
    states : DataFrame or None
        ``mixed_states``; None if the folder does not have it.
    """
    if states is None:
        return "This copy of the dataset does not include it."
    first, last = WINDOW
    phases = markdown_table(
        ["phase in the window", "states"], [[str(name), str(n)] for name, n in states.phase.value_counts().items()]
    )
    short, missing = int((~states.converged).sum()), len(grid()) - len(states)
    notes = f" {short} of them do not have the whole window (`converged` is false)." if short else ""
    notes += f" **INCOMPLETE: {missing} states are missing.**" if missing else ""
    return f"""**These curves are not equilibrium.** They are averages over the first {last * TIME_STEP:g} τ after
random mixing: steps {first:,} to {last:,} after the start procedure, one run from a random configuration for every
state, with the same model, ensemble and number of particles as above. Mixtures that demix have only begun to do
so.{notes}

The numbers of the paper that this benchmark follows, and its finding that S dominates, come back in this regime and not
in equilibrium. What the paper's own data looked like is not known: it reports 10⁷ + 10⁷ steps and shows one
configuration with small clusters. Use the configs without `mixed_` unless you want to compare with the paper.

The columns are the same. `equilibration_steps` are the steps before the window and `production_steps` those inside it.
Runs of the equilibrium campaign serve where their blocks cover at least {ENOUGH:,} steps of the window; a block that
reaches over its ends does not count. `converged` says that this is so; no criterion of equilibrium is applied.
`g_stderr` is the block standard error within the window times a factor for the scatter between runs. The factor is the
root of the ratio of the two variances, from states that were run several times with different seeds
(`binlj campaign mixed`): one for each pair, and separately for states that have demixed within the window, that change
in it without having demixed (fewer than {SETTLED_SAMPLES:g} effectively independent samples, `n_eff`), and that hardly
change; before 3.0.0 the last two had one factor. For single states the errors can be too small, above all where A and B
exchange places slowly: composition waves as long as the box last longer than the window, and move AB against AA and BB
at all distances. A few states with S = ε_AB = 1, which are one substance, differ by more than their errors
(`binlj verify` names them).

{phases}"""
