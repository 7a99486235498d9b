"""The JSON document of the explainability track and its schema."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from binlj.data import dataset_info
from binlj.eval.explain.ranking import Ranking
from binlj.eval.scores import EVALUATOR_VERSION
from binlj.files import write_json
from binlj.schema import FEATURES

SCHEMA_VERSION = "binlj-explain/1"
KINDS = ("data", "model", "check", "parameters")


def document(
    kind: str,
    rankings: Sequence[Ranking],
    *,
    dataset: Path | None,
    settings: dict[str, Any],
    details: dict[str, Any],
    claim: dict[str, Any] | None = None,
    differences: Sequence[str] = (),
) -> dict[str, Any]:
    """Put results together with the dataset's version and hash, so that they can be told apart later.

    Parameters
    ----------
    kind : str
        ``data``, ``model``, ``check`` or ``parameters``.
    settings : dict
        Everything that decides the numbers: seed, sample sizes, sources with their hashes.
    """
    info = dataset_info(path=dataset)
    return {
        "schema_version": SCHEMA_VERSION,
        "evaluator_version": EVALUATOR_VERSION,
        "dataset_version": str(info["version"]),
        "dataset_sha256": str(info["data_sha256"]),
        "kind": kind,
        "settings": settings,
        "rankings": [r.to_dict() for r in rankings],
        "claim": claim,
        "differences": list(differences),
        "details": details,
    }


def write_document(path: Path, value: dict[str, Any]) -> None:
    """Check a document against its schema and write it."""
    import jsonschema

    jsonschema.validate(value, explain_schema())
    write_json(path, value)


def explain_schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of :func:`document`.

    The number in ``schema_version`` changes when a field is removed or changes its meaning.
    """
    text = {"type": "string"}

    def per_feature(item: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "properties": dict.fromkeys(FEATURES, item),
            "required": list(FEATURES),
            "additionalProperties": False,
        }

    number, share = {"type": "number"}, {"type": "number", "minimum": 0, "maximum": 1}
    answer = {"enum": ["yes", "no", "undecided"]}
    ranking = {
        "type": "object",
        "properties": {
            "method": text,
            "source": text,
            "strongest": {"enum": ["highest", "lowest"]},
            "order": {"type": "array", "items": {"enum": list(FEATURES)}, "minItems": 4, "maxItems": 4},
            "values": per_feature(number),
            "low": per_feature(number),
            "high": per_feature(number),
            "first_share": per_feature(share),
            "replicates": {"type": "integer", "minimum": 1},
            "uncertainty": text,
            "S_dominant": answer,
            "by_pair": {"type": "object", "additionalProperties": {"$ref": "#/$defs/ranking"}},
            "notes": {"type": "object"},
        },
        "additionalProperties": False,
    }
    ranking["required"] = sorted(ranking["properties"])  # type: ignore[call-overload]
    claim = {
        "type": "object",
        "properties": {
            "text": text,
            "holds": {"type": "boolean"},
            "S_lowest_entropy": answer,
            "S_highest_shap_dnn": {"enum": [*answer["enum"], "not given"]},
            "details": {"type": "object"},
        },
        "required": ["text", "holds", "S_lowest_entropy", "S_highest_shap_dnn", "details"],
        "additionalProperties": False,
    }
    properties: dict[str, Any] = {
        "schema_version": {"const": SCHEMA_VERSION},
        "evaluator_version": {"type": "string", "pattern": r"^\d+\.\d+\.\d+$"},
        "dataset_version": text,
        "dataset_sha256": text,
        "kind": {"enum": list(KINDS)},
        "settings": {"type": "object", "required": ["seed"]},
        "rankings": {"type": "array", "items": {"$ref": "#/$defs/ranking"}, "minItems": 1},
        "claim": {"anyOf": [{"type": "null"}, claim]},
        "differences": {"type": "array", "items": text},
        "details": {"type": "object"},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Feature rankings of the binlj-rdf explainability track",
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
        "$defs": {"ranking": ranking},
    }
