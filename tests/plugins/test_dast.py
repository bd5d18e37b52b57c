import copy
import math

import pytest
import torch
from mebench_dast.attack import BranchStrategy, spread_within
from mebench_dast.generator import BranchedGenerator
from mebench_dast.losses import generator_loss, imitation_loss
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron, spend_all
from trials import tiny_trial

from mebench.api.contract import InputSpec, Response
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

SMALL = {"batch_size": 20, "generator_width": 2, "noise_dim": 5}


def built(channel=None, budget=10_000, clone=None, **parameters):
    channel = channel or LabelChannel()
    context = context_of(channel, clone or perceptron(seed=2), budget=budget)
    oracle, ledger = oracle_of(perceptron(seed=1, scale=5), channel, budget=budget)
    return build_attack("dast", context, **{**SMALL, **parameters}), oracle, ledger


def test_the_clones_loss_is_cross_entropy_and_a_tenth_of_the_squared_error():
    logits = torch.tensor([[math.log(3.0), 0.0]])  # probabilities 3/4 and 1/4
    response = Response(torch.tensor([1]), torch.tensor([[0.4, 0.6]]))
    squared = (0.35**2 + 0.35**2) / 2
    assert imitation_loss(logits, response, 0.1).item() == pytest.approx(math.log(4) + 0.1 * squared)
    assert imitation_loss(logits, response, 0.0).item() == pytest.approx(math.log(4))
    assert imitation_loss(logits, Response(torch.tensor([1])), 0.1).item() == pytest.approx(math.log(4))


def test_the_generators_loss_is_exp_of_minus_the_clones_and_the_weighted_diversity():
    loss = generator_loss(torch.tensor(math.log(4)), torch.tensor(3.0), torch.tensor(0.2))
    assert loss.item() == pytest.approx(0.25 + 0.6)


@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()])
def test_with_a_memory_the_clone_learns_earlier_answers_too_and_the_generator_goes_by_the_new_ones_alone(channel):
    attack, oracle, ledger = built(channel, budget=55, memory=30)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (55, 0)
    assert len(attack.learner.memory) == 30
    assert attack.learner.memory.seen == 55
    assert set(attack.strategy.diagnostics()) >= {"imitation_loss", "diversity_loss"}


@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()])
def test_a_turn_is_one_adam_step_of_the_clone_and_then_one_of_the_generator(channel):
    attack, oracle, _ = built(channel, clone_lr=0.01, generator_lr=0.02)
    clone, generator = copy.deepcopy(attack.learner.clone), copy.deepcopy(attack.strategy.generator)
    images = generator(torch.randn(20, 5, generator=context_of(channel, clone).random.torch("noise")), BRANCHES)
    clone_adam = torch.optim.Adam(clone.parameters(), lr=0.01, betas=(0.5, 0.999))
    generator_adam = torch.optim.Adam(generator.parameters(), lr=0.02, betas=(0.5, 0.999))
    answer = oracle_of(perceptron(seed=1, scale=5), channel)[0].query(images.detach())

    def imitation(inputs):
        loss = torch.nn.functional.cross_entropy(clone(inputs), answer.labels)
        if answer.probabilities is not None:
            loss = loss + 0.1 * (clone(inputs).softmax(1) - answer.probabilities).square().mean()
        return loss

    imitation(images.detach()).backward()
    clone_adam.step()
    (torch.exp(-imitation(images)) + 0.2 * torch.nn.functional.cross_entropy(clone(images), BRANCHES)).backward()
    generator_adam.step()

    asked = one_turn(attack, oracle)
    assert torch.equal(asked, images.detach())
    for pair in zip(attack.learner.clone.parameters(), clone.parameters(), strict=True):
        torch.testing.assert_close(*pair)
    for pair in zip(attack.strategy.generator.parameters(), generator.parameters(), strict=True):
        torch.testing.assert_close(*pair, rtol=0, atol=1e-4)  # a step is 0.02 long


BRANCHES = torch.arange(20) % 10


def test_alpha_becomes_the_diversity_loss_once_that_is_under_the_threshold_and_never_rises_by_itself():
    attack, oracle, _ = built(alpha_threshold=100.0)  # so that every diversity loss is under it
    one_turn(attack, oracle)
    told = attack.strategy.diagnostics()
    assert told["alpha"] == pytest.approx(0.2)  # in the step that finds it, the old one holds
    assert attack.strategy.alpha.item() == pytest.approx(told["diversity_loss"])
    high, oracle, _ = built(alpha_threshold=0.1)
    one_turn(high, oracle)
    assert high.strategy.diagnostics()["diversity_loss"] > 0.1
    assert high.strategy.alpha.item() == pytest.approx(0.2)


def test_the_cifar10_program_never_steps_its_generator_and_draws_uniform_noise():
    attack, oracle, _ = built(program="cifar10")
    before = [p.clone() for p in attack.strategy.generator.parameters()]
    for _ in range(3):
        one_turn(attack, oracle)
    assert all(torch.equal(a, b) for a, b in zip(before, attack.strategy.generator.parameters(), strict=True))
    noise = attack.strategy.draw_noise()
    assert 0 <= noise.min() < 0.1 < 0.9 < noise.max() <= 1
    assert built()[0].strategy.draw_noise().min() < 0


def test_the_generators_step_leaves_the_clone_as_it_is():
    clone = convolutional(SPEC, seed=2)
    attack, oracle, _ = built(clone=clone)
    queries = attack.strategy.propose(oracle, clone)
    response = oracle.query(queries)
    attack.learner.learn(queries, response)
    before = copy.deepcopy(clone.state_dict())
    gradients = [p.grad.clone() for p in clone.parameters()]
    attack.strategy.observe(queries, response, clone)
    assert all(torch.equal(before[name], value) for name, value in clone.state_dict().items())
    assert all(torch.equal(a, p.grad) for a, p in zip(gradients, clone.parameters(), strict=True))
    assert clone.training


def test_a_turn_at_the_defaults_costs_500_training_queries_and_nothing_else():
    channel = LabelChannel()
    attack = build_attack("dast", context_of(channel, perceptron()), generator_width=1, noise_dim=3)
    oracle, ledger = oracle_of(perceptron(seed=1), channel)
    for _ in range(2):
        one_turn(attack, oracle)
    assert ledger.by_purpose == {"train": 1000, "explore": 0, "validation": 0}
    assert ledger.victim_forward == 1000


@pytest.mark.parametrize("budget", [1, 19, 20, 21, 53])
def test_every_query_is_spent_and_none_beyond_at_any_budget(budget):
    attack, oracle, ledger = built(budget=budget)
    spend_all(attack, oracle)
    assert (ledger.spent, ledger.refusals) == (budget, 0)


@pytest.mark.parametrize(("batch_size", "budget"), [(7, 70), (13, 75), (500, 500)])
def test_no_branch_makes_more_than_one_row_more_than_another(batch_size, budget, monkeypatch):
    attack, oracle, _ = built(budget=budget, batch_size=batch_size)
    made = []
    observe = BranchStrategy.observe
    monkeypatch.setattr(
        BranchStrategy, "observe", lambda self, *rest: made.append(self._made[1]) or observe(self, *rest)
    )
    spend_all(attack, oracle)
    counts = torch.cat(made).bincount(minlength=10)
    assert counts.sum() == budget
    assert counts.max() - counts.min() <= 1


def test_each_image_is_made_by_the_branch_that_it_is_said_to_be():
    generator = BranchedGenerator(SPEC, noise_dim=5, width=2).eval()
    noise, branches = torch.randn(6, 5), torch.tensor([3, 0, 9, 3, 1, 0])
    images = generator(noise, branches)
    for row in range(6):
        alone = generator(noise[row : row + 1], branches[row : row + 1])
        torch.testing.assert_close(images[row : row + 1], alone)
    other = generator(noise, torch.tensor([4, 0, 9, 3, 1, 0]))
    assert [torch.equal(a, b) for a, b in zip(images, other, strict=True)] == [False] + [True] * 5


@pytest.mark.parametrize("shape", [(1, 28, 28), (3, 32, 32), (1, 7, 9), (2, 1, 5)])
def test_the_branched_generator_makes_any_size_within_the_range(shape):
    generator = BranchedGenerator(InputSpec(shape, 3, low=-1.0, high=2.0), noise_dim=4, width=2)
    images = generator(100 * torch.randn(4, 4), torch.tensor([0, 1, 2, 0]))
    assert images.shape == (4, *shape)
    assert -1 <= images.min() < images.max() <= 2


def test_at_28_pixels_a_branch_goes_from_1_to_32_and_the_head_back_to_28():
    generator = BranchedGenerator(InputSpec((1, 28, 28), 10), noise_dim=4, width=2)
    maps = generator.branches[0](torch.randn(2, 4, 1, 1))
    assert maps.shape == (2, 2, 32, 32)
    assert generator.head(maps).shape == (2, 1, 28, 28)
    assert len(generator.branches) == 10


def test_the_spread_within_groups_is_the_pooled_standard_deviation():
    images = torch.tensor([1.0, 5.0, 3.0, 7.0, 4.0]).view(5, 1, 1, 1)
    groups = torch.tensor([0, 2, 0, 2, 2])
    # around 2: 1 + 1; around 16/3: 1/9 + 25/9 + 16/9; five images less two groups
    assert spread_within(images, groups, 4).item() == pytest.approx(((2 + 42 / 9) / 3) ** 0.5)
    assert spread_within(images[:1].expand(6, 1, 1, 1), torch.arange(6) % 2, 4) == 0
    assert spread_within(images[:2], groups[:2], 4).isnan()


def test_a_spread_that_one_image_of_each_branch_cannot_have_is_told_as_none():
    attack, oracle, _ = built(budget=10)
    one_turn(attack, oracle)
    assert attack.strategy.diagnostics()["spread_in_branch"] is None


def test_a_trial_that_was_stopped_ends_in_the_same_bytes(tmp_path):
    parameters = {**SMALL, "alpha_threshold": 100.0}
    spec = tiny_trial("dast", "label", budget=210, parameters=parameters)
    whole, parts = TrialFolder.of(tmp_path / "whole", spec), TrialFolder.of(tmp_path / "parts", spec)
    run_trial(spec, whole)
    calls = iter([False] * 3 + [True] + [False] * 4 + [True] + [False] * 99)
    while run_trial(spec, parts, should_stop=lambda: next(calls)) == "stopped":
        pass
    for name in ("result.json", "curve.jsonl", "clone.safetensors"):
        assert (whole.path / name).read_bytes() == (parts.path / name).read_bytes()
