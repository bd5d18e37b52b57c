"""A victim that is made in Python returns logits, or says what it returns: no channel takes the softmax twice."""

from __future__ import annotations

import asyncio

import pytest
import torch
from torch import nn
from toys import SPEC, oracle_of, perceptron

from mebench import Victim
from mebench.api.errors import ConfigurationError, VictimFaultError
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.channels.explanations import VanillaGradientChannel

INPUTS = torch.rand(6, *SPEC.shape, generator=torch.Generator().manual_seed(0))
LOGITS = perceptron(scale=20)(INPUTS).detach()


def ending_in(*layers: nn.Module) -> nn.Module:
    return nn.Sequential(perceptron(scale=20), *layers)


@pytest.mark.parametrize("rows", [1, 6])
@pytest.mark.parametrize("channel", [ProbabilityChannel, LabelChannel, VanillaGradientChannel])
def test_probabilities_that_nobody_has_named_are_refused_at_the_first_answer(channel, rows):
    victim = Victim(ending_in(nn.Softmax(1)), SPEC, "mine")
    for _ in range(2):
        with pytest.raises(
            ConfigurationError, match=r"victim 'mine' returns probabilities, .* outputs='probabilities'"
        ):
            channel().answer(victim, INPUTS[:rows], False)


def test_they_are_refused_by_an_oracle_in_the_same_words():
    oracle, _ = oracle_of(ending_in(nn.Softmax(1)), ProbabilityChannel())
    with pytest.raises(ConfigurationError, match="returns probabilities"):
        oracle.query(INPUTS)


@pytest.mark.parametrize("half", [False, True])
def test_probabilities_that_are_named_are_answered_as_they_are(half):
    network = ending_in(nn.Softmax(1))
    network = Halved(network) if half else network
    victim = Victim(network, SPEC, outputs="probabilities")
    answered = ProbabilityChannel().answer(victim, INPUTS, False).probabilities
    torch.testing.assert_close(answered, LOGITS.softmax(1), rtol=1e-5, atol=1e-3 if half else 1e-6)


class Halved(nn.Module):
    """Rounds outputs to half precision."""

    def __init__(self, network):
        super().__init__()
        self.network = network

    def forward(self, inputs):
        return self.network(inputs).half()


def test_their_explanation_is_that_of_the_same_victim_with_logits():
    weights = torch.rand(6, 10, generator=torch.Generator().manual_seed(1))
    explained = [
        VanillaGradientChannel().answer(victim, INPUTS, True).explanation.vjp(weights)
        for victim in (Victim(ending_in(), SPEC), Victim(ending_in(nn.Softmax(1)), SPEC, outputs="probabilities"))
    ]
    torch.testing.assert_close(explained[1], explained[0], rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("outputs", [None, "log-probabilities"])
def test_log_probabilities_serve_as_logits(outputs):
    victim = Victim(ending_in(nn.LogSoftmax(1)), SPEC, outputs=outputs)
    torch.testing.assert_close(victim(INPUTS).softmax(1), LOGITS.softmax(1))


def test_logits_that_look_like_probabilities_are_taken_where_their_owner_says_so():
    victim = Victim(ending_in(nn.Softmax(1)), SPEC, outputs="logits")
    torch.testing.assert_close(victim(INPUTS), LOGITS.softmax(1))


def test_a_sigmoid_is_taken_for_logits_and_transforms_see_through_a_victim():
    victim = Victim(ending_in(nn.Sigmoid()), SPEC)
    torch.testing.assert_close(victim(INPUTS), LOGITS.sigmoid())
    fresh = Victim(ending_in(nn.Softmax(1)), SPEC, outputs="probabilities")
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: fresh(one[None])[0]))(INPUTS)
    assert jacobian.shape == (6, 10, *SPEC.shape)
    unasked = Victim(ending_in(), SPEC)
    assert torch.func.vmap(lambda one: unasked(one[None])[0])(INPUTS).shape == (6, 10)


class OnThree(nn.Module):
    """What is returned of three rows is ``change`` of the logits; of all others the logits."""

    def __init__(self, change):
        super().__init__()
        self.network, self.change = perceptron(), change

    def forward(self, inputs):
        logits = self.network(inputs)
        return self.change(logits) if len(inputs) == 3 else logits


@pytest.mark.parametrize("channel", [ProbabilityChannel, LabelChannel, VanillaGradientChannel])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda logits: logits[:-1], r"are float32 \(2, \d+\), not real numbers \(3, \d+\)"),
        (lambda logits: torch.cat([logits, logits], 1), r"are float32 \(3, \d+\), not real numbers \(3, \d+\)"),
        (lambda logits: logits.long(), r"are int64 \(3, \d+\), not real numbers"),
        (lambda logits: (logits,), "are no tensor but tuple"),
        (lambda logits: logits.to_sparse(), "are sparse"),
        (lambda logits: logits.to("meta"), "are on meta, not on cpu"),
    ],
)
def test_an_answer_of_another_form_later_on_is_the_victims_fault_and_not_the_attacks(channel, change, words):
    oracle, _ = oracle_of(OnThree(change), channel())
    oracle.query(INPUTS)
    with pytest.raises(VictimFaultError, match=rf"^victim '.*': its logits for 3 rows {words}"):
        oracle.query(INPUTS[:3], explain=channel is VanillaGradientChannel)


def test_a_victim_that_gives_up_its_task_fails_by_its_name():
    def cancel(logits):
        raise asyncio.CancelledError("given up")

    oracle, _ = oracle_of(OnThree(cancel), LabelChannel())
    with pytest.raises(VictimFaultError, match=r"failed on 3 rows: CancelledError: given up"):
        oracle.query(INPUTS[:3])
