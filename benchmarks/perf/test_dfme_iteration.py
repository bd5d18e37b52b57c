"""One DFME iteration on LeNet-5, mebench's against the straightforward program, in one run.

python -m pytest benchmarks/perf --benchmark-group-by=group
"""

from __future__ import annotations

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


def lenet(num_classes=10):
    return registry().get("network", "lenet5").load()(InputSpec((1, 32, 32), num_classes))


class Ours:
    def __init__(self, name, channel, **parameters):
        cpu = torch.device("cpu")
        entry = registry().attack(name)
        self.oracle = Oracle(Victim(lenet(), SPEC), channel, QueryLedger(10**12), name)
        context = AttackContext(SPEC, channel, 10**12, lenet(), cpu, RandomStreams(0, cpu))
        self.attack = entry.load()(context, **entry.resolve({"batch_size": BATCH, **parameters}))

    def iteration(self):
        for _ in range(5):
            queries = self.attack.strategy.propose(self.oracle, self.attack.learner.clone)
            self.attack.learner.learn(queries, self.oracle.query(queries))


@pytest.fixture(autouse=True)
def one_thread():
    torch.set_num_threads(1)


@pytest.mark.benchmark(group="iteration, LeNet-5, paper's generator, B=64")
@pytest.mark.parametrize("name", ["naive dfme", "mebench dfme", "mebench megex"])
def test_iteration(benchmark, name):
    if name == "naive dfme":
        program = NaiveDFME(Victim(lenet(), SPEC), lenet(), PlainGenerator(1, 32, 256, 128), BATCH)
    elif name == "mebench dfme":
        program = Ours("dfme", ProbabilityChannel())
    else:
        program = Ours("megex", VanillaGradientChannel())
    benchmark.pedantic(program.iteration, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="generator forward, B=64")
@pytest.mark.parametrize("name", ["naive", "mebench"])
def test_generator_forward(benchmark, name):
    generator = PlainGenerator(1, 32, 256, 128) if name == "naive" else UpsamplingGenerator(SPEC)
    noise = torch.randn(BATCH, 256)

    def forward():
        with torch.no_grad():
            generator(noise)

    benchmark.pedantic(forward, rounds=10, warmup_rounds=2)
