"""One iteration of DFME and MEGEX on LeNet-5 and its parts, mebench's against the straightforward program, in one run.

python -m pytest benchmarks/perf/test_dfme_iteration.py --benchmark-group-by=group
"""

from __future__ import annotations

import shutil

import pytest
import torch
from naive import NaiveDFME, PlainGenerator

from mebench.api import AttackContext, InputSpec, Victim
from mebench.channels import ProbabilityChannel
from mebench.explanations import VanillaGradientChannel
from mebench.networks.generator import UpsamplingGenerator
from mebench.oracle import Oracle, QueryLedger
from mebench.plugins import registry
from mebench.randomness import RandomStreams

SPEC = InputSpec((1, 32, 32), 10)
BATCH = 64
PAPER_BATCH = 256


def lenet():
    return registry().get("network", "lenet5").load()(SPEC)


class Ours:
    def __init__(self, name, channel, batch_size=BATCH):
        cpu = torch.device("cpu")
        entry = registry().attack(name)
        self.oracle = Oracle(Victim(lenet(), SPEC), channel, QueryLedger(10**12), name)
        context = AttackContext(SPEC, channel, 10**12, lenet(), cpu, RandomStreams(0, cpu))
        self.attack = entry.load()(context, **entry.resolve({"batch_size": batch_size}))

    def iteration(self):
        for _ in range(5):
            queries = self.attack.strategy.propose(self.oracle, self.attack.learner.clone)
            self.attack.learner.learn(queries, self.oracle.query(queries))


def program(name, batch_size):
    if name == "plain":
        return NaiveDFME(Victim(lenet(), SPEC), lenet(), PlainGenerator(1, 32, 256, 128), batch_size)
    channel = ProbabilityChannel() if name == "dfme" else VanillaGradientChannel()
    return Ours(name, channel, batch_size)


@pytest.mark.cheap
@pytest.mark.parametrize("name", ["plain", "dfme", "megex"])
def test_iteration(compare, name):
    compare("iteration, LeNet-5, paper's generator, B=64", name, program(name, BATCH).iteration)


@pytest.mark.parametrize("name", ["plain", "dfme", "megex"])
def test_iteration_of_the_paper_on_two_threads(compare, name):
    """The batch of the paper; the allocator of whatever started this (see ``make perf``)."""
    torch.set_num_threads(2)
    compare("iteration, LeNet-5, paper's generator, B=256, 2 threads", name, program(name, PAPER_BATCH).iteration, 3)


GENERATORS = [
    pytest.param("plain", marks=pytest.mark.cheap),
    pytest.param("folded", marks=pytest.mark.cheap),
    pytest.param("folded and compiled", marks=pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")),
]


@pytest.mark.parametrize("name", GENERATORS)
@pytest.mark.parametrize("part", ["forward", "forward and backward"])
def test_generator(compare, name, part):
    generator = PlainGenerator(1, 32, 256, 128) if name == "plain" else UpsamplingGenerator(SPEC)
    call = torch.compile(generator, dynamic=False) if name == "folded and compiled" else generator
    noise = torch.randn(BATCH, 256)

    def forward():
        with torch.no_grad():
            call(noise)

    def both():
        call(noise).sum().backward()

    compare(f"generator, {part}, B=64", name, forward if part == "forward" else both, rounds=8)


@pytest.mark.parametrize("part", ["generator step", "clone step", "victim's answer"])
def test_part_of_an_iteration(compare, part):
    """Where the time of mebench's DFME goes: exploration is in the generator step."""
    ours = Ours("dfme", ProbabilityChannel())
    strategy, learner = ours.attack.strategy, ours.attack.learner
    queries = torch.rand(BATCH, *SPEC.shape)
    answer = ours.oracle.query(queries)
    work = {
        "generator step": lambda: strategy._generator_step(ours.oracle, learner.clone),
        "clone step": lambda: learner.learn(queries, answer),
        "victim's answer": lambda: ours.oracle.query(queries),
    }
    compare("parts of an iteration of dfme, B=64", part, work[part], rounds=8)
