import copy

import pytest
import torch
from mebench_jbda.augmentation import jacobian_signs
from torch import nn
from toys import SPEC, build_attack, context_of, convolutional, one_turn, oracle_of, perceptron, pool_of

from mebench.api.contract import InputSpec
from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.answers import LabelChannel, ProbabilityChannel

QUICK = {"seeds": 6, "rounds": 3, "reservoir": 5, "epochs": 2, "batch_size": 8}


def jbda(budget=60, channel=None, spec=SPEC, clone=None, **parameters):
    context = context_of(channel or LabelChannel(), clone or perceptron(spec, 2), budget, spec=spec, pool=pool_of())
    return build_attack("jbda", context, **(QUICK | parameters))


def rounds_of(attack, budget, channel=None, spec=SPEC, victim=None):
    oracle, ledger = oracle_of(victim or perceptron(spec, 1), channel or LabelChannel(), budget, spec)
    asked = []
    while oracle.remaining:
        asked.append(one_turn(attack, oracle))
    return asked, ledger


class Linear(nn.Module):
    """Two classes; the logit of the second is 2 x_0 - x_1, of the first 0."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.0, 0.0, 0.0], [2.0, -1.0, 0.0]]))

    def forward(self, inputs):
        return inputs.flatten(1) @ self.weight.T


def test_signs_of_a_linear_clone_are_those_of_its_weights():
    inputs = torch.rand(2, 1, 1, 3)
    signs = jacobian_signs(Linear(), inputs, torch.tensor([1, 0])).flatten(1)
    assert signs.tolist() == [[1, -1, 0], [-1, 1, 0]]


def test_signs_are_those_of_autograds_whole_jacobian_of_the_softmax_in_eval_mode():
    clone = convolutional(SPEC, seed=3).train()
    inputs, labels = torch.rand(300, *SPEC.shape), torch.randint(10, (300,))
    signs = jacobian_signs(clone, inputs, labels)
    assert clone.training
    reference = copy.deepcopy(clone).eval().double()
    for row in (0, 7, 256, 299):
        softmax = lambda x: torch.softmax(reference(x), 1)[0]  # noqa: E731
        whole = torch.autograd.functional.jacobian(softmax, inputs[row : row + 1].double())
        assert torch.equal(signs[row].double(), whole[labels[row], 0].sign())


def test_signs_do_not_vanish_where_the_clone_is_certain():
    clone = perceptron(seed=2, scale=1000)
    inputs = torch.rand(5, *SPEC.shape)
    labels = clone(inputs).argmax(1)
    assert torch.softmax(clone(inputs), 1).amax(1).max() == 1
    assert jacobian_signs(clone, inputs, labels).abs().min() == 1


@pytest.mark.parametrize("spec", [SPEC, InputSpec((1, 8, 8), 10, low=-1.0, high=2.0)])
def test_a_round_asks_the_answered_inputs_a_step_along_the_signs_and_clipped(spec):
    attack = jbda(spec=spec)
    oracle, _ = oracle_of(perceptron(spec, 1), LabelChannel(), 60, spec)
    seeds = one_turn(attack, oracle)
    clone = copy.deepcopy(attack.learner.clone)
    queries = one_turn(attack, oracle)
    signs = jacobian_signs(clone, seeds, perceptron(spec, 1)(seeds).argmax(1))
    expected = (seeds + 0.1 * (spec.high - spec.low) * signs).clamp(spec.low, spec.high)
    assert torch.equal(queries, expected)


def test_data_double_until_the_rounds_are_over_and_then_grow_by_the_reservoir():
    asked, ledger = rounds_of(jbda(budget=36), 36)
    assert [len(queries) for queries in asked] == [6, 6, 12, 5, 5, 2]
    assert ledger.by_purpose == {"train": 36, "explore": 0, "validation": 0}


def test_six_rounds_from_a_hundred_seeds_make_3200_points_of_as_many_queries():
    context = context_of(LabelChannel(), perceptron(seed=2), 3200, pool=pool_of(120))
    attack = build_attack("jbda", context, epochs=1)
    asked, _ = rounds_of(attack, 3200)
    assert [len(queries) for queries in asked] == [100, 100, 200, 400, 800, 1600]


@pytest.mark.parametrize("channel", [LabelChannel(), ProbabilityChannel()])
@pytest.mark.parametrize("budget", [1, 5, 7, 99])
def test_the_budget_is_spent_to_the_query_and_nothing_is_asked_twice(channel, budget):
    asked, ledger = rounds_of(jbda(budget, channel), budget, channel)
    assert (ledger.spent, ledger.refusals) == (budget, 0)
    assert len(torch.cat(asked).flatten(1).unique(dim=0)) == budget


def test_a_clone_without_gradient_steps_at_random_and_still_asks_nothing_twice():
    flat = perceptron(seed=2)
    attack = jbda(40, clone=flat, learning_rate=0.0)
    with torch.no_grad():
        flat[-1].weight.zero_()
    asked, ledger = rounds_of(attack, 40)
    assert ledger.spent == 40
    assert len(torch.cat(asked).flatten(1).unique(dim=0)) == 40
    steps = (asked[1] - asked[0]).abs()
    assert ((steps == 0) | (steps <= 0.1 + 1e-6)).all()
    assert (steps > 0.09).float().mean() > 0.8


def test_texts_are_refused_in_a_line():
    with pytest.raises(ConfigurationError, match="texts have none"):
        jbda(spec=InputSpec((8,), 2, high=50, dtype=torch.int64))


@pytest.mark.parametrize("turns", [0, 1, 2, 4])
def test_a_stopped_trial_goes_on_to_the_same_end(turns):
    whole, again = jbda(), jbda()
    (oracle, _), (other, ledger) = (oracle_of(perceptron(seed=1), LabelChannel(), 60) for _ in range(2))
    for _ in range(turns):
        one_turn(whole, oracle)
    again.strategy.load_state_dict(copy.deepcopy(whole.strategy.state_dict()))
    again.learner.load_state_dict(copy.deepcopy(whole.learner.state_dict()))
    again.strategy.random.set_state(whole.strategy.random.get_state())
    again.learner.random.set_state(whole.learner.random.get_state())
    ledger.charge(oracle.spent, "train")
    while oracle.remaining:
        assert torch.equal(one_turn(whole, oracle), one_turn(again, other))
    for ours, theirs in zip(whole.learner.clone.parameters(), again.learner.clone.parameters(), strict=True):
        assert torch.equal(ours, theirs)
