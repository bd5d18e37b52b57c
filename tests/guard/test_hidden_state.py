"""A channel whose state is not in its ``state_dict``: named and refused, whatever holds the state."""

from __future__ import annotations

import io
import itertools
import random
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn
from toys import SPEC, perceptron

from mebench.api.contract import Victim
from mebench.api.errors import PluginFaultError
from mebench.api.random_streams import RandomStreams
from mebench.guard.call import Guard
from mebench.guard.wrappers import GuardedChannel
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.oracle.ledger import MeteredVictim, QueryLedger
from mebench.oracle.links import Link
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry

CPU = torch.device("cpu")


class Stepping(ProbabilityChannel):
    """Does something at every answer."""

    def __init__(self, **held):
        super().__init__()
        vars(self).update(held)

    def use_randomness(self, random):
        self.random = random

    def answer(self, victim, inputs, explain):
        self.step(victim)
        return super().answer(victim, inputs, explain)


def stepping(function, **held):
    kind = type("Channel", (Stepping,), {"step": function, "__module__": __name__})
    return kind(**held)


def counts_rows(self, victim):
    self.rows += 1


def counts_in_its_class(self, victim):
    type(self).rows = getattr(type(self), "rows", 0) + 1


def counts_in_a_closure():
    rows = 0

    def step(self, victim):
        nonlocal rows
        rows += 1

    return step


def trains(self, victim):
    with torch.no_grad():
        self.network[1].weight += 1


def counts_in_a_default(self, victim, seen=[]):  # noqa: B006 (which is the point)
    seen.append(1)


def counts_on_a_function(self, victim):
    counts_on_a_function.rows = getattr(counts_on_a_function, "rows", 0) + 1


class Helper:
    """Counts in its class."""

    rows = 0

    def count(self):
        Helper.rows += 1


STATES = {
    "a number": (stepping(counts_rows, rows=0), "rows"),
    "a tensor": (stepping(lambda self, victim: self.mean.add_(1), mean=torch.zeros(3)), "mean"),
    "an array": (stepping(lambda self, victim: self.mean.__iadd__(1), mean=np.zeros(3)), "mean"),
    "a list": (stepping(lambda self, victim: self.last.append(1), last=[]), "last"),
    "a set": (stepping(lambda self, victim: self.seen.add(len(self.seen)), seen=set()), "seen"),
    "a dict in an object": (
        stepping(lambda self, victim: self.at.known.update({len(self.at.known): 1}), at=SimpleNamespace(known={})),
        "at",
    ),
    "a network": (stepping(trains, network=perceptron()), "network"),
    "a counter": (stepping(lambda self, victim: next(self.turns), turns=itertools.count()), "turns"),
    "a class": (stepping(counts_in_its_class), "Channel.rows"),
    "a closure": (stepping(counts_in_a_closure()), "Channel.step"),
    "a generator of its own": (
        stepping(lambda self, victim: torch.rand(1, generator=self.noise), noise=torch.Generator()),
        "noise",
    ),
    "a generator of Python's": (stepping(lambda self, victim: self.noise.random(), noise=random.Random(0)), "noise"),
    "a generator of NumPy's": (
        stepping(lambda self, victim: self.noise.random(), noise=np.random.default_rng(0)),
        "noise",
    ),
    "an iterator over a list": (stepping(lambda self, victim: next(self.turns), turns=iter(range(99))), "turns"),
    "a cycle": (stepping(lambda self, victim: next(self.turns), turns=itertools.cycle([1, 2])), "turns"),
    "a generator function": (stepping(lambda self, victim: next(self.turns), turns=(n for n in range(9))), "turns"),
    "a default of a function": (stepping(counts_in_a_default), "Channel.step"),
    "an attribute of a function": (stepping(counts_on_a_function), "Channel.step"),
    "a lambda": (stepping(lambda self, victim: self.count(), count=lambda seen=[]: seen.append(1)), "count"),
    "an open file": (stepping(lambda self, victim: self.file.read(1), file=io.StringIO("a long text")), "file"),
    "the class of a helper": (stepping(lambda self, victim: self.helper.count(), helper=Helper()), "helper"),
    "a channel inside": (Link(stepping(counts_rows, rows=0)), "_inner"),
}


def keeps_what_it_makes_once(self, victim):
    if not hasattr(self, "weights"):
        self.weights = torch.ones(3)
        self.spec, self.asked, self.layer = victim.spec, victim, nn.Linear(2, 2)


class ExplainsLate(VanillaGradientChannel):
    """Makes something once, for its first explanation."""

    def answer(self, victim, inputs, explain):
        if explain and not hasattr(self, "helper"):
            self.helper = torch.ones(3)
        return super().answer(victim, inputs, explain)


HARMLESS = {
    "nothing": stepping(lambda self, victim: None),
    "the trial's streams": stepping(lambda self, victim: torch.rand(1, generator=self.random.torch("noise"))),
    "global generators": stepping(lambda self, victim: (torch.rand(1), np.random.random(), random.random())),
    "what is made once": stepping(keeps_what_it_makes_once),
    "what is made once to explain": ExplainsLate(),
}


def told(channel, answers=3):
    """The state dict of a guarded channel after some answers, the last two of them explained where it explains."""
    victim = MeteredVictim(Victim(perceptron(), SPEC), QueryLedger(100))
    guarded = GuardedChannel(Guard("channel odd (odd 1.0)"), channel)
    guarded.use_randomness(RandomStreams(0, CPU))
    for number in range(answers):
        explain = "explanation" in channel.gives and number > 0
        guarded.answer(victim, torch.rand(2, *SPEC.shape), explain)
    return guarded.state_dict()


@pytest.mark.parametrize("state", STATES)
def test_what_changes_from_answer_to_answer_and_is_not_told_is_refused_by_name(state):
    channel, name = STATES[state]
    with pytest.raises(PluginFaultError) as fault:
        told(channel)
    line = str(fault.value)
    assert line.startswith(f"channel odd (odd 1.0): its attribute {name} changed after its first answer")
    assert "return what changes there and take it back in load_state_dict" in line
    assert "\n" not in line


@pytest.mark.parametrize("kind", HARMLESS)
def test_what_is_no_state_is_let_pass(kind):
    assert told(HARMLESS[kind]) == {}


@pytest.mark.parametrize("name", registry().names(ChannelEntry))
def test_no_channel_that_ships_with_mebench_hides_a_state(name):
    entry = registry().get(ChannelEntry, name)
    assert told(entry.call()) == {}


def test_a_channel_that_tells_its_state_is_let_pass():
    class Told(Stepping):
        step = counts_rows

        def state_dict(self):
            return {"rows": self.rows}

    assert told(Told(rows=0)) == {"rows": 3}


def test_a_state_dict_must_be_a_dict():
    class Odd(ProbabilityChannel):
        def state_dict(self):
            return [1]

    with pytest.raises(PluginFaultError, match=r"channel odd \(odd 1.0\): state_dict returned a list, not a dict"):
        told(Odd(), answers=0)
