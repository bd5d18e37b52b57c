"""In which ways a victim may be given, and what is said of all others."""

from __future__ import annotations

import pytest

from mebench.api.victim_rules import ITSELF, line_of, wrong_length, wrongly_given

FITTING = [
    {"factory": "m:f"},
    {"factory": "m:f", "weights": "w"},
    {"factory": "m:f", "training": {}},
    {"network": "mlp", "weights": "w", "mean": [0.5], "std": [1.0]},
    {"network": "mlp", "training": {}},
    {"torchscript": "v.pt"},
    {"victim": "v", "network": None, "weights": None},
]


@pytest.mark.parametrize("victim", FITTING, ids=lambda victim: " ".join(victim))
def test_a_victim_may_be_a_factory_alone_or_a_network_with_weights_or_training_or_a_file_or_a_registered_one(victim):
    assert list(wrongly_given(victim)) == []


@pytest.mark.parametrize(
    ("victim", "problems"),
    [
        ({}, [(ITSELF, "must have one of network, factory, torchscript and victim")]),
        (
            {"network": "mlp", "victim": "v"},
            [(ITSELF, "must have one of network, factory, torchscript and victim, not network and victim")],
        ),
        ({"network": "mlp"}, [(ITSELF, "must have training or weights")]),
        ({"factory": "m:f", "weights": "w", "training": {}}, [(ITSELF, "must have training or weights, not both")]),
        ({"torchscript": "v.pt", "weights": "w"}, [("weights", "a torchscript victim brings its own weights")]),
        (
            {"victim": "v", "training": {}, "weights": "w"},
            [(key, "a registered victim brings this along") for key in ("training", "weights")],
        ),
        ({"factory": "m:f", "std": [1.0]}, [(ITSELF, "must have both mean and std, or neither")]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, dict) else "",
)
def test_any_other_way_is_told_at_its_key(victim, problems):
    assert list(wrongly_given(victim)) == problems


def test_a_line_names_the_victim_once_and_the_key_where_there_is_one():
    assert line_of("own", (ITSELF, "must have training or weights")) == "victim 'own' must have training or weights"
    (problem,) = wrong_length("mean", [0.5, 0.5], 3)
    assert line_of("own", problem) == "victim 'own': mean: must have 3 numbers, one per channel, not 2"
    assert not list(wrong_length("mean", [0.5], 1))
