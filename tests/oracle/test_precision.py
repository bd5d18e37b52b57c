"""Answers are float32, in whichever precision the victim computes."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from toys import SPEC, oracle_of, perceptron

from mebench.api.contract import Victim
from mebench.oracle.recording import QueryRecorder
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry

INSIDE = [torch.float16, torch.bfloat16, torch.float64]
CHANNELS = [entry.name for entry in registry().entries(ChannelEntry) if registry().ships(ChannelEntry, entry.name)]


class Casting(nn.Module):
    """Computes in another precision, and answers in it."""

    def __init__(self, network: nn.Module, inside: torch.dtype) -> None:
        super().__init__()
        self.network, self.inside = network.to(inside), inside

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.network(inputs.to(self.inside))


@pytest.mark.parametrize("inside", INSIDE)
def test_a_victim_returns_float32_logits_with_the_values_that_its_network_computed(inside):
    inputs, network = torch.rand(3, *SPEC.shape), Casting(perceptron(), inside)
    logits = Victim(network, SPEC)(inputs)
    assert logits.dtype == torch.float32
    assert logits.equal(network(inputs).to(torch.float32))


def test_a_victim_in_float32_returns_what_its_network_returned():
    kept = torch.zeros(2, 10)
    victim = Victim(nn.Identity(), SPEC)
    assert victim(kept) is kept


@pytest.mark.parametrize("inside", INSIDE)
@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_answers_and_explains_in_float32(name, inside):
    channel = registry().get(ChannelEntry, name).call(given={})
    explains = "explanation" in channel.gives
    oracle, _ = oracle_of(Casting(perceptron(), inside), channel)
    response = oracle.query(torch.rand(3, *SPEC.shape), explain=explains)
    assert response.labels.dtype == torch.int64
    for values in (response.probabilities, response.logits):
        assert values is None or values.dtype == torch.float32
    if explains:
        assert response.explanation.vjp(torch.rand(3, 10)).dtype == torch.float32
        maps = response.explanation.dense()
        assert maps.dtype == torch.float32
        assert float(maps.abs().sum()) > 0


@pytest.mark.parametrize("inside", INSIDE)
def test_the_answers_of_every_precision_are_recorded(tmp_path, inside):
    channel = registry().get(ChannelEntry, "probability").call(given={})
    recorder = QueryRecorder(tmp_path / "rows", SPEC, probabilities=True)
    recorder.start()
    oracle, _ = oracle_of(Casting(perceptron(), inside), channel, observers=[recorder])
    oracle.query(torch.rand(3, *SPEC.shape))
    assert recorder.rows == 3
    recorder.remove()
