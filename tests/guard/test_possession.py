"""Whether an attack holds the victim: where it is found, and what is not mistaken for it."""

from __future__ import annotations

import copy
import functools
from collections import deque
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from toys import SPEC, oracle_of, perceptron

from mebench.api.contract import Victim
from mebench.guard.possession import Possession
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.oracle.facade import AttackersOracle, ChannelDescription

MEAN = torch.tensor([0.5])
FOUND: list[object] = []


class Strategy:
    """Holds one thing."""

    def __init__(self, held):
        self.held = held


class LooksInItsModule:
    """Holds nothing, but a method uses what lies in its module."""

    def use(self):
        return FOUND


class Slotted:
    """Holds one thing in a slot."""

    __slots__ = ("held",)

    def __init__(self, held):
        self.held = held


class Normalised(nn.Module):
    """A network of a plugin, whose instances share a constant."""

    def __init__(self, seed):
        super().__init__()
        self.network = perceptron(seed=seed)
        self.register_buffer("mean", MEAN)


def closure(thing):
    return lambda: thing


def default(thing):
    def function(found=thing):
        return found

    return function


def on_a_class(thing):
    return type("Holder", (), {"held": thing, "__module__": __name__})()


HIDING = {
    "an attribute": lambda thing: thing,
    "a list in a dict": lambda thing: {"at": [thing]},
    "a deque": lambda thing: deque([thing]),
    "a closure": closure,
    "a default": default,
    "a partial": lambda thing: functools.partial(print, end=thing),
    "a bound method": lambda thing: thing.forward,
    "a slot": Slotted,
    "a namespace": lambda thing: SimpleNamespace(held=thing),
    "a class": on_a_class,
    "an attribute of a tensor": lambda thing: setattr(found := torch.zeros(1), "held", thing) or found,
}


@pytest.fixture
def victim():
    return Victim(perceptron(seed=5), SPEC)


@pytest.fixture
def possession(victim):
    return Possession(victim, perceptron())


@pytest.mark.parametrize("place", HIDING)
def test_the_victim_is_found(place, victim, possession):
    held = {"its clone": perceptron(), "its strategy": Strategy(HIDING[place](victim))}
    problem = possession.problem(held)
    assert problem.startswith("its strategy.held")
    assert problem.endswith(" is the victim")


def test_it_is_found_in_a_variable_of_the_attacks_module(victim, possession):
    FOUND.append(victim)
    try:
        problem = possession.problem({"its strategy": LooksInItsModule()})
    finally:
        FOUND.clear()
    assert problem == "test_possession.FOUND[0] is the victim"


def test_the_values_of_a_tensor_that_is_a_key_are_not_written(victim, possession, monkeypatch):
    monkeypatch.delattr(nn.Parameter, "__repr__")
    monkeypatch.setattr(torch.Tensor, "__repr__", None)
    held = Strategy({victim.network[1].weight.detach().clone(): 1, nn.Parameter(torch.zeros(2)): [victim]})
    assert possession.problem({"its strategy": held}) == "its strategy.held[a Parameter][0] is the victim"


def test_a_clone_with_a_part_or_a_tensor_of_the_victim_is_found(victim, possession):
    clone = perceptron()
    clone[1] = victim.network[1]
    assert possession.problem({"its clone": clone}) == "its clone.1 is a part of the victim"
    clone = perceptron()
    clone[1].weight = nn.Parameter(victim.network[1].weight[:])  # another tensor over the same values
    assert possession.problem({"its clone": clone}) == "its clone.1.weight is a tensor of the victim's"


def test_an_honest_attack_holds_its_oracle_answers_and_functions_of_them(victim):
    oracle, _ = oracle_of(victim.network, VanillaGradientChannel())
    facade = AttackersOracle(oracle, ChannelDescription(VanillaGradientChannel()))
    answer = facade.query(torch.rand(2, *SPEC.shape), explain=True)
    held = [facade, facade.query, facade.channel, answer, answer.explanation.vjp, lambda: facade, facade._query]
    assert Possession(victim, perceptron()).problem({"its strategy": Strategy(held)}) == ""


def test_a_constant_that_two_networks_of_a_kind_share_is_nobodys_secret():
    victim, clone = Victim(Normalised(1), SPEC), Normalised(2)
    assert victim.network.mean.data_ptr() == clone.mean.data_ptr()
    assert Possession(victim, clone).problem({"its clone": clone}) == ""


def test_a_copy_of_all_weights_is_told_from_a_clone_that_has_learnt(victim):
    clone = perceptron()
    possession = Possession(victim, clone)
    assert not possession.same_weights(clone)
    clone.load_state_dict(copy.deepcopy(victim.network.state_dict()))
    assert possession.same_weights(clone)
    assert possession.same_weights(nn.Sequential(nn.Sequential(*clone)))  # by whatever names
    with torch.no_grad():
        clone[1].weight[0, 0] += 1e-3
    assert not possession.same_weights(clone)


def test_a_clone_that_began_with_the_victims_weights_is_not_said_to_have_copied_them(victim):
    clone = copy.deepcopy(victim.network)
    assert not Possession(victim, clone).same_weights(clone)
