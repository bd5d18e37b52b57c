"""One iteration of DFME and MEGEX on LeNet-5 and its parts, mebench's against the straightforward program, in one run.

python -m pytest benchmarks/perf/test_dfme_iteration.py --benchmark-group-by=group
"""

from __future__ import annotations

import shutil

import pytest
import torch
from dfme_programs import COMPILED, SPEC, Child, Ours, program
from naive import PlainGenerator

from mebench.models.networks.generator import UpsamplingGenerator
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.run.engine.forkserver import MALLOC

BATCH = 64
PAPER_BATCH = 256
NEEDS_COMPILER = pytest.mark.skipif(not shutil.which("g++"), reason="no C++ compiler")


@pytest.mark.cheap
@pytest.mark.parametrize("name", ["plain", "dfme", "megex"])
def test_iteration(compare, name):
    compare("iteration, LeNet-5, paper's generator, B=64", name, program(name, BATCH).iteration)


@pytest.mark.parametrize("name", ["plain", "dfme", "megex"])
def test_iteration_of_the_paper_on_two_threads(compare, name):
    """The batch of the paper; the allocator of whatever started this (see ``make perf``)."""
    torch.set_num_threads(2)
    compare("iteration, LeNet-5, paper's generator, B=256, 2 threads", name, program(name, PAPER_BATCH).iteration, 3)


@pytest.mark.parametrize("name", ["plain", "dfme", pytest.param(COMPILED, marks=NEEDS_COMPILER)])
def test_iteration_as_it_is_run(compare, name):
    """Each in a process of its own: the plain one as Python starts it, mebench's as `mebench run` does."""
    child = Child(name, PAPER_BATCH, 2, {} if name == "plain" else MALLOC)
    try:
        compare("iteration as it is run, LeNet-5, paper's generator, B=256, 2 threads", name, child.iteration, 4)
    finally:
        child.close()


GENERATORS = [
    pytest.param("plain", marks=pytest.mark.cheap),
    pytest.param("folded", marks=pytest.mark.cheap),
    pytest.param("folded and compiled", marks=NEEDS_COMPILER),
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
    ours = Ours("dfme", ProbabilityChannel(), BATCH)
    strategy, learner = ours.attack.strategy, ours.attack.learner
    queries = torch.rand(BATCH, *SPEC.shape)
    answer = ours.oracle.query(queries)
    work = {
        "generator step": lambda: strategy._generator_step(ours.oracle, learner.clone),
        "clone step": lambda: learner.learn(queries, answer),
        "victim's answer": lambda: ours.oracle.query(queries),
    }
    compare("parts of an iteration of dfme, B=64", part, work[part], rounds=8)
