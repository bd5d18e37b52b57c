import pytest
import torch
from torch import nn
from toys import SPEC, build_attack, context_of, one_turn, oracle_of

from mebench.api.errors import ConfigurationError
from mebench.oracle.channels.entries import ExplainedParameters
from mebench.oracle.channels.explanations import (
    IntegratedGradientsChannel,
    SmoothGradChannel,
    VanillaGradientChannel,
    WhiteBoxChannel,
)


def one_layer(units: int, seed: int, scale: float = 1.0) -> nn.Sequential:
    """A network with one hidden layer of ReLUs, whose kinks lie all over the box."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Flatten(), nn.Linear(SPEC.size, units), nn.ReLU(), nn.Linear(units, SPEC.num_classes))
    with torch.no_grad():
        inside = 0.4 + 0.2 * torch.rand(units, SPEC.size)
        network[1].bias.copy_(-(network[1].weight * inside).sum(1))
        network[3].weight.mul_(scale)
    return network


def walked(victim: nn.Module, channel, *, units: int = 64, budget: int = 5000, **parameters):
    """The attack after its walk, and what it asked."""
    attack = build_attack("kink-walk", context_of(channel, one_layer(units, seed=99), budget), **parameters)
    oracle, ledger = oracle_of(victim, channel, budget)
    asked = []
    while oracle.remaining and len(queries := one_turn(attack, oracle)):
        asked.append(queries)
    return attack, torch.cat(asked), ledger


def spread(network: nn.Module, inputs: torch.Tensor) -> torch.Tensor:
    logits = network(inputs)
    return logits - logits.mean(1, keepdim=True)


@pytest.mark.parametrize("score", ["probability", "logit"])
def test_a_network_with_one_hidden_layer_is_read_off_to_rounding(score):
    victim = one_layer(12, seed=1)
    attack, asked, ledger = walked(victim, VanillaGradientChannel(ExplainedParameters(score=score)))
    inputs = torch.rand(500, *SPEC.shape, generator=torch.Generator().manual_seed(5))
    off = (spread(attack.learner.clone, inputs) - spread(victim, inputs)).abs().max()
    assert attack.strategy.diagnostics()["units"] == 12
    assert off < 1e-4 * spread(victim, inputs).abs().max()
    assert ledger.spent == len(asked) < 600


def test_a_white_box_is_read_off_too():
    attack, _, _ = walked(one_layer(5, seed=2), WhiteBoxChannel())
    assert attack.strategy.diagnostics()["units"] == 5


def test_every_row_is_inside_the_box_and_explained():
    _, asked, ledger = walked(one_layer(6, seed=3), VanillaGradientChannel())
    assert asked.min() >= 0
    assert asked.max() <= 1
    assert ledger.explanations == len(asked)


def test_the_kinks_are_where_the_victims_are():
    victim = one_layer(8, seed=4)
    attack, _, _ = walked(victim, VanillaGradientChannel())
    true = victim[1].weight.double() / victim[1].weight.double().norm(dim=1, keepdim=True)
    bias = victim[1].bias.double() / victim[1].weight.double().norm(dim=1)
    for direction, offset, _ in attack.strategy.units:
        cosines = true @ direction
        row = int(cosines.abs().argmax())
        assert abs(float(cosines[row])) > 1 - 1e-6
        assert abs(float(offset - cosines[row].sign() * bias[row])) < 1e-4


def test_a_budget_that_ends_the_walk_leaves_the_units_found_so_far():
    attack, asked, _ = walked(one_layer(24, seed=5), VanillaGradientChannel(), budget=60)
    assert len(asked) == 60
    assert 0 < attack.strategy.diagnostics()["units"] < 24


def test_a_clone_without_room_for_all_units_holds_the_strongest():
    victim = one_layer(12, seed=6)
    with torch.no_grad():
        victim[3].weight[:, 4:] *= 1e-2
    attack, _, _ = walked(victim, VanillaGradientChannel(), units=SPEC.num_classes + 4)
    inputs = torch.rand(300, *SPEC.shape, generator=torch.Generator().manual_seed(5))
    same = attack.learner.clone(inputs).argmax(1) == victim(inputs).argmax(1)
    assert attack.strategy.diagnostics()["units"] == 12
    assert same.float().mean() > 0.9


def test_corners_that_saturate_the_victim_bring_later_ones_nearer_to_the_middle():
    victim = one_layer(6, seed=7, scale=300)
    attack, _, _ = walked(victim, VanillaGradientChannel())
    assert attack.strategy.diagnostics()["reach"] < 1
    inputs = torch.rand(300, *SPEC.shape, generator=torch.Generator().manual_seed(5)) * 0.1 + 0.45
    assert (attack.learner.clone(inputs).argmax(1) == victim(inputs).argmax(1)).float().mean() > 0.95


def test_a_deeper_network_gives_no_error_and_no_exactness():
    torch.manual_seed(8)
    hidden = [nn.Linear(SPEC.size, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU()]
    victim = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(16, SPEC.num_classes))
    attack, _, _ = walked(victim, VanillaGradientChannel(), budget=800)
    inputs = torch.rand(200, *SPEC.shape, generator=torch.Generator().manual_seed(5))
    assert torch.isfinite(attack.learner.clone(inputs)).all()


@pytest.mark.parametrize(
    "channel",
    [IntegratedGradientsChannel(), SmoothGradChannel(), VanillaGradientChannel(ExplainedParameters(classes="top-1"))],
)
def test_a_channel_without_gradients_of_all_classes_is_refused_by_name(channel):
    with pytest.raises(ConfigurationError, match=r"kink-walk: needs gradients of all classes .* not (ig|sg|vg\()"):
        build_attack("kink-walk", context_of(channel, one_layer(64, seed=0)))


@pytest.mark.parametrize("units", [SPEC.num_classes, 0])
def test_a_clone_that_cannot_hold_a_unit_is_refused(units):
    clone = one_layer(units, seed=0) if units else nn.Sequential(nn.Flatten(), nn.Linear(SPEC.size, SPEC.num_classes))
    with pytest.raises(ConfigurationError, match=r"clone: \{name: mlp, hidden:"):
        build_attack("kink-walk", context_of(VanillaGradientChannel(), clone))


def test_answers_that_the_walk_did_not_ask_for_teach_nothing():
    channel = VanillaGradientChannel()
    attack = build_attack("kink-walk", context_of(channel, one_layer(64, seed=9)))
    oracle, _ = oracle_of(one_layer(6, seed=1), channel)
    before = [value.clone() for value in attack.learner.clone.state_dict().values()]
    queries = torch.rand(4, *SPEC.shape)
    attack.learner.learn(queries, oracle.query(queries, explain=True))
    assert all(map(torch.equal, before, attack.learner.clone.state_dict().values()))
