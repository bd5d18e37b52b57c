"""What an attack holds leads nowhere by attributes, and tells all that is public."""

from __future__ import annotations

import copy

import pytest
import torch
from toys import SPEC, oracle_of, perceptron

from mebench.api.contract import Explanation, Response, ResponseChannel, Victim
from mebench.api.errors import BudgetExceededError, OracleError
from mebench.api.random_streams import RandomStreams
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.oracle.channels.entries import IntegratedGradientsParameters
from mebench.oracle.channels.explanations import (
    IntegratedGradientsChannel,
    SmoothGradChannel,
    VanillaGradientChannel,
    WhiteBoxChannel,
)
from mebench.oracle.facade import AttackersOracle, ChannelDescription, SealedExplanation
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry

EXPLAINED = [VanillaGradientChannel, SmoothGradChannel, IntegratedGradientsChannel, WhiteBoxChannel]
WEIGHTS = torch.linspace(-1, 1, 10).expand(4, 10)


class Rounded(ProbabilityChannel):
    """A channel with a public method, which attacks on it may use for their own numbers."""

    step = 0.25

    def rounded(self, values):
        return (values / self.step).round() * self.step


class Speaking(Explanation):
    """Tells more than it must, and what it tells costs the victim."""

    def __init__(self, victim, inputs):
        self.victim_is_here, self._victim, self._inputs = False, victim, inputs

    def vjp(self, weights):
        return self.largest(1)

    def dense(self):
        return self.largest(1)

    def largest(self, count):
        return self._victim(self._inputs).topk(count).values


class SpeakingChannel(ProbabilityChannel):
    """Explains so."""

    gives = ProbabilityChannel.gives | {"explanation"}

    def answer(self, victim, inputs, explain):
        answer = super().answer(victim, inputs, explain)
        return Response(answer.labels, answer.probabilities, Speaking(victim, inputs) if explain else None)


def asked(channel: ResponseChannel, budget: int = 1000) -> tuple[AttackersOracle, BudgetedOracle, QueryLedger]:
    oracle, ledger = oracle_of(perceptron(), channel, budget)
    return AttackersOracle(oracle, ChannelDescription(channel)), oracle, ledger


def attributes(thing: object) -> list[object]:
    """The values of all attributes of a thing that `dir` and slots know of."""
    slots = [name for kind in type(thing).__mro__ for name in getattr(kind, "__slots__", ())]
    names = {name for name in (*dir(thing), *slots) if not name.startswith("__")}
    return [*(getattr(thing, name) for name in names), *getattr(thing, "__dict__", {}).values()]


@pytest.mark.parametrize("channel", EXPLAINED)
def test_no_attribute_leads_to_ledger_victim_channel_or_streams(channel):
    facade, _, _ = asked(channel())
    explanation = facade.query(torch.rand(4, *SPEC.shape), explain=True).explanation
    inside = (QueryLedger, Victim, BudgetedOracle, RandomStreams, torch.Generator)
    for held in (facade, facade.channel, explanation):
        for value in attributes(held):
            assert not isinstance(value, inside)
            assert not isinstance(value, ResponseChannel) or type(value) is ChannelDescription
            assert not isinstance(value, torch.Tensor)
            owner = getattr(value, "__self__", None)
            assert isinstance(owner, (type(None), AttackersOracle, ChannelDescription, SealedExplanation, type))


def test_it_answers_counts_and_refuses_as_the_oracle_behind_it_does():
    facade, oracle, ledger = asked(ProbabilityChannel(), budget=10)
    plain, _ = oracle_of(perceptron(), ProbabilityChannel(), 10)
    queries = torch.rand(4, *SPEC.shape)
    answer = facade.query(queries, purpose="explore")
    assert torch.equal(answer.probabilities, plain.query(queries).probabilities)
    assert answer.progress == 0.4
    assert (facade.budget, facade.spent, facade.remaining, facade.progress) == (10, 4, 6, 0.4)
    assert ledger.by_purpose == {"train": 0, "explore": 4, "validation": 0}
    assert facade.spec is oracle.spec
    with pytest.raises(BudgetExceededError, match="asked 7 queries with 6 of 10 left"):
        facade.query(torch.rand(7, *SPEC.shape))


@pytest.mark.parametrize("channel", EXPLAINED)
def test_a_sealed_explanation_is_the_explanation(channel):
    facade, _, _ = asked(channel())
    plain, _ = oracle_of(perceptron(), channel())
    queries = torch.rand(4, *SPEC.shape)
    ours, theirs = (one.query(queries, explain=True).explanation for one in (facade, plain))
    assert isinstance(ours, SealedExplanation)
    assert ours.score == theirs.score
    assert torch.equal(ours.vjp(WEIGHTS), theirs.vjp(WEIGHTS))
    assert torch.equal(ours.dense(), theirs.dense())


def test_all_that_is_public_of_a_channel_is_described_and_none_of_its_trial():
    channel = IntegratedGradientsChannel(IntegratedGradientsParameters(steps=7, baseline=0.5, classes="top-1"))
    told = ChannelDescription(channel)
    for name in ("name", "gives", "probability_floor", "explained_classes", "steps", "baseline", "rule", "score"):
        assert getattr(told, name) == getattr(channel, name)
    assert isinstance(told, ResponseChannel)
    with pytest.raises(AttributeError):
        told._inner  # noqa: B018
    victim = Victim(perceptron(), SPEC)
    for call in (
        lambda: told.answer(victim, torch.rand(2, *SPEC.shape), False),
        lambda: told.use_randomness(RandomStreams(0, torch.device("cpu"))),
        told.state_dict,
        lambda: told.load_state_dict({}),
    ):
        with pytest.raises(OracleError, match=r"channel ig\(steps=7.*ask the oracle"):
            call()


def test_a_public_method_of_a_channel_can_be_called_and_leads_to_no_channel():
    told = ChannelDescription(Rounded())
    assert told.step == 0.25
    assert torch.equal(told.rounded(torch.tensor([0.3, 0.9])), torch.tensor([0.25, 1.0]))
    assert not hasattr(told.rounded, "__self__")


def test_nothing_of_them_can_be_changed():
    facade, _, ledger = asked(VanillaGradientChannel())
    explanation = facade.query(torch.rand(4, *SPEC.shape), explain=True).explanation
    for thing, name in ((facade, "budget"), (facade, "_spent"), (facade.channel, "explained_classes")):
        with pytest.raises(AttributeError, match=f"{name}: .* cannot be changed"):
            setattr(thing, name, 1)
        with pytest.raises(AttributeError):
            delattr(thing, name)
    with pytest.raises(AttributeError):
        explanation.score = "logit"
    facade.query(torch.rand(3, *SPEC.shape), explain=True)
    assert ledger.explained_classes == 70


def test_a_copy_is_the_thing_itself_so_that_no_copy_has_a_budget_of_its_own():
    facade, _, _ = asked(LabelChannel())
    for thing in (facade, facade.channel):
        assert copy.copy(thing) is thing
        assert copy.deepcopy({"held": thing})["held"] is thing


@pytest.mark.parametrize("name", registry().names(ChannelEntry))
def test_on_every_channel_all_that_the_victim_computes_is_explained_however_often_an_answer_is_contracted(name):
    entry = registry().get(ChannelEntry, name)
    channel = entry.call()
    facade, oracle, ledger = asked(channel)
    facade.query(torch.rand(5, *SPEC.shape))
    if "explanation" in channel.gives:
        explanation = facade.query(torch.rand(4, *SPEC.shape), explain=True).explanation
        for _ in range(3):
            explanation.vjp(WEIGHTS)
            explanation.dense()
        facade.query(torch.rand(1, *SPEC.shape), explain=True)  # never looked at
        assert ledger.victim_backward >= 4 * 3 * 11
    assert ledger.victim_forward >= ledger.spent
    assert oracle.unexplained == (0, 0)


def test_what_a_plugins_explanation_tells_besides_is_explained_too():
    facade, oracle, ledger = asked(SpeakingChannel())
    explanation = facade.query(torch.rand(4, *SPEC.shape), explain=True).explanation
    assert explanation.largest(2).shape == (4, 2)
    assert explanation.victim_is_here is False
    assert (ledger.victim_forward, oracle.unexplained) == (8, (0, 0))
    with pytest.raises(AttributeError):
        explanation._victim  # noqa: B018


def test_what_runs_past_the_oracle_is_not_explained():
    facade, oracle, _ = asked(SpeakingChannel())
    metered = oracle._answer.__closure__[1].cell_contents
    facade.query(torch.rand(4, *SPEC.shape))
    metered(torch.rand(30, *SPEC.shape))
    assert oracle.unexplained == (30, 0)
    inputs = torch.rand(6, *SPEC.shape, requires_grad=True)
    metered(inputs).sum().backward()
    assert oracle.unexplained == (36, 6)
    other, _ = oracle_of(perceptron(), SpeakingChannel(), budget=oracle.budget)
    other.load_state_dict(oracle.state_dict(), torch.device("cpu"))
    other._ledger.load_state_dict(oracle._ledger.state_dict())
    assert other.unexplained == (36, 6)


def test_an_answer_that_failed_halfway_is_explained_as_well():
    class OutOfMemory(ProbabilityChannel):
        def answer(self, victim, inputs, explain):
            answer = super().answer(victim, inputs, explain)
            if len(inputs) > 10:
                raise MemoryError
            return answer

    facade, oracle, ledger = asked(OutOfMemory())
    with pytest.raises(MemoryError):
        facade.query(torch.rand(20, *SPEC.shape))
    facade.query(torch.rand(10, *SPEC.shape))
    assert (ledger.victim_forward, oracle.unexplained) == (30, (0, 0))
