"""What the harness adds to an attack: the oracle's account, evaluations, checkpoints.

python -m pytest benchmarks/perf/test_harness.py --benchmark-group-by=group
"""

from __future__ import annotations

import pytest
import torch

from mebench.api.contract import InputSpec, Response, ResponseChannel, Victim
from mebench.api.progress import Progress, ignore
from mebench.models.state_file import save_state
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.ledger import QueryLedger
from mebench.oracle.oracle import BudgetedOracle
from mebench.registry.catalogue import registry
from mebench.registry.entries import NetworkEntry
from mebench.trial.metrics.examination import Examination

SPEC = InputSpec((1, 32, 32), 10)
CALLS = 200


class Constant(ResponseChannel):
    """Answers at once, so that only the oracle's own work is left."""

    name, gives = "constant", frozenset({"label"})

    def __init__(self):
        self.response = Response(torch.zeros(1, dtype=torch.int64))

    def answer(self, victim, inputs, explain):
        return self.response


def lenet():
    return registry().get(NetworkEntry, "lenet5").call(SPEC)


@pytest.mark.cheap
@pytest.mark.parametrize("role", ["plain", "through the oracle"])
def test_oracle(compare, role):
    """A victim's answers to batches of 64, asked directly and through the oracle: its ratio is what is lost."""
    victim, channel, inputs = Victim(lenet(), SPEC), ProbabilityChannel(), torch.rand(64, *SPEC.shape)
    oracle = BudgetedOracle(victim, channel, QueryLedger(10**12))
    ask = (lambda: channel.answer(victim, inputs, False)) if role == "plain" else (lambda: oracle.query(inputs))

    def calls():
        for _ in range(10):
            ask()

    compare("answers of LeNet-5, 10 x B=64", role, calls, rounds=8)


def test_account_of_one_query(compare):
    """Ledger, check of one pixel, and progress: without victim and channel."""
    oracle = BudgetedOracle(Victim(lenet(), SPEC), Constant(), QueryLedger(10**12))
    inputs = torch.rand(1, *SPEC.shape)

    def calls():
        for _ in range(CALLS):
            oracle.query(inputs)
            ignore(Progress(oracle.spent, 10**12))

    compare(f"oracle and progress alone, {CALLS} calls of B=1", "alone", calls)


def test_evaluation(compare):
    exam = Examination.of(lenet(), torch.rand(2000, *SPEC.shape), torch.randint(10, (2000,)))
    clone = lenet()
    compare("evaluation, LeNet-5, 2,000 test inputs", "alone", lambda: exam.score(clone))


def test_checkpoint(compare, tmp_path):
    generator = registry().get(NetworkEntry, "resnet18").call(InputSpec((3, 32, 32), 10))
    state = {"clone": generator.state_dict(), "turn": 1}
    compare("checkpoint of 11 million weights", "alone", lambda: save_state(tmp_path / "checkpoint", state), 3)
