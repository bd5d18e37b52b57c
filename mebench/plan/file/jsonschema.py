"""The JSON schema of benchmark files, for editors: the shape, and the names and parameters that are installed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mebench.plan.file.schema import Benchmark
from mebench.registry.entries import AttackEntry, ChannelEntry, DatasetEntry, MetricEntry, NetworkEntry, VictimEntry
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter
from mebench.registry.registry import Registry, composed

Schema = dict[str, Any]
_NAMED: Mapping[tuple[str, str], type[Entry]] = {
    ("VictimSection", "data"): DatasetEntry,
    ("VictimSection", "network"): NetworkEntry,
    ("VictimSection", "victim"): VictimEntry,
    ("Run", "clone"): NetworkEntry,
    ("AttackSection", "channel"): ChannelEntry,
}
_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}


def benchmark_schema(registry: Registry) -> Schema:
    """The JSON schema (draft 2020-12) of a benchmark file."""
    schema = Benchmark.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["patternProperties"] = {"^x-": {"description": "Ignored; a place for YAML anchors."}}
    definitions = schema["$defs"]
    for (section, key), kind in _NAMED.items():
        described = definitions[section]["properties"][key]
        definitions[section]["properties"][key] = {
            **({"description": described["description"]} if "description" in described else {}),
            **_named(registry.entries(kind)),
        }
    prior = definitions["NamedPool"]["properties"]["prior"]
    definitions["Run"]["properties"]["pool"] = _named(registry.entries(DatasetEntry), {"prior": prior})
    attacks = [*registry.entries(AttackEntry), *composed(registry)]
    definitions["AttackSection"]["properties"]["attack"] = {"enum": [entry.name for entry in attacks]}
    definitions["AttackSection"]["allOf"] = [_attack(entry) for entry in attacks]
    extra = [entry for entry in registry.entries(MetricEntry) if not entry.always]
    schema["properties"]["metrics"]["items"] = _named(extra)
    for unused in ("Named", "NamedPool"):
        definitions.pop(unused, None)
    return schema


def _named(entries: Sequence[Entry], more: Mapping[str, Schema] | None = None) -> Schema:
    """A name, or a mapping of a name and its parameters; only the mapping where ``more`` keys must be given."""
    mappings = [
        {
            "type": "object",
            "description": entry.summary,
            "properties": {"name": {"const": entry.name}, **(more or {}), **_parameters(entry)},
            "required": ["name", *(more or {})],
            "additionalProperties": False,
        }
        for entry in entries
    ]
    names = [] if more else [{"enum": [entry.name for entry in entries]}]
    return {"anyOf": [*names, *mappings]}


def _attack(entry: Entry) -> Schema:
    parameters = {"type": "object", "properties": _parameters(entry), "additionalProperties": False}
    return {
        "if": {"properties": {"attack": {"const": entry.name}}},
        "then": {"properties": {"parameters": parameters}},
    }


def _parameters(entry: Entry) -> dict[str, Schema]:
    return {parameter.name: _parameter(parameter) for parameter in entry.declared}


def _parameter(parameter: Parameter) -> Schema:
    scalar: Schema = {"type": _TYPES[parameter.item_type]}
    bounds = (("enum", list(parameter.choices) or None), ("minimum", parameter.minimum), ("maximum", parameter.maximum))
    scalar |= {key: value for key, value in bounds if value is not None}
    schema = {"type": "array", "items": scalar} if parameter.is_list else scalar
    if parameter.type == "range":
        schema |= {"minItems": 2, "maxItems": 2}
    if parameter.default is None:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": parameter.help, "default": parameter.default}
