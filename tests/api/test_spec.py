"""Trial specs: their content id, and that they survive JSON."""

from __future__ import annotations

import dataclasses
import json

import pytest

from mebench.api.spec import Component, TrainingRecipe, TrialSpec, VictimSpec, content_digest

SPEC = TrialSpec(
    victim=VictimSpec(
        "own one",
        data=Component("cifar10", {"rows": [0, 10]}),
        image_size=(32, 32),
        network=Component("lenet5"),
        training=TrainingRecipe(epochs=1),
        mean=(0.5, 0.25, 0.1),
        std=(1.0, 1.0, 1.0),
    ),
    channel=Component("vg", {"score": "logit"}),
    attack=Component("megex", {"loss": "l1", "rate": 1e-3}),
    variant="l1,as-printed",
    clone=Component("lenet5"),
    budget=1000,
    seed=3,
    pool=Component("mnist", {"rows": None}),
    data_prior="public",
)


def test_a_spec_survives_json_with_the_same_id():
    again = TrialSpec.from_json(json.loads(json.dumps(SPEC.to_json())))
    assert again == dataclasses.replace(SPEC)
    assert again.id == SPEC.id


def test_the_digest_is_that_of_the_plain_values_whatever_the_order_of_keys():
    plain = SPEC.to_json()
    assert SPEC.digest == content_digest(plain)
    assert SPEC.digest == content_digest(dict(reversed(plain.items())))
    swapped = dataclasses.replace(SPEC, attack=Component("megex", {"rate": 1e-3, "loss": "l1"}))
    assert swapped.digest == SPEC.digest


@pytest.mark.parametrize(
    "change",
    [{"seed": 4}, {"budget": 1001}, {"variant": "l1"}, {"tf32": True}, {"protocol": 2}, {"pool": None}],
    ids=str,
)
def test_any_change_changes_the_id(change):
    assert dataclasses.replace(SPEC, **change).id != SPEC.id


def test_the_id_is_readable_and_safe_as_a_folder_name():
    assert SPEC.id == f"megex-l1-as-printed-own-one-vg-q1000-s3-{SPEC.digest}"
    wild = dataclasses.replace(SPEC, variant="../../etc/passwd " + "x" * 200)
    assert "/" not in wild.id
    assert len(wild.id) < 130


def test_what_is_not_json_has_no_digest():
    with pytest.raises(TypeError):
        content_digest({"a": object()})
