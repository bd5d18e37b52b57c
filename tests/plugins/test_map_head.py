"""The second head: maps as they are kept, the loss beside a plain program, and the control."""

from __future__ import annotations

import copy

import pytest
import torch
from mebench_map_head import MapHeadParameters
from mebench_map_head.learner import MapHeadLearner
from torch import nn
from torch.nn import functional
from toys import SPEC, context_of, convolutional, oracle_of, perceptron, pool_of, spend_all

from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry
from mebench.toolkit import with_features

FIT = {"epochs": 3, "batch_size": 8, "decoder_width": 4}


def learner_of(clone=None, **given) -> MapHeadLearner:
    context = context_of(VanillaGradientChannel(), clone or perceptron(seed=2))
    return MapHeadLearner(context, MapHeadParameters(**{**FIT, **given}))


def answers(rows=12, seed=1):
    queries = torch.rand(rows, *SPEC.shape, generator=torch.Generator().manual_seed(4))
    oracle, _ = oracle_of(perceptron(seed=seed, scale=5), VanillaGradientChannel())
    return queries, oracle.query(queries, explain=True)


def test_features_are_what_the_last_layer_sees():
    network, inputs = perceptron(), torch.rand(5, *SPEC.shape)
    logits, features = with_features(network, inputs)
    assert torch.equal(logits, network(inputs))
    assert torch.equal(features, network[:3](inputs))
    assert features.requires_grad
    assert not any(module._forward_pre_hooks for module in network.modules())


def test_a_network_without_a_linear_layer_is_refused():
    with pytest.raises(ConfigurationError, match="no linear layer"):
        learner_of(nn.Sequential(nn.Conv2d(1, 10, 8), nn.Flatten()))


@pytest.mark.parametrize("maps", ["signed", "absolute"])
def test_a_map_is_the_gradient_of_the_labels_score_over_its_largest_value(maps):
    queries, response = answers()
    inputs = queries.clone().requires_grad_()
    told = torch.softmax(perceptron(seed=1, scale=5)(inputs), 1)
    (expected,) = torch.autograd.grad(told.gather(1, response.labels[:, None]).sum(), inputs)
    expected = expected / expected.flatten(1).abs().amax(1)[:, None, None, None]
    found = learner_of(maps=maps).map_of(response)
    torch.testing.assert_close(found, expected if maps == "signed" else expected.abs(), rtol=1e-3, atol=1e-5)
    assert found.abs().max() == pytest.approx(1)


def test_a_map_of_nothing_is_nothing():
    queries, response = answers()
    flat = copy.copy(response)
    object.__setattr__(
        flat, "explanation", type("Flat", (), {"vjp": lambda self, weights: torch.zeros_like(queries)})()
    )
    assert torch.equal(learner_of().map_of(flat), torch.zeros_like(queries))


def test_the_loss_is_that_of_a_plain_program_and_reaches_the_trunk():
    learner = learner_of(map_weight=0.7)
    queries, response = answers()
    learner.remember(queries, response)
    decoder = nn.Sequential(nn.Linear(32, 64), nn.Unflatten(1, SPEC.shape))
    learner._decoder, learner.scale = decoder, 0.25
    (maps,) = learner.kept[0]
    found = learner.explained_loss(queries, response.probabilities, [maps], 0.5)
    features = learner.clone[:3](queries)
    value = -(response.probabilities * torch.log_softmax(learner.clone[3](features), 1)).sum(1).mean()
    distance = (decoder(features) - maps).square().mean()
    assert found.item() == pytest.approx((value + 0.7 * distance / 0.25).item(), rel=1e-5)
    first = learner.clone[1].weight
    (whole,) = torch.autograd.grad(found, first)
    (alone,) = torch.autograd.grad(functional.cross_entropy(learner.clone(queries), response.probabilities), first)
    assert (whole - alone).norm() > 0.1 * alone.norm()


def test_a_fit_lowers_the_distance_of_maps_and_drops_the_decoder():
    learner = learner_of(epochs=60, learning_rate=1e-2, maps="signed")
    queries, response = answers()
    decoders = []
    make = learner.make_optimizer
    learner.make_optimizer = lambda: decoders.append(learner._decoder) or make()
    learner.learn(queries, response)
    assert isinstance(learner._decoder, nn.Identity)
    told = decoders[0](with_features(learner.clone, queries)[1])
    (maps,) = learner.kept[0]
    assert (told - maps).square().mean() < 0.4 * maps.square().mean()


def test_every_query_is_explained_once_and_the_control_asks_no_explanation():
    clones = {}
    for weight in (1.0, 0.0):
        clones[weight] = perceptron(seed=2)
        context = context_of(VanillaGradientChannel(), clones[weight], 24, pool=pool_of(40))
        given = {"strategy.rounds": 2, "learner.map_weight": weight}
        given |= {f"learner.{name}": value for name, value in FIT.items()}
        attack = registry().get(AttackEntry, "random-pool+fit-maps").call(context, given=given)
        oracle, ledger = oracle_of(perceptron(seed=1), VanillaGradientChannel(), 24)
        spend_all(attack, oracle)
        assert (ledger.spent, ledger.explanations) == (24, 24 if weight else 0)
    assert not torch.equal(clones[0.0][1].weight, clones[1.0][1].weight)


def test_a_learner_goes_on_from_its_state_to_the_same_bits():
    queries, response = answers()
    first, second = learner_of(convolutional(SPEC)), learner_of(convolutional(SPEC, seed=7))
    first.learn(queries, response)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for own in ("random", "_draws"):
        getattr(second, own).set_state(getattr(first, own).get_state())
    for learner in (first, second):
        learner.learn(queries, response)
    assert all(map(torch.equal, first.clone.state_dict().values(), second.clone.state_dict().values()))
