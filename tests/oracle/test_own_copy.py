"""What an answer depends on is the oracle's own: an attack may write into all that it has given or got."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from toys import SPEC, oracle_of, perceptron

from mebench.oracle.observer import Observer
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry

EXPLAINING = [entry.name for entry in registry().entries(ChannelEntry) if "explanation" in entry.gives]
SETTINGS = [(name, {}) for name in EXPLAINING] + [
    (name, {"score": "logit", "classes": "top-1"}) for name in ("vg", "sg", "ig")
]


def softmaxed() -> nn.Sequential:
    """A network whose last operation needs its own result to go back."""
    return nn.Sequential(perceptron(), nn.LogSoftmax(dim=1))


def spoil(tensor: torch.Tensor) -> None:
    """Write into a tensor behind autograd's back, which would notice other writing."""
    tensor.numpy()[...] = 0


@pytest.mark.parametrize("network", [perceptron, softmaxed])
@pytest.mark.parametrize(("name", "parameters"), SETTINGS)
def test_an_explanation_is_of_what_was_asked_whatever_is_written_into_afterwards(name, parameters, network):
    inputs, weights = torch.rand(3, *SPEC.shape), torch.rand(3, 10)
    found = []
    for spoilt in (False, True):
        oracle, _ = oracle_of(network(), registry().get(ChannelEntry, name).call(given=parameters))
        asked = inputs.clone()
        response = oracle.query(asked, explain=True)
        if spoilt:
            for tensor in (asked, response.labels, response.probabilities, response.logits):
                if tensor is not None:
                    spoil(tensor)
        found.append((response.explanation.vjp(weights), response.explanation.dense()))
        if spoilt:  # and once more, after what it gave was written into
            for tensor in found[-1]:
                spoil(tensor)
            found[-1] = (response.explanation.vjp(weights), response.explanation.dense())
    for plain, again in zip(*found, strict=True):
        assert plain.abs().sum() > 0
        assert again.equal(plain)


def test_writing_into_an_answer_in_the_usual_way_leaves_its_explanation_usable():
    for name in EXPLAINING:
        oracle, _ = oracle_of(softmaxed(), registry().get(ChannelEntry, name).call(given={}))
        response = oracle.query(torch.rand(3, *SPEC.shape), explain=True)
        response.probabilities.clamp_(min=0.2)
        if response.logits is not None:
            response.logits.zero_()
        response.explanation.vjp(torch.rand(3, 10))


class Keeping(Observer):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[torch.Tensor] = []

    def observe(self, inputs, response, purpose) -> None:
        self.told.append(inputs)


@pytest.mark.parametrize("entry", registry().entries(ChannelEntry), ids=lambda entry: entry.name)
def test_an_observer_and_the_victim_are_given_the_oracles_copy_by_every_channel(entry):
    keeping, seen, network = Keeping(), [], perceptron()
    network.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    oracle, _ = oracle_of(network, entry.call(given={}), observers=[keeping])
    asked = torch.rand(3, *SPEC.shape)
    before = asked.clone()
    oracle.query(asked)
    asked.zero_()
    for kept in (*keeping.told, *seen):
        assert kept.equal(before)
