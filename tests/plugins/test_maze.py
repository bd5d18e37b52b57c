import copy
import math

import pytest
import torch
from mebench_maze import MazeParameters
from mebench_maze.learner import Handover, ReplayLearner
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all
from trials import tiny_trial

from mebench.api.contract import Response
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.results.trial_folder import TrialFolder
from mebench.toolkit.losses import KLLoss
from mebench.toolkit.schedules import cosine_schedule
from mebench.toolkit.strategies.generator import squash
from mebench.trial.metrics.gradient_probe import true_gradient
from mebench.trial.trial import run_trial

SMALL = {"batch_size": 4, "generator_width": 4, "noise_dim": 5, "directions": 2}


def built(budget=10_000, clone=None, **parameters):
    channel = ProbabilityChannel()
    context = context_of(channel, clone or perceptron(seed=2), budget=budget)
    oracle, ledger = oracle_of(perceptron(seed=1, scale=5), channel, budget=budget)
    return build_attack("maze", context, **{**SMALL, **parameters}), oracle, ledger


def learner_of(handover=None, **options):
    parameters = MazeParameters(**{"clone_steps": 3, "replay_steps": 0, "replay_size": 10, **options})
    context = context_of(ProbabilityChannel(), perceptron(seed=2))
    return ReplayLearner(context, KLLoss(), parameters, handover or Handover())


def answered(rows, seed=0):
    inputs = torch.rand(rows, *SPEC.shape, generator=torch.Generator().manual_seed(seed))
    return inputs, oracle_of(perceptron(seed=1, scale=5), ProbabilityChannel())[0].query(inputs)


def sgd_steps(clone, batches, rate, momentum=0.9, decay=5e-4):
    """What SGD makes of the KL divergence on these batches, written out."""
    velocity = [torch.zeros_like(p) for p in clone.parameters()]
    for inputs, probabilities in batches:
        log_q = clone(inputs).log_softmax(1)
        loss = (probabilities * (probabilities.log() - log_q)).sum(1).mean()
        gradients = torch.autograd.grad(loss, list(clone.parameters()))
        with torch.no_grad():
            for p, v, g in zip(clone.parameters(), velocity, gradients, strict=True):
                v.mul_(momentum).add_(g + decay * p)
                p.sub_(rate * v)


def assert_same_weights(one, other, **tolerances):
    for pair in zip(one.parameters(), other.parameters(), strict=True):
        torch.testing.assert_close(*pair, **tolerances)


def test_an_iteration_at_the_defaults_costs_1920_queries():
    channel = ProbabilityChannel()
    attack = build_attack("maze", context_of(channel, perceptron()), generator_width=2, noise_dim=3)
    oracle, ledger = oracle_of(perceptron(seed=1), channel)
    for iteration in (1, 2):
        for _ in range(4):
            one_turn(attack, oracle)
        assert ledger.spent == 1920 * iteration
    # the clone learns from five batches an iteration; only the ten moved ones explore
    assert ledger.by_purpose == {"train": 2 * 640, "explore": 2 * 1280, "validation": 0}
    assert ledger.victim_forward == 2 * 1920


@pytest.mark.parametrize("budget", [1, 3, 4, 12, 13, 25, 29, 100])
def test_every_query_is_spent_and_none_beyond_at_any_budget(budget):
    attack, oracle, ledger = built(budget)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


def test_the_first_turn_learns_from_the_generators_own_batch_and_then_from_the_proposed_one():
    attack, oracle, _ = built(replay_steps=0, clone_lr=0.05)
    reference = copy.deepcopy(attack.learner.clone)
    queries = attack.strategy.propose(oracle, attack.learner.clone)
    images, response = attack.strategy.handover.batch
    points = attack.strategy.last_gradient_step().points
    assert torch.equal(images, squash(points, SPEC))
    asked = oracle.query(queries)
    attack.learner.learn(queries, asked)
    rate = cosine_schedule(0.05)(asked.progress)
    sgd_steps(reference, [(images, response.probabilities), (queries, asked.probabilities)], rate)
    assert_same_weights(attack.learner.clone, reference)


def test_a_batch_is_handed_over_once_and_only_in_the_turn_of_a_generator_step():
    attack, oracle, _ = built(replay_steps=0)
    steps = []
    step = attack.learner.step
    attack.learner.step = lambda inputs, response: steps.append(len(inputs)) or step(inputs, response)
    taken = []
    for _ in range(8):
        before = len(steps)
        one_turn(attack, oracle)
        taken.append(len(steps) - before)
        assert attack.strategy.handover.batch is None
    assert taken == [2, 1, 1, 1, 2, 1, 1, 1]


def test_only_the_last_batch_of_an_iteration_is_stored_and_then_replayed():
    learner = learner_of(replay_steps=3)
    first, second = answered(4, seed=1), answered(4, seed=2)
    steps = []
    step = learner.step
    learner.step = lambda inputs, response: steps.append((inputs, response)) or step(inputs, response)
    learner.learn(*first)
    assert len(steps) == 1
    assert len(learner.store) == 0
    learner.learn(*second)
    assert len(steps) == 2 + 3
    stored = zip(second[0], second[1].probabilities, strict=True)
    rows = {tuple(image.flatten().tolist()): answer for image, answer in stored}
    for inputs, response in steps[2:]:
        for image, answer in zip(inputs, response.probabilities, strict=True):
            assert torch.equal(rows[tuple(image.flatten().tolist())], answer)


def test_replayed_steps_are_steps_on_the_stored_answers_at_the_same_rate():
    learner, reference = learner_of(clone_steps=2, replay_steps=2, replay_size=1), perceptron(seed=2)
    inputs, response = answered(1)
    learner.learn(inputs, response)
    sgd_steps(reference, [(inputs, response.probabilities)] * 3, 0.1)
    assert_same_weights(learner.clone, reference)


def test_no_step_beyond_an_iterations_own_without_replay():
    attack, oracle, _ = built(budget=500, replay_steps=0)
    spend_all(attack, oracle)
    assert len(attack.learner.store) == 0


def test_the_generator_ascends_by_sgd_on_the_estimate_divided_by_the_batch():
    attack, oracle, _ = built(generator_lr=0.7, directions=3)
    strategy = attack.strategy
    generator = copy.deepcopy(strategy.generator)
    noise = torch.randn(4, 5, generator=context_of(ProbabilityChannel(), perceptron()).random.torch("noise"))
    raw = generator(noise)
    attack.strategy.propose(oracle, attack.learner.clone)
    estimate = strategy.last_gradient_step().gradient
    gradients = torch.autograd.grad(raw, list(generator.parameters()), -estimate / 4)
    with torch.no_grad():
        for weight, gradient in zip(generator.parameters(), gradients, strict=True):
            weight -= 0.7 * (gradient + 5e-4 * weight)
    assert_same_weights(strategy.generator, generator, rtol=1e-3, atol=1e-5)


def test_the_estimate_over_many_directions_approaches_the_gradient_of_the_kl_divergence():
    attack, oracle, _ = built(budget=10**6, directions=3000)
    clone = copy.deepcopy(attack.learner.clone)
    attack.strategy.propose(oracle, attack.learner.clone)
    step = attack.strategy.last_gradient_step()
    truth = true_gradient(step, clone, perceptron(seed=1, scale=5))
    assert torch.cosine_similarity(step.gradient.flatten(1), truth.flatten(1)).min() > 0.95  # of 64 dimensions


def test_the_clone_is_in_eval_mode_and_unmoved_while_the_gradient_is_estimated():
    clone = convolutional(SPEC, seed=2).train()
    attack, oracle, _ = built(clone=clone)
    before = copy.deepcopy(clone.state_dict())
    attack.strategy.propose(oracle, clone)
    assert all(torch.equal(before[name], value) for name, value in clone.state_dict().items())
    assert clone.training


@pytest.mark.parametrize(("progress", "expected"), [(0.0, 0.2), (0.5, 0.1), (2 / 3, 0.05), (1.0, 0.0)])
def test_a_cosine_falls_from_the_initial_rate_to_nothing(progress, expected):
    assert cosine_schedule(0.2)(progress) == pytest.approx(expected, abs=1e-12)


def test_both_rates_follow_the_cosine_of_the_budget():
    attack, oracle, _ = built(budget=280, clone_lr=0.1, generator_lr=0.01)  # 28 queries an iteration
    one_turn(attack, oracle)
    generator, clone = attack.strategy.optimizer.param_groups[0], attack.learner.optimizer.param_groups[0]
    # a generator step is taken at the progress after its own queries
    assert generator["lr"] == pytest.approx(0.01 * (1 + math.cos(math.pi * 12 / 280)) / 2)
    assert clone["lr"] == pytest.approx(0.1 * (1 + math.cos(math.pi * 16 / 280)) / 2)
    spend_all(attack, oracle)
    assert clone["lr"] == pytest.approx(0, abs=1e-12)
    assert 0 < generator["lr"] < 1e-3


def test_the_learner_goes_on_from_its_state_with_its_store():
    first, second = learner_of(replay_steps=2), learner_of(replay_steps=2)
    for seed in range(5):
        first.learn(*answered(4, seed))
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.store.random.set_state(first.store.random.get_state())
    for learner in (first, second):
        learner.learn(*answered(4, 9))
    assert_same_weights(first.clone, second.clone, rtol=0, atol=0)


def test_a_trial_that_was_stopped_ends_in_the_same_bytes(tmp_path):
    parameters = {**SMALL, "replay_steps": 2, "replay_size": 10}
    spec = tiny_trial("maze", budget=210, parameters=parameters)
    whole, parts = TrialFolder.of(tmp_path / "whole", spec), TrialFolder.of(tmp_path / "parts", spec)
    run_trial(spec, whole)
    calls = iter([False] * 7 + [True] + [False] * 6 + [True] + [False] * 99)
    while run_trial(spec, parts, should_stop=lambda: next(calls)) == "stopped":
        pass
    for name in ("result.json", "curve.jsonl", "clone.safetensors"):
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes()


def test_replayed_answers_that_are_certain_leave_the_weights_finite():
    learner = learner_of(replay_steps=1)
    inputs, response = answered(4)
    certain = torch.nn.functional.one_hot(response.labels, 10).float()
    for _ in range(3):
        learner.learn(inputs, Response(response.labels, certain))
    assert all(p.isfinite().all() for p in learner.clone.parameters())
