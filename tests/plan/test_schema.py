"""The JSON schema that editors use."""

from __future__ import annotations

import copy
import json
import re
from pathlib import Path

import pytest
import yaml
from benchmark_texts import GOOD, toy_registry
from once import once

from mebench.api.errors import ConfigurationError
from mebench.plan.file import load_benchmark
from mebench.plan.file.jsonschema import benchmark_schema
from mebench.plan.file.positions import read_document
from mebench.plan.plan import make_plan
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.registry.parameter import MOST


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
    rate = parameters["properties"]["rate"]
    assert rate["type"] == ["number", "string"]  # a string is a number with an exponent
    assert (rate["minimum"], rate["description"], rate["default"]) == (0, "Rate.", 0.1)
    assert parameters["properties"]["batch_size"]["type"] == "integer"


def test_a_pool_needs_its_prior_and_lists_are_arrays():
    pools = schema()["$defs"]["Run"]["properties"]["pool"]["anyOf"]
    assert pools.pop() == {"type": "null"}
    assert all(pool["required"] == ["name", "prior"] for pool in pools)
    rows = next(p for p in pools if p["properties"]["name"]["const"] == "cifar10")["properties"]["rows"]
    two = {"minItems": 2, "maxItems": 2}
    assert rows["anyOf"][0] == {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": MOST}, **two}
    assert rows["anyOf"][1] == {"type": "null"}


def test_every_reference_inside_the_schema_leads_somewhere():
    plain = schema()
    text = json.dumps(plain)
    referred = {part.split('"')[0] for part in text.split('"#/$defs/')[1:]}
    assert referred <= set(plain["$defs"])
    assert set(plain["$defs"]) <= referred


@pytest.fixture(scope="module")
def validator():
    """An independent checker of JSON schemas, with the schema of what is installed."""
    jsonschema = pytest.importorskip("jsonschema")
    installed = benchmark_schema(registry())
    once("benchmark-schema", lambda folder: jsonschema.Draft202012Validator.check_schema(installed))
    return remembering(jsonschema)(installed)


def remembering(jsonschema):
    """The checker, which finds no second time that the same values fit the same definition: files repeat themselves."""
    plain = jsonschema.Draft202012Validator
    fitting = set()

    def ref(validator, name, instance, schema):
        values = name, repr(instance)  # not equal ones: 1 is no true, and 1.0 no 1
        if values not in fitting:
            errors = list(plain.VALIDATORS["$ref"](validator, name, instance, schema))
            fitting.update(() if errors else [values])
            yield from errors

    return jsonschema.validators.extend(plain, {"$ref": ref})


SHIPPED = sorted(Path(__file__).parents[2].glob("benchmarks/*.yaml"))
LOADER, DUMPER = (getattr(yaml, f"C{name}", getattr(yaml, name)) for name in ("SafeLoader", "SafeDumper"))
"""Those that are quick, where PyYAML has them."""


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_every_shipped_benchmark_fits_the_schema_whichever_version_of_yaml_it_is_read_as(file, validator):
    assert len(SHIPPED) >= 11
    for content in (yaml.load(file.read_text(), LOADER), read_document(file).content):
        assert [error.message[:200] for error in validator.iter_errors(content)] == []


RUN = ("profiles", "quick", "runs", 0)
VICTIM = ("victims", "fmnist-lenet5")
CHANGES = [
    (("unheard_of",), "x"),
    (("name",), "No Capitals"),
    (("x-mine",), {"a": 1}),
    (("paper", "table"), "A.1"),
    (("paper", "table"), [1]),
    (("victims", "Upper"), {"data": "fashion-mnist-10k", "network": "lenet5", "training": {}}),
    ((*VICTIM, "training", "learning_rate"), 2),
    ((*VICTIM, "training", "learning_rate"), "fast"),
    ((*VICTIM, "training", "learning_rate"), -0.1),
    ((*VICTIM, "training", "epochs"), 0),
    ((*VICTIM, "training"), None),
    ((*VICTIM, "image_size"), [32]),
    ((*VICTIM, "network"), {"name": "lenet5"}),
    ((*VICTIM, "network"), {"name": "lenet5", "depth": 3}),
    ((*VICTIM, "network"), None),
    ((*VICTIM, "weights"), "weights.safetensors"),
    ((*VICTIM, "torchscript"), "model.pt"),
    ((*VICTIM, "mean"), [0.5]),
    ((*VICTIM, "outputs"), "logits"),
    ((*VICTIM, "outputs"), "odds"),
    ((*VICTIM, "class_names"), list("abcdefghij")),
    ((*VICTIM, "class_names"), list("abcdefghii")),
    ((*VICTIM, "class_names"), [*"abcdefghi", " "]),
    ((*VICTIM, "class_names"), [*"abcdefghi", 7]),
    ((*RUN, "budgets"), []),
    ((*RUN, "budgets"), [1000, 1000]),
    ((*RUN, "budgets"), ["1000"]),
    ((*RUN, "clone"), "lenet6"),
    ((*RUN, "clone"), None),
    ((*RUN, "pool"), None),
    ((*RUN, "pool"), {"name": "cifar10"}),
    ((*RUN, "pool"), {"name": "cifar10", "prior": "public"}),
    ((*RUN, "seeds"), 3),
    ((*RUN, "seeds"), [0, 0]),
    ((*RUN, "seeds"), True),
    ((*RUN, "tracks"), ["standard"]),
    ((*RUN, "attacks", 0, "channel"), "probability"),
    ((*RUN, "attacks", 0, "channel"), {"name": "vg", "score": "logit"}),
    ((*RUN, "attacks", 0, "channel"), {"name": "vg", "score": "odds"}),
    ((*RUN, "attacks", 2, "channel"), "label"),
    ((*RUN, "attacks", 0, "parameters", "batch_size"), 1.5),
    ((*RUN, "attacks", 0, "parameters", "generator_lr"), "1e-3"),
    ((*RUN, "attacks", 1), {"attack": "random-pool", "channel": "label"}),
    ((*RUN, "attacks", 1), {"attack": "random-pool+fit", "channel": "label"}),
    (("profiles", "quick", "evaluation_share"), 1),
    (("profiles", "quick", "evaluation_share"), 1.01),
    (("profiles", "quick", "evaluations"), 10_000),
    (("profiles", "quick", "evaluations"), 10_001),
    ((*RUN, "budgets"), [10**12]),
    ((*RUN, "budgets"), [10**12 + 1]),
    ((*RUN, "budgets"), [10**30]),
    ((*RUN, "budgets"), [True]),
    ((*RUN, "seeds"), [2**32 - 1]),
    ((*RUN, "seeds"), [2**32]),
    ((*RUN, "seeds"), 10_001),
    ((*VICTIM, "seed"), 2**32),
    ((*VICTIM, "seed"), False),
    ((*VICTIM, "image_size"), [10_001, 32]),
    ((*VICTIM, "training", "epochs"), 10**7),
    ((*VICTIM, "training", "batch_size"), 10**7),
    ((*VICTIM, "training", "learning_rate"), 10**13),
    ((*VICTIM, "training", "learning_rate"), float("inf")),
    ((*VICTIM, "training", "weight_decay"), float("inf")),
    ((*VICTIM, "training", "momentum"), True),
    ((*VICTIM, "mean"), [float("-inf")]),
    ((*RUN, "attacks", 0, "parameters", "batch_size"), 10**6 + 1),
    ((*RUN, "attacks", 0, "parameters", "batch_size"), True),
    ((*RUN, "attacks", 0, "parameters", "generator_lr"), float("inf")),
    ((*RUN, "attacks", 0, "parameters", "generator_lr"), 10**400),
    (("metrics",), ["transfer", "transfer"]),
    (("metrics",), ["fidelity"]),
    (("reported", 0), {"attack": "megex", "variant": "l1", "victim": "cifar10-resnet34", "budget": 20_000_000}),
]


def changed(content, path, value):
    content = copy.deepcopy(content)
    *parents, last = path
    inner = content
    for part in parents:
        inner = inner[part]
    inner[last] = value
    return content


@pytest.mark.parametrize(("path", "value"), CHANGES, ids=lambda part: json.dumps(part)[:60])
def test_the_schema_accepts_what_the_loader_accepts_and_nothing_else(path, value, validator, tmp_path):
    plain = yaml.load((SHIPPED[0].parent / "table1.yaml").read_text(), LOADER)
    plain["profiles"] = {name: plain["profiles"][name] for name in ("quick", "paper")}  # others say nothing more
    file = tmp_path / "changed.yaml"
    text = yaml.dump(changed(plain, path, value), Dumper=DUMPER)
    file.write_text(re.sub(r"'(\de-\d)'", r"\1", text))  # numbers again, which this reader took for texts
    try:
        load_benchmark(file)
        loads = True
    except ConfigurationError:
        loads = False
    assert validator.is_valid(yaml.load(file.read_text(), LOADER)) == loads


def test_every_number_of_a_benchmark_file_has_a_lowest_and_a_highest_value_in_the_schema(validator):
    def unbounded(part, path):
        if isinstance(part, list):
            return [one for number, inner in enumerate(part) for one in unbounded(inner, (*path, number))]
        if not isinstance(part, dict):
            return []
        kinds = part.get("type", ())
        number = {"integer", "number"} & {kinds} if isinstance(kinds, str) else {"number"} & set(kinds)
        low, high = ({"minimum", "exclusiveMinimum"} & part.keys(), {"maximum", "exclusiveMaximum"} & part.keys())
        here = [path] if number and not (low and high) and "enum" not in part and path[-1] != "table" else []
        return here + [one for key, inner in part.items() for one in unbounded(inner, (*path, key))]

    assert unbounded(validator.schema, ()) == []


NUMBERS = [
    "1e400", "-1e400", ".inf", "-.inf", ".nan", "1" * 5000, "-" + "9" * 5000, "1" + "0" * 30, "-1" + "0" * 30, "true",
    "'7'", "[1]", "{a: 1}", "2024-01-01", "0x10", "1_000_000_000_000_000",
]  # fmt: skip
PLACES = [
    "evaluations=N", "evaluation_share=N", "runs.0.budgets=[N]", "runs.0.seeds=[N]", "seeds=[0, N]",
    "runs.0.evaluations=N", "victims.small.seed=N", "victims.small.image_size=[N, 8]",
    "victims.small.training.epochs=N",
    "victims.small.training.batch_size=N", "victims.small.training.learning_rate=N",
    "victims.small.training.momentum=N", "victims.small.training.weight_decay=N", "victims.own.mean=[N, 0, 0]",
    "victims.own.std=[N, 1, 1]", "victims.own.network.width=N", "victims.small.data.rows=[0, N]",
    "runs.0.attacks.0.parameters.rate=N", "runs.0.attacks.0.parameters.batch_size=N",
    "runs.0.attacks.0.channel={name: sg, samples: N}", "reported.0.accuracy=N", "reported.0.budget=N",
]  # fmt: skip


@pytest.mark.parametrize("number", NUMBERS, ids=lambda number: number[:12])
def test_a_number_that_is_none_or_is_out_of_bounds_is_said_in_one_short_line(number, tmp_path):
    with pytest.raises(ConfigurationError) as caught:
        load_with(tmp_path, *(place.replace("N", number) for place in PLACES))
    lines = caught.value.problems
    for place in PLACES:
        key = place.partition("=")[0]
        (line,) = [one for one in lines if one.startswith(f"--set {key}=")]
        assert "must" in line
        assert len(line) < 500
        assert "\n" not in line


def load_with(folder, *overrides):
    (folder / "b.yaml").write_text(GOOD)
    return load_benchmark(folder / "b.yaml", overrides, registry=toy_registry())


def test_minus_zero_is_zero_and_makes_no_other_trial(tmp_path):
    for place in ("runs.0.attacks.0.parameters.rate=N", "victims.small.training.weight_decay=N"):
        ids = [
            list(make_plan(load_with(tmp_path, place.replace("N", zero)), registry=toy_registry()).ids)
            for zero in ("0.0", "-0.0")
        ]
        assert ids[0] == ids[1]


def test_more_trials_than_can_be_planned_are_said_before_any_is_made(tmp_path):
    overrides = ["runs.0.seeds=10000", "runs.0.budgets=[100, 200, 300, 400]"]
    benchmark = load_with(tmp_path, *overrides)
    with pytest.raises(ConfigurationError, match="profile 'quick' makes 160,000 trials; at most 100,000"):
        make_plan(benchmark, registry=toy_registry())


def test_more_evaluations_than_a_budget_allows_are_said(tmp_path):
    plan = make_plan(load_with(tmp_path, "runs.0.evaluations=5000"), registry=toy_registry())
    said = "A curve of a budget of 1,000 has at most 1,000 evaluations, and not 5,000."
    assert [note for note in plan.notes() if "evaluations" in note] == [said]
