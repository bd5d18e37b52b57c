"""DFME and MEGEX on LeNet-5 with the paper's generator: mebench's, and the straightforward program, in any process.

``python dfme_programs.py NAME BATCH`` makes one and takes an iteration for every line on its standard input.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import click
import torch
from naive import NaiveDFME, PlainGenerator

from mebench.api.contract import AttackContext, InputSpec, Victim
from mebench.api.random_streams import RandomStreams
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.catalogue import registry
from mebench.registry.entries import AttackEntry, NetworkEntry

SPEC = InputSpec((1, 32, 32), 10)
COMPILED = "dfme, compiled"


def lenet():
    return registry().get(NetworkEntry, "lenet5").call(SPEC)


class Ours:
    def __init__(self, name, channel, batch_size, compiled=False):
        cpu = torch.device("cpu")
        entry = registry().get(AttackEntry, name)
        self.oracle = BudgetedOracle(Victim(lenet(), SPEC), channel, QueryLedger(10**12), name)
        context = AttackContext(SPEC, channel, 10**12, lenet(), cpu, RandomStreams(0, cpu))
        context = replace(context, compile=compiled)
        self.attack = entry.call(context, given={"batch_size": batch_size})

    def iteration(self):
        for _ in range(5):
            queries = self.attack.strategy.propose(self.oracle, self.attack.learner.clone)
            self.attack.learner.learn(queries, self.oracle.query(queries))


def program(name, batch_size):
    if name == "plain":
        return NaiveDFME(Victim(lenet(), SPEC), lenet(), PlainGenerator(1, 32, 256, 128), batch_size)
    if name == "megex":
        return Ours(name, VanillaGradientChannel(), batch_size)
    return Ours("dfme", ProbabilityChannel(), batch_size, compiled=name == COMPILED)


class Child:
    """A program in a process of its own, with its own environment: an allocator is chosen when a process starts.

    Args:
        name, batch_size: as for `program`.
        threads: of the process.
        malloc: variables of glibc's allocator; all others that are set here are taken away.
    """

    def __init__(self, name, batch_size, threads, malloc):
        kept = {key: value for key, value in os.environ.items() if not key.startswith("MALLOC_")}
        self._process = subprocess.Popen(
            [sys.executable, str(Path(__file__)), name, str(batch_size), str(threads)],
            env={**kept, **malloc},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._until_told()

    def _until_told(self):
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"the program ended with code {self._process.wait()}")

    def iteration(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self._until_told()

    def close(self):
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


def main(name, batch_size, threads):
    torch.set_num_threads(int(threads))
    made = program(name, int(batch_size))
    click.echo("made")
    for _ in sys.stdin:
        made.iteration()
        click.echo("done")


if __name__ == "__main__":
    main(*sys.argv[1:])
