"""What an evaluation returns, and the schema of the JSON file it is written to."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

from binlj.schema import TRACKS

EVALUATOR_VERSION = "2.0.0"
SCHEMA_VERSION = "binlj-scores/2"

BREAKDOWNS = ("temperature", "phase", "converged", "states")

Values = dict[str, float | None]  # AA, AB, BB, overall -> value


@dataclass(frozen=True)
class Scores:
    """Scores of one submission on one track. None stands for "undefined" (e.g. R² of a constant).

    All values are over the scored states, the converged ones among those covered, unless said otherwise.

    Attributes
    ----------
    skill : dict
        The primary metric (:mod:`binlj.eval.skill`): AA, AB, BB, overall.
    skill_ci95 : dict
        Its 95 % intervals by bootstrap over mixtures (C_B, S, eps_AB), [low, high] each.
    skill_ceiling : dict
        The skill that the exact curves would be expected to reach, given the errors of the labels.
    r2, r2_ci95, noise_ceiling, ceiling_share : dict
        R², pooled over all points, as the paper has it; its interval and ceiling; R² over the ceiling.
    n_states, of_states : int
        How many of the track's test states the predictions cover, and how many there are. Where the
        first is smaller (``partial=True``), every value, the noise ceiling and the naive baselines are of the
        covered states alone, and do not compare with scores over all of them.
    n_scored_states : int
        How many of the covered states are converged, and so scored.
    n_curves, n_points : int
        Of the covered states.
    dataset_sha256, track_sha256 : str
        Hash of all published tables, and of those that the track's scores follow from
        (:func:`binlj.data.track_hash`): scores compare if the latter is the same.
    metrics : dict
        Every metric by name: title, unit, formula, better, values, ci95.
    by : dict
        The same values by ``temperature`` (off the grid: the nearest of the grid) and ``phase`` (scored states),
        by the ``converged`` flag ("yes", "no"; covered states), and by ``states``: "converged" (the headline
        values) and "all" covered.
    naive_r2, naive_skill : dict
        R² and skill of the naive baselines on the same states.
    """

    skill: Values
    skill_ci95: dict[str, list[float | None]]
    r2: Values
    r2_ci95: dict[str, list[float | None]]
    skill_ceiling: Values
    noise_ceiling: Values
    ceiling_share: Values
    track: str
    dataset_version: str
    dataset_sha256: str
    track_sha256: str
    n_states: int
    n_scored_states: int
    of_states: int
    n_curves: int
    n_points: int
    metrics: dict[str, dict[str, Any]]
    by: dict[str, dict[str, dict[str, Any]]]
    naive_r2: dict[str, Values]
    naive_skill: dict[str, Values]
    bootstrap: dict[str, Any]
    has_g_std: bool
    warnings: list[str]
    evaluator_version: str = EVALUATOR_VERSION
    schema_version: str = SCHEMA_VERSION

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON-ready dictionary that follows :func:`scores_schema`."""
        return asdict(self)

    def __repr__(self) -> str:
        skill = self.skill["overall"]
        value = "undefined" if skill is None else f"{skill:.3f}"
        return f"Scores({self.track!r}: skill {value} over {self.n_scored_states} states)"

    def __str__(self) -> str:
        from binlj.eval.report import scores_text

        return scores_text(self)

    def _repr_html_(self) -> str:
        from binlj.eval.report import scores_html

        return scores_html(self)

    def plot(self) -> Figure:
        """Draw the skill per pair and by temperature.

        Returns
        -------
        matplotlib.figure.Figure
            Left: skill per pair with 95 % intervals, the noise ceiling and the naive predictions. Right: skill of
            each pair at each T*. ``figure.axes`` holds both panels, and ``figure.savefig("scores.png")`` writes them.
        """
        from binlj.eval.plots import summary

        return summary(self)


def scores_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of :meth:`Scores.to_dict`.

    The number in ``schema_version`` changes when a field is removed or changes its meaning; new metrics
    and new fields do not change it.
    """
    number: dict[str, Any] = {"type": ["number", "null"]}
    bounds = {"type": "array", "items": number, "minItems": 2, "maxItems": 2}
    text = {"type": "string"}
    count = {"type": "integer", "minimum": 0}
    pairs = ["AA", "AB", "BB", "overall"]

    def per_pair(item: dict[str, Any], required: list[str]) -> dict[str, Any]:
        return {
            "type": "object", "properties": dict.fromkeys(pairs, item), "required": required,
            "additionalProperties": False,
        }

    group = {
        "type": "object",
        "properties": {
            "n_states": count,
            "metrics": {"type": "object", "additionalProperties": per_pair(number, ["overall"])},
        },
        "required": ["n_states", "metrics"],
    }
    metric = {
        "type": "object",
        "properties": {
            "title": text, "unit": text, "formula": text,
            "better": {"enum": ["higher", "lower", "nominal"]}, "target": number,
            "values": per_pair(number, ["overall"]), "ci95": per_pair(bounds, ["overall"]),
        },
        "required": ["title", "unit", "formula", "better", "target", "values", "ci95"],
    }
    properties: dict[str, Any] = {
        "skill": per_pair(number, pairs),
        "skill_ci95": per_pair(bounds, pairs),
        "r2": per_pair(number, pairs),
        "r2_ci95": per_pair(bounds, pairs),
        "skill_ceiling": per_pair(number, pairs),
        "noise_ceiling": per_pair(number, pairs),
        "ceiling_share": per_pair(number, pairs),
        "schema_version": {"const": SCHEMA_VERSION},
        "evaluator_version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "dataset_version": text,
        "dataset_sha256": text,
        "track_sha256": text,
        "track": {"enum": list(TRACKS)},
        "n_states": count, "n_scored_states": count, "of_states": count, "n_curves": count, "n_points": count,
        "metrics": {
            "type": "object", "additionalProperties": metric, "required": ["skill", "r2", "rmse", "mae"],
        },
        "by": {
            "type": "object",
            "properties": {
                name: {"type": "object", "additionalProperties": group}
                for name in BREAKDOWNS
            },
            "required": list(BREAKDOWNS),
        },
        "naive_r2": {"type": "object", "additionalProperties": per_pair(number, pairs)},
        "naive_skill": {"type": "object", "additionalProperties": per_pair(number, pairs)},
        "bootstrap": {
            "type": "object",
            "properties": {
                "resamples": count, "seed": {"type": "integer"}, "confidence": {"type": "number"},
                "unit": text, "n_units": count,
            },
            "required": ["resamples", "seed", "confidence", "unit", "n_units"],
        },
        "has_g_std": {"type": "boolean"},
        "warnings": {"type": "array", "items": text},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scores of one submission to the binlj-rdf benchmark",
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
    }
