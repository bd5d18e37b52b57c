"""QEDG: its losses against sums by hand, what is asked, and how much is learnt when."""

from __future__ import annotations

import copy

import pytest
import torch
from mebench_qedg.attack import likeness
from torch import nn
from torch.nn import functional
from toys import SPEC, build_attack, context_of, one_turn, oracle_of, perceptron, spend_all

from mebench.oracle.channels.answers import LabelChannel

SMALL = {
    "batch_size": 8,
    "clone_batch_size": 4,
    "generator_width": 2,
    "noise_dim": 3,
    "generator_steps": 2,
    "epochs": 2,
    "closing_fits": 3,
    "views": "none",
}


class Bright(nn.Module):
    """Sure of bright images, by their first pixel; it learns nothing from them."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor(0.0))

    def forward(self, inputs):
        first = inputs.flatten(1)[:, :1]
        return torch.cat([20 * first - 10, torch.zeros(len(inputs), 9)], 1) + self.weight * 0


def built(budget=100, clone=None, **given):
    network = perceptron(seed=2) if clone is None else clone
    attack = build_attack("qedg", context_of(LabelChannel(), network, budget), **{**SMALL, **given})
    return attack, oracle_of(perceptron(seed=1, scale=3), LabelChannel(), budget)[0]


def test_likeness_is_the_sum_of_cosines_of_pairs_of_a_class_by_images():
    images = torch.tensor([[1.0, 0.0], [1.0, 1.0], [0.0, 2.0], [3.0, 3.0]]).view(4, 1, 1, 2)
    targets = torch.tensor([0, 0, 1, 0])
    cosine = 2**-0.5
    assert likeness(images, targets).item() == pytest.approx((cosine + cosine + 1) / 4)


def test_the_loss_is_its_sum_by_hand():
    attack, _ = built(spread=10.0, likeness=0.1)
    logits, images = torch.randn(8, 10), torch.rand(8, *SPEC.shape)
    targets = torch.arange(8) % 4
    shares = torch.softmax(logits, 1)
    cosines = [
        float(functional.cosine_similarity(images[i].flatten(), images[i + 4].flatten(), dim=0)) for i in range(4)
    ]
    expected = functional.cross_entropy(logits, targets) + 10 * shares.std(1).mean() + 0.1 * sum(cosines) / 8
    assert attack.strategy.loss(logits, targets, images).item() == pytest.approx(expected.item(), rel=1e-4)


def test_images_of_which_the_clone_is_sure_are_not_asked():
    attack, oracle = built(clone=Bright(), most_sure=0.7)
    images = torch.zeros(8, *SPEC.shape)
    images[::2] = 1.0
    attack.strategy.best_batch = lambda clone: images
    asked = attack.strategy.propose(oracle, attack.learner.clone)
    assert torch.equal(asked, images[1::2])
    assert attack.strategy.diagnostics()["asked_share"] == 0.5


def test_a_clone_that_is_sure_of_everything_does_not_end_the_trial():
    attack, oracle = built(clone=Bright())
    tries = []
    attack.strategy.best_batch = lambda clone: (tries.append(1), torch.ones(8, *SPEC.shape))[1]
    assert len(attack.strategy.propose(oracle, attack.learner.clone)) == 8
    assert len(tries) == 10


def test_the_budget_is_spent_and_not_overshot():
    attack, oracle = built(budget=21)
    spend_all(attack, oracle)
    assert (oracle.spent, sum(map(len, attack.learner.queries))) == (21, 21)


def test_wrong_answers_count_more_and_all_are_divided_by_their_number():
    attack, _ = built(wrong_weight=3.0)
    learner, inputs = attack.learner, torch.rand(6, *SPEC.shape)
    with torch.no_grad():
        right = learner.clone(inputs).argmax(1)
    labels = torch.where(torch.arange(6) < 2, (right + 1) % 10, right)
    each = functional.cross_entropy(learner.clone(inputs), labels, reduction="none")
    expected = (each[2:].sum() + 3 * each[:2].sum()) / 6
    assert learner.batch_loss(inputs, labels, torch.arange(6), 0.0).item() == pytest.approx(expected.item(), rel=1e-5)


def test_the_last_fit_is_as_long_as_all_closing_fits_and_itself():
    attack, oracle = built(budget=20)
    steps = []
    loss = attack.learner.batch_loss
    attack.learner.batch_loss = lambda *given: (steps.append(oracle.spent), loss(*given))[1]
    attack.strategy.best_batch = lambda clone: torch.rand(8, *SPEC.shape)
    spend_all(attack, oracle)
    counts = {spent: steps.count(spent) for spent in dict.fromkeys(steps)}
    assert counts == {8: 2 * 2, 16: 2 * 4, 20: 2 * 5 * (1 + 3)}


def test_free_flips_mirror_sure_images_only_and_are_off_unless_asked_for():
    attack, _ = built(clone=Bright(), free_flips=1.0)
    images = torch.rand(40, *SPEC.shape)
    images[:, 0, 0, 0] = (torch.arange(40) % 2).float()  # every second is sure
    seen = attack.learner.flipped(images)
    assert torch.equal(seen[::2], images[::2])
    ways = [
        (torch.equal(new, old.flip(2)), torch.equal(new, old.flip(1)))
        for new, old in zip(seen[1::2], images[1::2], strict=True)
    ]
    assert all(one != other for one, other in ways)
    assert 3 < sum(one for one, _ in ways) < 17
    plain, _ = built()
    plain.learner.flipped = None  # would fail if it were called
    plain.learner.batch_loss(images, torch.zeros(40, dtype=torch.int64), torch.arange(40), 0.0)


def test_it_goes_on_from_its_state_to_the_same_bits():
    (first, oracle), (second, other) = built(), built()
    for _ in range(3):
        one_turn(first, oracle)
    for mine, its in ((first.strategy, second.strategy), (first.learner, second.learner)):
        its.load_state_dict(copy.deepcopy(mine.state_dict()))
        for name, value in vars(mine).items():
            if isinstance(value, torch.Generator):
                getattr(its, name).set_state(value.get_state())
    other.query(torch.zeros(oracle.spent, *SPEC.shape))
    assert torch.equal(one_turn(first, oracle), one_turn(second, other))
    assert torch.equal(one_turn(first, oracle), one_turn(second, other))
