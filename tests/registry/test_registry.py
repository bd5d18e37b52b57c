"""The registry: parameters, lookups, and what happens to names that are taken."""

from __future__ import annotations

import math

import pytest

from mebench.api.errors import ConfigurationError, PluginError, UnknownNameError
from mebench.api.spec import Component
from mebench.api.suggestions import did_you_mean
from mebench.registry.entries import AttackEntry, ChannelEntry
from mebench.registry.entry import Entry
from mebench.registry.parameter import Parameter
from mebench.registry.registry import Registry

ENTRY = Entry(
    "thing",
    "A thing.",
    "fractions:Fraction",
    (
        Parameter("loss", "str", "l1", "Loss.", choices=("l1", "kl"), in_variant="always"),
        Parameter("rate", "float", 0.5, "Rate.", minimum=0, maximum=1, in_variant="changed"),
        Parameter("steps", "int", None, "Steps.", minimum=1),
        Parameter("sizes", "ints", [1, 2], "Sizes.", minimum=0),
        Parameter("soft", "bool", False, "Soft.", in_variant="changed"),
    ),
)


def test_resolving_fills_defaults_in_and_keeps_the_order_of_declaration():
    resolved = ENTRY.resolve({"sizes": (3,), "rate": 1})
    assert list(resolved.items()) == [("loss", "l1"), ("rate", 1.0), ("steps", None), ("sizes", [3]), ("soft", False)]
    assert isinstance(resolved["rate"], float)


def test_a_late_parameter_is_left_out_of_specs_where_it_has_its_default():
    entry = Entry(
        "thing", "A thing.", "fractions:Fraction", (*ENTRY.parameters, Parameter("new", "float", 0, "", late=True))
    )
    assert entry.as_component({}) == Component("thing", ENTRY.resolve({}))
    assert entry.as_component({"new": 0.5}).parameters["new"] == 0.5
    assert entry.resolve(entry.as_component({}).parameters)["new"] == 0


def test_all_problems_of_parameters_are_told_at_once():
    with pytest.raises(ConfigurationError) as caught:
        ENTRY.resolve({"los": "l1", "rate": 2, "steps": 0, "sizes": 3, "soft": 1})
    assert caught.value.problems == (
        "los: thing has no such parameter. Did you mean 'loss'?",
        "rate: must be at most 1, not 2.0",
        "steps: must be at least 1, not 0",
        "sizes: must be a list of whole numbers, not 3",
        "soft: must be true or false, not 1",
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("steps", True),
        ("steps", 1.0),
        ("rate", "1"),
        ("rate", math.nan),
        ("rate", None),
        ("loss", "l2"),
        ("sizes", [-1]),
    ],
)
def test_a_value_that_does_not_fit_is_refused(name, value):
    with pytest.raises(ConfigurationError, match=f"^{name}: must be "):
        ENTRY.resolve({name: value})


@pytest.mark.parametrize("value", [[1], [1, 2, 3], [2, 2], [3, 1], [-1, 2], [0.0, 1], 5, "01"])
def test_a_range_is_two_whole_numbers_that_rise(value):
    part = Parameter("part", "range", None, "Part.", minimum=0)
    assert part.check((0, 7)) == [0, 7]
    assert part.check(None) is None
    with pytest.raises(ValueError, match=r"^must be (\[start, stop\] with start below stop|at least 0), not "):
        part.check(value)


def test_a_variant_is_named_by_what_tells_it_apart():
    assert ENTRY.variant(ENTRY.resolve({})) == "l1"
    assert ENTRY.variant(ENTRY.resolve({"loss": "kl", "rate": 0.1, "steps": 5})) == "kl,rate=0.1"
    assert Entry("bare", "", "").variant({}) == "default"


def test_a_label_shows_what_is_always_shown_and_every_parameter_that_differs_from_its_default():
    assert ENTRY.label(ENTRY.resolve({})) == "thing(loss=l1)"
    assert (
        ENTRY.label(ENTRY.resolve({"steps": 3, "sizes": [4, 5], "soft": True}))
        == "thing(loss=l1,steps=3,sizes=4/5,soft=true)"
    )


def test_a_target_is_imported_when_it_is_used_and_a_bad_one_is_told_in_one_line():
    from fractions import Fraction

    assert ENTRY.load() is Fraction
    with pytest.raises(PluginError, match=r"^x: cannot load 'no_such_module:f': ModuleNotFoundError: "):
        Entry("x", "", "no_such_module:f").load()
    with pytest.raises(PluginError, match=r"^x: cannot load 'fractions:nothing': AttributeError: "):
        Entry("x", "", "fractions:nothing").load()


def test_a_name_that_is_taken_refuses_the_whole_plugin_and_is_ambiguous_from_then_on():
    registry = Registry()
    registry.add([AttackEntry("a", "", "m:o"), ChannelEntry("a", "", "m:o")], "first 1")
    with pytest.raises(
        PluginError, match=r"^attack 'a' is registered twice, by first 1 and by second 2: uninstall one$"
    ):
        registry.add([AttackEntry("b", "", "m:o"), AttackEntry("a", "", "m:o")], "second 2")
    assert registry.names(AttackEntry) == ["a"]
    assert registry.origin(AttackEntry, "a") == "first 1"
    with pytest.raises(PluginError, match="by first 1 and by second 2"):
        registry.get(AttackEntry, "a")
    assert registry.get(ChannelEntry, "a").name == "a"


def test_an_unknown_name_suggests_the_nearest():
    registry = Registry()
    registry.add([ChannelEntry("probability", "", "m:o")], "x 1")
    with pytest.raises(UnknownNameError, match=r"^unknown channel 'probabilty'\. Did you mean 'probability'\?$"):
        registry.get(ChannelEntry, "probabilty")


def test_channels_fit_an_attack_if_they_give_all_that_it_needs():
    registry = Registry()
    gives = {"label": {"label"}, "soft": {"label", "probability"}, "full": {"label", "probability", "explanation"}}
    registry.add([ChannelEntry(n, "", "m:o", gives=frozenset(g)) for n, g in gives.items()], "x 1")
    assert registry.channels_for(frozenset({"probability"})) == ["full", "soft"]
    assert registry.channels_for(frozenset({"weights"})) == []


def test_a_hint_names_the_nearest_or_the_few_that_there_are():
    assert did_you_mean("lable", ["label", "vg"]) == ". Did you mean 'label'?"
    assert did_you_mean("zzz", ["label", "vg"]) == ". Known: label, vg"
    assert did_you_mean("zzz", [str(n) * 3 for n in range(100)]) == ""
    assert did_you_mean("zzz", []) == ""
