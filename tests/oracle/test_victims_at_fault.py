"""What goes wrong in a victim while it is asked is told as the victim's, and an empty query does not reach it."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from toys import SPEC, oracle_of, perceptron

from mebench.api.errors import VictimFaultError
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.channels.explanations import (
    IntegratedGradientsChannel,
    SmoothGradChannel,
    VanillaGradientChannel,
    WhiteBoxChannel,
)

EXPLAINED = [VanillaGradientChannel, SmoothGradChannel, IntegratedGradientsChannel, WhiteBoxChannel]


class Asked(nn.Module):
    """Answers by a function of its logits and inputs."""

    def __init__(self, change):
        super().__init__()
        self.inside, self.change = perceptron(), change

    def forward(self, inputs):
        return self.change(self.inside(inputs), inputs)


@pytest.mark.parametrize("channel", [LabelChannel, ProbabilityChannel, *EXPLAINED])
def test_numbers_that_are_not_finite_fail_in_the_victims_name(channel):
    def one_is_not(logits, inputs):
        return torch.where(torch.arange(len(logits))[:, None] == 2, torch.inf, logits)

    oracle, ledger = oracle_of(Asked(one_is_not), channel())
    with pytest.raises(VictimFaultError, match=r"^victim 'victim': its logits are not finite for 1 of 5 rows$"):
        oracle.query(torch.rand(5, *SPEC.shape))
    assert ledger.spent == 5


@pytest.mark.parametrize("channel", [LabelChannel, ProbabilityChannel, *EXPLAINED])
def test_what_a_victim_raises_is_told_as_its_own(channel):
    oracle, _ = oracle_of(Asked(lambda logits, inputs: logits[7]), channel())
    with pytest.raises(VictimFaultError, match=r"^victim 'victim' failed on 3 rows: IndexError: index 7"):
        oracle.query(torch.rand(3, *SPEC.shape))


@pytest.mark.parametrize("channel", EXPLAINED)
def test_a_victim_without_gradients_is_named_when_it_is_explained(channel):
    oracle, _ = oracle_of(Asked(lambda logits, inputs: logits.detach()), channel())
    with pytest.raises(VictimFaultError, match=r"^victim 'victim': its outputs carry no gradient to its inputs$"):
        oracle.query(torch.rand(3, *SPEC.shape), explain=True).explanation.vjp(torch.ones(3, 10))


@pytest.mark.parametrize("channel", EXPLAINED)
def test_an_empty_query_is_answered_without_the_victim(channel):
    def refuses_nothing(logits, inputs):
        assert len(inputs)
        return logits

    oracle, ledger = oracle_of(Asked(refuses_nothing), channel())
    empty = torch.empty(0, *SPEC.shape)
    assert oracle.query(empty).probabilities.shape == (0, 10)
    explanation = oracle.query(empty, explain=True).explanation
    assert explanation.vjp(torch.ones(0, 10)).shape == (0, *SPEC.shape)
    assert (ledger.spent, ledger.victim_forward) == (0, 0)
