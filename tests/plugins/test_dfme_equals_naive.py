"""The fast iteration is the same mathematics as the straightforward program, in float64."""

import sys
from dataclasses import replace
from pathlib import Path

import torch
from toys import SPEC, build_attack, context_of, one_turn, perceptron

from mebench.api.contract import Victim
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks" / "perf"))
from naive import NaiveDFME, PlainGenerator


def test_iterations_of_dfme_equal_the_straightforward_program(monkeypatch):
    torch.set_default_dtype(torch.float64)
    try:
        context = context_of(ProbabilityChannel(), perceptron(seed=2), budget=10**9)
        fast = build_attack("dfme", context, batch_size=4, generator_width=4, noise_dim=5)
        generator = PlainGenerator(1, 8, 5, 4)
        generator.load_folded(fast.strategy.generator)
        slow = NaiveDFME(perceptron(seed=1), perceptron(seed=2), generator, batch_size=4, noise_dim=5)
        victim = Victim(perceptron(seed=1), replace(SPEC, dtype=torch.float64))
        oracle = BudgetedOracle(victim, ProbabilityChannel(), QueryLedger(10**9))
        replay = context_of(ProbabilityChannel(), perceptron()).random  # the same seed, its own streams
        monkeypatch.setattr(slow, "draw", lambda: torch.randn(4, 5, generator=replay.torch("noise")))
        monkeypatch.setattr(
            slow,
            "direction",
            lambda shape: torch.nn.functional.normalize(
                torch.randn(shape, generator=replay.torch("directions")).flatten(1)
            ).view(shape),
        )
        for _ in range(4):
            slow.iteration()
            for _ in range(5):
                one_turn(fast, oracle)
        pairs = [
            *zip(slow.clone.parameters(), fast.learner.clone.parameters(), strict=True),
            *zip(slow.generator.parameters(), fast.strategy.generator.parameters(), strict=True),
        ]
        for expected, ours in pairs:
            torch.testing.assert_close(ours, expected, rtol=1e-6, atol=1e-9)
    finally:
        torch.set_default_dtype(torch.float32)
