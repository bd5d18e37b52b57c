"""The JSON schema of benchmark files, for editors: the shape, and the names and parameters that are installed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mebench.plan.file.schema import NAME, Benchmark
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
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
    ("Run", "reserve"): DatasetEntry,
    ("AttackSection", "channel"): ChannelEntry,
}
_WITHOUT_REPEATS = (
    *(("Profile", key) for key in ("references", "seeds", "tracks")),
    *(("Run", key) for key in ("victims", "budgets", "references", "seeds", "tracks")),
    ("VictimSection", "class_names"),
)
_CHAINED: Mapping[str, type[Entry]] = {"defences": DefenceEntry, "recoveries": RecoveryEntry}
_EXPONENT = r"^[-+]?([0-9][0-9_]*\.?[0-9_]*|\.[0-9][0-9_]*)[eE][-+]?[0-9]+$"
"""A number with an exponent, some of which readers of YAML 1.1 take for text."""
_TYPES = {"int": "integer", "float": "number", "str": "string", "bool": "boolean"}


def benchmark_schema(registry: Registry) -> Schema:
    """The JSON schema (draft 2020-12) of a benchmark file.

    It accepts what the loader accepts, and rejects what it rejects as far as that can be said of one value, of the keys
    of one mapping, or of an attack and its channel; whether a file's own names are those that it uses, the loader says.
    Numbers such as ``1e-3`` may come as strings, which readers of YAML 1.1 make of them.
    """
    schema = Benchmark.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["patternProperties"] = {"^x-": {"description": "Ignored; a place for YAML anchors."}}
    definitions = schema["$defs"]
    for (section, key), kind in _NAMED.items():
        described = definitions[section]["properties"][key]
        named = _named(registry.entries(kind))
        optional = key not in definitions[section].get("required", [])
        definitions[section]["properties"][key] = {
            **({"description": described["description"]} if "description" in described else {}),
            **({"anyOf": [*named["anyOf"], {"type": "null"}]} if optional else named),
        }
    prior = definitions["NamedPool"]["properties"]["prior"]
    pool = _named(registry.entries(DatasetEntry), {"prior": prior})
    definitions["Run"]["properties"]["pool"] = {"anyOf": [*pool["anyOf"], {"type": "null"}]}
    for key, chained in _CHAINED.items():
        definitions["Run"]["properties"][key] |= _chains(registry.entries(chained))
    definitions["Run"]["properties"]["detectors"] |= {
        "items": _named(registry.entries(DetectorEntry)),
        "uniqueItems": True,
    }
    attacks = [*registry.entries(AttackEntry), *composed(registry)]
    definitions["AttackSection"]["properties"]["attack"] = {"enum": [entry.name for entry in attacks]}
    definitions["AttackSection"]["allOf"] = [_attack(entry, registry) for entry in attacks]
    definitions["Run"]["allOf"] = [
        _run(entry) for entry in attacks if entry.family == "pool" or entry.minimum_budget > 1
    ]
    extra = [entry for entry in registry.entries(MetricEntry) if not entry.always]
    schema["properties"]["metrics"] |= {"items": _named(extra), "uniqueItems": True}
    definitions["Profile"]["properties"]["metrics"] |= {"items": _named(extra), "uniqueItems": True}
    definitions["Reported"]["anyOf"] = [_given(key) for key in ("accuracy", "fidelity", "metrics")]
    for unused in ("Named", "NamedPool"):
        definitions.pop(unused, None)
    for part in (schema["properties"]["victims"], schema["properties"]["profiles"]):
        part["propertyNames"] = {"pattern": NAME}
    for section, key in _WITHOUT_REPEATS:
        _list_in(definitions[section]["properties"][key])["uniqueItems"] = True
    definitions["VictimSection"]["allOf"] = _WAYS_TO_GIVE_A_VICTIM
    _let_exponents_be_text(schema)
    return schema


def _given(*keys: str) -> Schema:
    """A condition: these keys are there, and not null."""
    return {"properties": {key: {"not": {"type": "null"}} for key in keys}, "required": list(keys)}


def _absent(keys: Iterable[str]) -> Schema:
    """What holds where none of these keys is given."""
    return {"not": {"anyOf": [_given(key) for key in keys]}}


_WAYS_TO_GIVE_A_VICTIM: list[Schema] = [
    {"oneOf": [_given(key) for key in ("network", "factory", "torchscript", "victim")]},
    {"anyOf": [_given("data"), _given("victim")]},
    {
        "if": _given("victim"),
        "then": _absent(("training", "weights", "image_size", "mean", "std", "outputs")),
    },
    {"if": _given("torchscript"), "then": _absent(("training", "weights"))},
    {"if": _given("training"), "then": _absent(("weights",))},
    {"if": _given("network"), "then": {"anyOf": [_given("training"), _given("weights")]}},
    {"if": {"anyOf": [_given("mean"), _given("std")]}, "then": _given("mean", "std")},
]
"""As the checks of victims have it."""


def _list_in(schema: Schema) -> Schema:
    """The part of a schema that describes a list."""
    return next(part for part in (schema, *schema.get("anyOf", ()), *_inner(schema)) if part.get("type") == "array")


def _inner(schema: Schema) -> list[Schema]:
    return [inner for part in schema.get("anyOf", ()) for inner in part.get("anyOf", ())]


def _let_exponents_be_text(schema: Any) -> None:
    """Allow ``1e-3`` as a string wherever a number may stand; bounds do not apply to it."""
    if isinstance(schema, list):
        for part in schema:
            _let_exponents_be_text(part)
    elif isinstance(schema, dict):
        if schema.get("type") == "number" and "enum" not in schema:
            schema |= {"type": ["number", "string"], "pattern": _EXPONENT}
        for part in schema.values():
            _let_exponents_be_text(part)


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


def _chains(entries: Sequence[Entry]) -> Schema:
    """Chains of links to choose among: each is ``none``, a link, or a list of links."""
    link = _named(entries)
    chain = {"anyOf": [{"const": "none"}, *link["anyOf"], {"type": "array", "items": link}]}
    return {"items": chain, "uniqueItems": True}


def _attack(entry: AttackEntry, registry: Registry) -> Schema:
    """What holds of a row with that attack: its parameters, and channels that give what it needs."""
    parameters = {"type": "object", "properties": _parameters(entry), "additionalProperties": False}
    fit = {"enum": registry.channels_for(entry.needs)}
    channel = {"anyOf": [fit, {"type": "object", "properties": {"name": fit}}]}
    return {
        "if": {"properties": {"attack": {"const": entry.name}}, "required": ["attack"]},
        "then": {"properties": {"parameters": parameters, "channel": channel}},
    }


def _run(entry: AttackEntry) -> Schema:
    """What holds of a run with that attack: its pool, and its smallest budget."""
    row = {"properties": {"attack": {"const": entry.name}}, "required": ["attack"]}
    then: Schema = _given("pool") if entry.family == "pool" else {"properties": {}}
    then["properties"]["budgets"] = {"items": {"minimum": entry.minimum_budget}}
    return {"if": {"properties": {"attacks": {"contains": row}}, "required": ["attacks"]}, "then": then}


def _parameters(entry: Entry) -> dict[str, Schema]:
    return {parameter.name: _parameter(parameter) for parameter in entry.declared}


def _parameter(parameter: Parameter) -> Schema:
    scalar: Schema = {"type": _TYPES[parameter.item_type]}
    if parameter.choices:
        scalar["enum"] = list(parameter.choices)
    if parameter.item_type in ("int", "float"):
        scalar["minimum"], scalar["maximum"] = parameter.bounds
    schema = {"type": "array", "items": scalar} if parameter.is_list else scalar
    if parameter.type == "range":
        schema |= {"minItems": 2, "maxItems": 2}
    if parameter.default is None:
        schema = {"anyOf": [schema, {"type": "null"}]}
    return {**schema, "description": parameter.help, "default": parameter.default}
