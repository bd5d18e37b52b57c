import copy

import pytest
import torch
from toys import SPEC, context_of, oracle_of, perceptron

from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.toolkit import ExplainedFitLearner, FitLearner, FitParameters, KLLoss, OnlineLearner, ramp_schedule

FIT = FitParameters(epochs=2, batch_size=5)


class Remembering(ExplainedFitLearner):
    """Keeps the map of class 0 and the label; descends the answers' loss alone."""

    def kept_of(self, response):
        return response.explanation.dense()[:, 0], response.labels

    def explained_loss(self, queries, targets, kept, done):
        for query, map_, label in zip(queries, *kept, strict=True):
            expected = self.expected[query.numpy().tobytes()]
            assert torch.equal(map_, expected[0])
            assert label == expected[1]
        return FitLearner.batch_loss(self, queries, targets, None, done)


def taught(explained=True, learner=None):
    """A learner after two answers, each with its rows' maps."""
    channel = VanillaGradientChannel()
    learner = learner or Remembering(context_of(channel, perceptron(seed=2)), FIT, explained)
    learner.expected = {}
    oracle, _ = oracle_of(perceptron(seed=1, scale=5), channel)
    for seed in (3, 4):
        queries = torch.rand(7, *SPEC.shape, generator=torch.Generator().manual_seed(seed))
        response = oracle.query(queries, explain=explained)
        if explained:
            maps = response.explanation.dense()[:, 0]
            learner.expected |= {
                query.numpy().tobytes(): told for query, *told in zip(queries, maps, response.labels, strict=True)
            }
        learner.learn(queries, response)
    return learner


def test_each_row_comes_with_what_was_kept_of_it():
    learner = taught()
    maps = torch.cat([kept[0] for kept in learner.kept])
    assert maps.shape == (14, *SPEC.shape)
    assert learner.scale == pytest.approx(float(maps.square().mean()))


def test_without_explanations_it_is_a_fit():
    learner, plain = taught(explained=False), FitLearner(context_of(VanillaGradientChannel(), perceptron(seed=2)), FIT)
    taught(explained=False, learner=plain)
    assert not learner.kept
    assert not learner.wants_explanations
    assert all(map(torch.equal, learner.clone.state_dict().values(), plain.clone.state_dict().values()))


def test_what_is_kept_goes_on_from_a_state():
    first, second = taught(), Remembering(context_of(VanillaGradientChannel(), perceptron()), FIT, True)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for one, other in zip(first.kept, second.kept, strict=True):
        assert all(map(torch.equal, one, other))


def test_a_step_descends_what_a_subclass_says_of_queries_and_answers():
    class Drawn(OnlineLearner):
        def step_loss(self, queries, response):
            return super().step_loss(queries, response) * 0 + self.clone[3].bias.sum()

    learner = Drawn(context_of(VanillaGradientChannel(), perceptron(seed=2)), KLLoss(), learning_rate=0.5, momentum=0)
    before = learner.clone[3].bias.clone()
    oracle, _ = oracle_of(perceptron(seed=1), VanillaGradientChannel())
    queries = torch.rand(4, *SPEC.shape)
    learner.learn(queries, oracle.query(queries))
    assert torch.allclose(learner.clone[3].bias, before - 0.5, atol=1e-3)


def test_a_ramp_rises_to_what_it_keeps():
    ramp = ramp_schedule(3.0, 0.5)
    assert [ramp(done) for done in (0.0, 0.25, 0.5, 1.0)] == [0.0, 1.5, 3.0, 3.0]
    assert ramp_schedule(3.0, 0.0)(0.0) == 3.0
