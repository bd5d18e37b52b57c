"""An attack may ask from several threads at once: the account is as right as if they had asked one after another."""

from __future__ import annotations

import sys
import threading

import pytest
import torch
from toys import SPEC, perceptron

from mebench.api.contract import Victim
from mebench.api.errors import BudgetExceededError
from mebench.api.random_streams import RandomStreams
from mebench.models.victims.loading import PreparedVictim
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.channels.explanations import VanillaGradientChannel
from mebench.oracle.observer import Observer
from mebench.trial.chain import Chain

CPU = torch.device("cpu")
THREADS, ROWS, BUDGET, ROUNDS = 4, 3, 40, 200
PURPOSES = ("train", "explore", "validation", "train")
INPUTS = torch.rand(64, *SPEC.shape, generator=torch.Generator().manual_seed(0))
VICTIM = Victim(perceptron(), SPEC)
with torch.no_grad():
    EXPECTED = VICTIM(INPUTS).softmax(1)


@pytest.fixture(autouse=True)
def _switching_often():
    """Let threads take turns a thousand times as often as they do."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(5e-6)
    yield
    sys.setswitchinterval(before)


class Told(Observer):
    """Counts rows by what they are for, in a way that loses some where two write at once."""

    def __init__(self):
        self.rows = dict.fromkeys(PURPOSES, 0)

    def observe(self, inputs, response, purpose):
        before = self.rows[purpose]
        self.rows[purpose] = before + len(inputs)


class Asker(threading.Thread):
    """Asks until it is refused, and keeps what it was answered."""

    def __init__(self, number, chain, start, explain):
        super().__init__(daemon=True)
        self.oracle, self.purpose, self.gate, self.explain = chain.oracle, PURPOSES[number], start, explain
        self.number, self.rows, self.wrong, self.refused, self.error = number, 0, 0, 0, None

    def run(self):
        try:
            self.gate.wait()
            while not self.refused:
                self.ask(torch.arange(ROWS) + (7 * self.number + self.rows) % 61)
        except Exception as error:
            self.error = error

    def ask(self, which):
        try:
            response = self.oracle.query(INPUTS[which], purpose=self.purpose, explain=self.explain)
        except BudgetExceededError:
            self.refused += 1
            return
        if self.explain:
            response.explanation.vjp(torch.ones(ROWS, 10))
        self.rows += len(response.labels)
        self.wrong += int((response.probabilities - EXPECTED[which]).abs().max() > 1e-5)


def asked_at_once(channel, explain):
    """A chain that several threads have asked, what its observer was told, and the threads."""
    told = Told()
    prepared = PreparedVictim(VICTIM, SPEC, 0.9, "", "", "made", INPUTS, torch.zeros(64, dtype=torch.int64), 1)
    chain = Chain(BUDGET, prepared, channel, RandomStreams(0, CPU), "attack toy", [told])
    gate = threading.Event()
    askers = [Asker(number, chain, gate, explain) for number in range(THREADS)]
    for asker in askers:
        asker.start()
    gate.set()
    for asker in askers:
        asker.join(60)
    return chain, told, askers


@pytest.mark.parametrize(
    ("channel", "explain", "rounds"),
    [(ProbabilityChannel, False, ROUNDS), (VanillaGradientChannel, True, ROUNDS // 4)],
    ids=["probability", "vg"],
)
def test_threads_that_ask_at_once_spend_what_is_answered_and_never_more_than_the_budget(channel, explain, rounds):
    for _ in range(rounds):
        chain, told, askers = asked_at_once(channel(), explain)
        ledger = chain.ledger
        assert not any(asker.is_alive() for asker in askers), "they wait for each other"
        assert [asker.error for asker in askers] == [None] * THREADS
        assert not sum(asker.wrong for asker in askers), "an answer is not that of its question"
        assert ledger.spent == sum(asker.rows for asker in askers) == BUDGET - BUDGET % ROWS
        answered = {purpose: sum(one.rows for one in askers if one.purpose == purpose) for purpose in told.rows}
        assert ledger.by_purpose == told.rows == answered
        assert ledger.refusals == THREADS
        assert ledger.victim_forward == ledger.spent
        assert ledger.explanations == ledger.victim_backward == ledger.spent * explain
        assert sum(map(sum, chain.labels.halves)) == ledger.by_purpose["train"]
        assert chain.unexplained == (0, 0)
        assert chain.problem() == ""
