"""MAD, GRAD^2 and adaptive misinformation, which compute with a second network."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from mebench_defences.grad2 import along_ones, redirected
from mebench_defences.mad import cosines, shared, within
from mebench_defences.misinformation import away_from
from owners import answers, defence, images, owners_context
from torch.nn import functional as F  # noqa: N812
from toys import SPEC, convolutional, perceptron

from mebench import ConfigurationError, InputSpec

MANY = InputSpec((1, 8, 8), 14)


def last_layers_gradients(network: torch.nn.Sequential, query: torch.Tensor) -> torch.Tensor:
    """d log p_j / d of the last layer's weight, (c, weights), by autograd."""
    log_p = torch.log_softmax(network(query[None]), dim=1)[0]
    return torch.stack([torch.autograd.grad(one, network[-1].weight, retain_graph=True)[0].flatten() for one in log_p])


def objective(gradients: torch.Tensor, other: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """H of the paper: the squared distance of the two updates' directions."""
    turned, straight = gradients.T @ other, gradients.T @ y
    return ((turned / turned.norm() - straight / straight.norm()) ** 2).sum()


def test_the_angle_of_the_last_layers_gradients_needs_no_jacobian():
    network = perceptron().double()
    for query, y, other in zip(images(20).double(), answers(20).double(), answers(20, seed=1).double(), strict=True):
        p = torch.softmax(network(query[None]), dim=1)
        closed = 2 * (1 - cosines(other[None, None], y[None], p))[0, 0]
        assert abs(closed - objective(last_layers_gradients(network, query), other, y)) < 1e-6


def test_mad_moves_towards_the_corner_that_turns_the_explicit_gradient_most():
    context = owners_context()
    network, rows, queries = context.new_network(0), answers(30), images(30)
    told = defence("mad", context, epsilon=0.7).perturb(queries, rows)
    for query, y, answer in zip(queries, rows, told, strict=True):
        gradients = last_layers_gradients(network, query)
        corners = torch.eye(10)
        best = corners[torch.stack([objective(gradients, one, y) for one in corners]).argmax()]
        share = min(1, 0.7 / float((best - y).abs().sum()))
        torch.testing.assert_close(answer, (1 - share) * y + share * best, atol=1e-5, rtol=0)


def test_mad_argmax_looks_at_every_subset_with_the_most_probable_class():
    context = owners_context(InputSpec((1, 8, 8), 5))
    network, rows, queries = context.new_network(0), answers(20, classes=5), images(20)
    told = defence("mad-argmax", context, epsilon=2.0).perturb(queries, rows)
    for query, y, answer in zip(queries, rows, told, strict=True):
        gradients, top = last_layers_gradients(network, query), int(y.argmax())
        found = []
        for members in itertools.product((0, 1), repeat=5):
            if members[top]:
                mass = torch.tensor(members) / sum(members)
                mass[top] += 1e-5
                found.append(mass / mass.sum())
        values = torch.stack([objective(gradients, one, y) for one in found])
        mine = objective(gradients, answer, y)
        assert mine > values.max() - 1e-4


def test_with_many_classes_the_subset_grows_by_the_class_that_turns_most():
    context = owners_context(MANY)
    made = defence("mad-argmax", context, epsilon=2.0)
    rows = answers(5, classes=14, concentration=0.5).double()
    p = torch.softmax(torch.randn(5, 14, generator=torch.Generator().manual_seed(0)).double(), dim=1)
    told = made.extreme(rows, p)
    for y, one, answer in zip(rows, p, told, strict=True):
        members, best, least = {int(y.argmax())}, None, 2.0
        while True:
            mask = torch.tensor([float(j in members) for j in range(14)], dtype=torch.float64)
            mass = shared(mask, y.argmax()[None])
            if (value := float(cosines(mass[None, None], y[None], one[None]))) < least:
                best, least = mass, value
            rest = sorted(set(range(14)) - members)
            if not rest:
                break
            grown = [mask + F.one_hot(torch.tensor(j), 14) for j in rest]
            values = [float(cosines(shared(g, y.argmax()[None])[None, None], y[None], one[None])) for g in grown]
            members.add(rest[int(np.argmin(values))])
        torch.testing.assert_close(answer, best)


@pytest.mark.parametrize("name", ["mad", "mad-argmax", "grad2"])
def test_no_answer_moves_by_more_than_the_budget(name):
    given = {"epochs": 1} if name == "grad2" else {}
    rows = answers(200, concentration=0.5)
    for epsilon in (0.0, 0.3, 1.0, 2.0):
        told = defence(name, epsilon=epsilon, **given).perturb(images(200), rows)
        assert (told - rows).abs().sum(1).max() <= epsilon + 1e-5
        torch.testing.assert_close(told.sum(1), torch.ones(200))


def test_a_corner_that_is_near_is_not_passed():
    y, corner = torch.tensor([[0.9, 0.1]]), torch.tensor([[1.0, 0.0]])
    assert torch.equal(within(y, corner, 1.0), corner)


def test_the_attackers_mad_is_nearly_the_owners():
    made, rows = defence("mad-argmax"), answers(300)
    there, at_home = made.perturb(images(300), rows), made.mechanism()(rows)
    assert (there - at_home).abs().sum(1).mean() < 0.5 * (there - rows).abs().sum(1).mean()


def test_a_row_gains_what_a_jacobian_of_all_parameters_says():
    network = convolutional(SPEC).double().eval()
    queries = images(6).double()
    gains = along_ones(network, queries)
    for query, row in zip(queries, gains, strict=True):
        log_p = torch.log_softmax(network(query[None]), dim=1)[0]
        parameters = list(network.parameters())
        sums = [sum(part.sum() for part in torch.autograd.grad(one, parameters, retain_graph=True)) for one in log_p]
        torch.testing.assert_close(row, torch.stack(sums))


def test_half_the_budget_goes_to_the_class_of_greatest_gain_from_those_of_least():
    y, gains = torch.tensor([[0.5, 0.2, 0.2, 0.1]]).double(), torch.tensor([[3.0, 9.0, 1.0, 2.0]]).double()
    told = redirected(y, gains, 0.5)
    torch.testing.assert_close(told, torch.tensor([[0.5, 0.45, 0.0, 0.05]]).double())
    assert torch.equal(redirected(y, gains, 2.0), torch.tensor([[0.0, 1, 0, 0]]).double())


def test_grad2_is_the_best_answer_of_a_linear_program():
    from scipy.optimize import linprog

    draws = np.random.default_rng(0)
    for epsilon in (0.2, 1.0, 1.8):
        y, gains = draws.dirichlet([0.3] * 6), draws.normal(size=6)
        eye = np.eye(6)
        limits = np.block([[eye, -eye], [-eye, -eye], [np.zeros((1, 6)), np.ones((1, 6))]])
        found = linprog(
            np.r_[-gains, np.zeros(6)], limits, np.r_[y, -y, epsilon], [np.r_[np.ones(6), np.zeros(6)]], [1.0]
        )
        told = redirected(torch.from_numpy(y)[None], torch.from_numpy(gains)[None], epsilon)[0].numpy()
        assert abs(told @ gains + found.fun) < 1e-9
        assert np.abs(told - y).sum() <= epsilon + 1e-12


def test_a_surrogate_is_the_same_whenever_it_is_distilled_and_nears_the_victim():
    context = owners_context(rows=256)
    made = defence("grad2", context, fitted=False, epochs=40, rate=0.1, batch_size=16)
    before = torch.get_rng_state()
    first, second = made.fit(), made.fit()
    assert torch.equal(torch.get_rng_state(), before)
    assert all(torch.equal(first["surrogate"][name], second["surrogate"][name]) for name in first["surrogate"])
    surrogate = context.new_network(0)
    untrained = torch.softmax(surrogate(context.data.inputs), dim=1)
    surrogate.load_state_dict(first["surrogate"])
    victim = torch.softmax(context.victim(context.data.inputs), dim=1)
    distilled = torch.softmax(surrogate(context.data.inputs), dim=1)
    assert (distilled - victim).abs().mean() < 0.5 * (untrained - victim).abs().mean()


def test_a_wrong_network_learns_to_give_labels_no_probability():
    logits = torch.randn(30, 10, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(30) % 10
    probabilities = torch.softmax(logits, dim=1)[torch.arange(30), labels]
    torch.testing.assert_close(away_from(logits, labels), -torch.log(1 - probabilities).mean())

    context = owners_context(rows=128)
    state = defence("adaptive-misinformation", context, fitted=False, epochs=30, rate=0.05, batch_size=16).fit()
    wrong = context.new_network(0)
    wrong.load_state_dict(state["wrong"])
    given = torch.softmax(wrong(context.data.inputs), dim=1)[torch.arange(128), context.data.labels]
    assert given.mean() < 0.06


def test_only_unsure_answers_mislead():
    made = defence("adaptive-misinformation", tau=0.7, epochs=1)
    rows = torch.full((4, 10), 0.02)
    rows[:2, 1], rows[2:, 1] = 0.82, 0.42
    rows[2:, 2] = 0.42
    told = made.perturb(images(4), rows)
    torch.testing.assert_close(told[:2], rows[:2])
    assert ((told[2:] - rows[2:]).abs().sum(1) > 0.3).all()
    torch.testing.assert_close(told.sum(1), torch.ones(4))


@pytest.mark.parametrize("name", ["grad2", "adaptive-misinformation"])
def test_without_data_of_the_owners_there_is_nothing_to_learn_from(name):
    from dataclasses import replace

    with pytest.raises(ConfigurationError, match="owner's own data"):
        defence(name, replace(owners_context(), data=None), fitted=False)
