"""The JSON schema that editors use."""

from __future__ import annotations

import json

from benchmark_texts import toy_registry

from mebench.plan.file.jsonschema import benchmark_schema
from mebench.registry.entries import ChannelEntry


def schema():
    return benchmark_schema(toy_registry())


def test_installed_names_are_the_only_ones_that_the_schema_allows():
    definitions = schema()["$defs"]
    assert definitions["AttackSection"]["properties"]["attack"] == {"enum": ["chooser", "gradients"]}
    names = definitions["AttackSection"]["properties"]["channel"]["anyOf"][0]["enum"]
    assert names == toy_registry().names(ChannelEntry)
    assert "resnet18" in definitions["Run"]["properties"]["clone"]["anyOf"][0]["enum"]
    assert "cifar10" in definitions["VictimSection"]["properties"]["data"]["anyOf"][0]["enum"]


def test_parameters_of_an_attack_are_in_the_schema_with_their_bounds():
    cases = schema()["$defs"]["AttackSection"]["allOf"]
    (case,) = [case for case in cases if case["if"]["properties"]["attack"]["const"] == "gradients"]
    parameters = case["then"]["properties"]["parameters"]
    assert parameters["additionalProperties"] is False
    assert parameters["properties"]["loss"]["enum"] == ["l1", "kl"]
    assert parameters["properties"]["rate"] == {"type": "number", "minimum": 0, "description": "Rate.", "default": 0.1}
    assert parameters["properties"]["batch_size"]["type"] == "integer"


def test_a_pool_needs_its_prior_and_lists_are_arrays():
    pools = schema()["$defs"]["Run"]["properties"]["pool"]["anyOf"]
    assert all(pool["required"] == ["name", "prior"] for pool in pools)
    rows = next(p for p in pools if p["properties"]["name"]["const"] == "cifar10")["properties"]["rows"]
    two = {"minItems": 2, "maxItems": 2}
    assert rows["anyOf"][0] == {"type": "array", "items": {"type": "integer", "minimum": 0}, **two}
    assert rows["anyOf"][1] == {"type": "null"}


def test_every_reference_inside_the_schema_leads_somewhere():
    plain = schema()
    text = json.dumps(plain)
    referred = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert referred <= set(plain["$defs"])
    assert set(plain["$defs"]) <= referred
