"""Traces that cheating leaves in a trial: flags in its result, or its failure; and states of channels that are lost."""

from __future__ import annotations

import inspect
import logging

import pytest
import torch
from mebench_controls.attacks import NoiseStrategy
from trials import tiny_trial

from mebench.api.errors import PluginFaultError
from mebench.guard.call import Guard
from mebench.guard.wrappers import GuardedChannel
from mebench.oracle.channels.answers import ProbabilityChannel
from mebench.oracle.facade import AttackersOracle
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial


def victim_of(oracle):
    """The metered victim, from the closure of a closure of what the attack holds."""
    trials = inspect.getclosurevars(AttackersOracle._query.__get__(oracle)).nonlocals["oracle"]
    return inspect.getclosurevars(trials._answer).nonlocals["victim"]


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run a trial of noise whose strategy does something more at every turn; returns its folder."""
    plain = NoiseStrategy.propose

    def run(deed, **fields):
        def propose(strategy, oracle, clone):
            deed(strategy, oracle, clone)
            return plain(strategy, oracle, clone)

        monkeypatch.setattr(NoiseStrategy, "propose", propose)
        spec = tiny_trial("noise", budget=60, parameters={"batch_size": 20}, evaluations=2, **fields)
        folder = TrialFolder.of(tmp_path, spec)
        run_trial(spec, folder)
        return folder

    return run


def flags(folder):
    return set(folder.result()["flags"]) - {"collapsed"}


def test_answers_past_the_oracle_are_flagged_and_the_log_says_how_many(run, caplog):
    with caplog.at_level(logging.WARNING):
        folder = run(lambda strategy, oracle, clone: victim_of(oracle)(torch.rand(500, *oracle.spec.shape)))
    assert flags(folder) == {"unexplained-passes"}
    assert folder.result()["ledger"]["victim_forward"] == 1560
    assert (
        "attack noise (mebench 0.1.0): the victim computed 1560 rows forward and 0 back; "
        "60 queries and their explanations explain 60 and 0"
    ) in caplog.text


def test_gradients_past_the_oracle_are_flagged(run):
    def differentiate(strategy, oracle, clone):
        victim_of(oracle)(torch.rand(5, *oracle.spec.shape, requires_grad=True)).sum().backward()

    assert flags(run(differentiate)) == {"unexplained-passes"}


def test_a_clone_with_the_victims_weights_is_flagged(run):
    folder = run(lambda _, oracle, clone: clone.load_state_dict(victim_of(oracle).network.network.state_dict()))
    assert "victims-weights" not in flags(folder)  # it learnt a little more from its last answers
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mebench.toolkit.learners.online.OnlineLearner.learn", lambda *_: None)
        folder = run(
            lambda _, oracle, clone: clone.load_state_dict(victim_of(oracle).network.network.state_dict()), seed=1
        )
    assert flags(folder) == {"victims-weights"}


def test_a_clone_that_holds_the_victim_fails_the_trial(run):
    with pytest.raises(PluginFaultError, match=r"attack noise \(.*\): its clone.helper\[0\] is the victim"):
        run(lambda strategy, oracle, clone: setattr(clone, "helper", [victim_of(oracle)]))


def test_a_strategy_that_holds_the_victim_fails_the_trial(run):
    with pytest.raises(PluginFaultError, match=r"attack noise \(.*\): its strategy.found is the victim"):
        run(lambda strategy, oracle, clone: setattr(strategy, "found", victim_of(oracle)))


def test_an_honest_trial_has_no_such_flag(run):
    assert flags(run(lambda strategy, oracle, clone: None)) == set()


class Forgetful(ProbabilityChannel):
    """Answers less surely from answer to answer, and tells nobody."""

    rows = 0

    def answer(self, victim, inputs, explain):
        self.rows += len(inputs)
        return super().answer(victim, inputs, explain)


class Unsavable(Forgetful):
    """Tells its state as something that no checkpoint can hold."""

    def state_dict(self):
        return {"rows": {self.rows}}


@pytest.mark.parametrize(
    ("channel", "line"),
    [
        (
            Forgetful,
            r"channel odd \(odd 1.0\): its attribute rows changed after its first answer and its state_dict did",
        ),
        (
            Unsavable,
            r"channel odd \(odd 1.0\): state\['chain'\]\['links'\]\[0\]\['rows'\]: a state dict cannot hold set",
        ),
    ],
)
def test_a_channel_whose_state_would_be_lost_stops_the_trial_at_its_checkpoint(tmp_path, monkeypatch, channel, line):
    build = lambda component: GuardedChannel(Guard("channel odd (odd 1.0)"), channel())  # noqa: E731
    monkeypatch.setattr("mebench.trial.trial.guarded_channel", build)
    spec = tiny_trial("noise", budget=100, parameters={"batch_size": 20})
    folder = TrialFolder.of(tmp_path, spec)
    looks = iter([False, False, True])
    with pytest.raises(PluginFaultError, match=line):
        run_trial(spec, folder, should_stop=lambda: next(looks))
    assert not folder.checkpoint.exists()
