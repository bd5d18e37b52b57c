"""A plugin that was written for an older version goes on: a tuple of parameters, keywords, and learners by keywords."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toys import context_of, oracle_of, perceptron, pool_of, spend_all

from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.registry.catalogue import catalogue, registry
from mebench.registry.entries import AttackEntry
from mebench.toolkit import FitLearner, FitParameters, LearnerParameters, LossParameters, OnlineLearner, extraction_loss

STRIPES = """
from mebench import AttackEntry, Parameter, hookimpl


@hookimpl
def mebench_api_version():
    return (1, 4)


@hookimpl
def mebench_attacks():
    return [
        AttackEntry(
            name="stripes",
            summary="Asks images of random vertical stripes.",
            target="stripes:build",
            parameters=(
                Parameter("batch_size", "int", 64, "Queries per batch.", minimum=1),
                Parameter("clone_lr", "float", 0.03, "Learning rate of the clone's SGD.", minimum=0),
            ),
            needs=frozenset({"probability"}),
            paper="none",
        ),
        AttackEntry(
            name="first-rows",
            summary="Asks the first inputs of a pool.",
            target="stripes:build_rows",
            parameters=(Parameter("epochs", "int", 3, "Passes over all answers.", minimum=1),),
            family="pool",
            needs=frozenset({"label"}),
        ),
    ]


def build(context, *, batch_size, clone_lr):
    import torch
    from mebench import Attack, QueryStrategy
    from mebench.toolkit import KLLoss, OnlineLearner

    class Stripes(QueryStrategy):
        def propose(self, oracle, clone):
            rows, (channels, height, width) = min(batch_size, oracle.remaining), context.spec.shape
            columns = torch.rand(rows, channels, 1, width, generator=context.random.torch("stripes"))
            return columns.expand(rows, channels, height, width).contiguous()

        def state_dict(self):
            return {}

        def load_state_dict(self, state):
            pass

    loss = KLLoss(floor=context.channel.probability_floor)
    return Attack(Stripes(), OnlineLearner(context, loss, learning_rate=clone_lr))


def build_rows(context, **parameters):
    from mebench import Attack
    from mebench.toolkit import FitLearner, RandomPoolStrategy

    learner = FitLearner(context, batch_size=16, optimizer="sgd", learning_rate=0.02, **parameters)
    return Attack(RandomPoolStrategy(context, rounds=2), learner)
"""


@pytest.fixture
def older(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "stripes.py").write_text(STRIPES)
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(tmp_path))
    assert catalogue().plugins[-1].error == ""


@pytest.mark.usefixtures("older")
def test_an_attack_with_keywords_and_an_online_learner_runs():
    context = context_of(ProbabilityChannel(), perceptron(seed=2), budget=100)
    attack = registry().get(AttackEntry, "stripes").call(context, given={"batch_size": 32})
    oracle, ledger = oracle_of(perceptron(seed=1), ProbabilityChannel(), budget=100)
    assert spend_all(attack, oracle) == 4
    assert ledger.spent == 100


@pytest.mark.usefixtures("older")
def test_an_attack_with_keywords_and_a_fit_runs():
    context = context_of(LabelChannel(), perceptron(seed=2), budget=40, pool=pool_of())
    attack = registry().get(AttackEntry, "first-rows").call(context)
    oracle, ledger = oracle_of(perceptron(seed=1), LabelChannel(), budget=40)
    assert spend_all(attack, oracle) == 2
    assert ledger.spent == 40


def learnt(learner, channel) -> list[torch.Tensor]:
    oracle, _ = oracle_of(perceptron(seed=1), channel)
    inputs = torch.rand(32, 1, 8, 8, generator=torch.Generator().manual_seed(0))
    for _ in range(2):
        learner.learn(inputs, oracle.query(inputs))
    return list(learner.clone.parameters())


def test_learners_by_keywords_are_those_of_their_parameters():
    contexts = [context_of(ProbabilityChannel(), perceptron(seed=2)) for _ in range(4)]
    loss = extraction_loss(contexts[0], LossParameters(loss="kl"))
    ours = OnlineLearner(contexts[0], loss, LearnerParameters(clone_lr=0.05, momentum=0.5, milestones=()))
    theirs = OnlineLearner(contexts[1], loss, learning_rate=0.05, momentum=0.5)
    fit = FitLearner(contexts[2], FitParameters(epochs=2, batch_size=8, learning_rate=0.05))
    by_keywords = FitLearner(contexts[3], epochs=2, batch_size=8, optimizer="sgd", learning_rate=0.05)
    for one, other in ((ours, theirs), (fit, by_keywords)):
        for mine, same in zip(learnt(one, ProbabilityChannel()), learnt(other, ProbabilityChannel()), strict=True):
            assert mine.equal(same)
