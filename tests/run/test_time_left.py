"""The time that a run still takes, against a run of made-up speeds with a clock that goes when told."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import pytest
from make_results import make_spec

from mebench.api.progress import Progress
from mebench.api.spec import TrialSpec
from mebench.plan.forecast import kind_of
from mebench.run.engine import Job, Outcome
from mebench.run.state import RunState
from mebench.run.time_left import Estimate, Speeds

STEP = 0.5
START_UP = 3.0


class Watch:
    """A clock that goes when told."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Simulation:
    """A run in which every attack has one speed.

    Args:
        trials: in the order in which they run.
        speeds: queries per second by attack.
        slots: trials at once.
        known: what is known before.
    """

    def __init__(
        self, trials: Sequence[TrialSpec], speeds: dict[str, float], slots: int = 1, known: Speeds | None = None
    ) -> None:
        self.watch = Watch()
        self.state = RunState(trials, slots, known, self.watch)
        self.trials, self.speeds, self.slots = list(trials), speeds, slots
        self.begun: dict[str, tuple[TrialSpec, float]] = {}
        victim = Job("victim-fmnist-lenet5", "victim", "x:y")
        self.state.started(victim)
        self.watch.now += 60.0  # its training takes as long as several trials
        self.state.ended(victim, Outcome("done"))

    def done(self, spec: TrialSpec) -> int:
        """Queries that a running trial has asked."""
        seconds = self.watch.now - self.begun[spec.id][1] - START_UP
        return min(spec.budget, int(max(0.0, seconds) * self.speeds[spec.attack.name]))

    def steps(self) -> Iterator[tuple[float, Estimate | None]]:
        """Seconds since the trials have begun, and what is said to be left, until all is done."""
        began = self.watch.now
        while self.trials or self.begun:
            while self.trials and len(self.begun) < self.slots:
                spec = self.trials.pop(0)
                self.begun[spec.id] = (spec, self.watch.now)
                self.state.started(job(spec))
            self.watch.now += STEP
            for spec, _ in list(self.begun.values()):
                self.report(spec)
            yield self.watch.now - began, self.state.left

    def report(self, spec: TrialSpec) -> None:
        done = self.done(spec)
        if self.watch.now - self.begun[spec.id][1] >= START_UP:
            evaluated = done >= spec.budget / 50
            self.state.progressed(job(spec), Progress(done, spec.budget, accuracy=0.5 if evaluated else None))
        if done == spec.budget:
            del self.begun[spec.id]
            self.state.ended(job(spec), Outcome("done"))


def job(spec: TrialSpec) -> Job:
    return Job(spec.id, spec.id, "x:y", needs=("victim-fmnist-lenet5",))


def told(simulation: Simulation) -> list[tuple[float, Estimate]]:
    """True seconds left and the estimate, for all moments at which something was said."""
    seen = list(simulation.steps())
    end = seen[-1][0]
    return [(end - at, left) for at, left in seen if left is not None]


LENGTHS = [make_spec("dfme", seed=seed, budget=budget) for budget in (2_000, 50_000, 10_000) for seed in (0, 1)]


@pytest.mark.parametrize("slots", [1, 2, 3])
def test_of_trials_of_different_lengths_the_estimate_is_near_from_the_first_evaluation_on(slots: int) -> None:
    simulation = Simulation(LENGTHS, {"dfme": 500.0}, slots)
    whole = sum(spec.budget for spec in LENGTHS) / 500 / slots
    said = told(simulation)
    assert said[0][0] > 0.9 * whole  # at the very start
    assert all(left.whole for _, left in said)
    assert all(left.seconds == pytest.approx(true, rel=0.25, abs=START_UP + 2) for true, left in said)


def test_nothing_is_said_before_the_first_evaluation_where_nothing_was_measured_before() -> None:
    simulation = Simulation([make_spec("dfme", budget=100_000)], {"dfme": 100.0})
    first = next(at for at, left in simulation.steps() if left is not None)
    assert first == pytest.approx(START_UP + 2_000 / 100, abs=2 * STEP)


def test_a_trial_of_unknown_speed_makes_the_estimate_a_least_one_until_it_is_known() -> None:
    trials = [make_spec("dfme", budget=20_000), make_spec("megex", budget=20_000)]
    said = told(Simulation(trials, {"dfme": 500.0, "megex": 50.0}))
    least = [(true, left) for true, left in said if not left.whole]
    assert least
    assert all(left.seconds <= true for true, left in least)
    assert all(str(left).startswith("at least ") for _, left in least)
    assert all(left.seconds == pytest.approx(true, rel=0.25, abs=2) for true, left in said if left.whole)
    assert said[-1][1].whole


@pytest.mark.parametrize("factor", [0.5, 1.0, 4.0])
def test_what_the_file_says_is_used_at_once_and_set_right_by_the_first_trial_for_all(factor: float) -> None:
    trials = [make_spec("dfme", budget=20_000), make_spec("megex", budget=20_000)]
    stated = {"dfme": 500.0 / factor, "megex": 50.0 / factor}
    said = told(Simulation(trials, {"dfme": 500.0, "megex": 50.0}, known=Speeds(stated=stated)))
    true, first = said[0]
    assert first.whole
    assert first.seconds == pytest.approx(factor * true, rel=0.25)
    after = said[len(said) // 4 :]
    assert all(left.seconds == pytest.approx(true, rel=0.25, abs=START_UP + 2) for true, left in after)


def test_finished_trials_in_the_folder_count_more_than_what_the_file_says() -> None:
    spec = make_spec("dfme", budget=20_000)
    known = Speeds({kind_of(spec): 500.0}, {"dfme": 1.0})
    true, first = told(Simulation([spec], {"dfme": 500.0}, known=known))[0]
    assert first.seconds == pytest.approx(true, rel=0.25)


def test_a_trial_that_goes_on_from_its_checkpoint_is_paced_by_what_it_does_now() -> None:
    watch, spec = Watch(), make_spec("dfme", budget=50_000)
    state = RunState([spec], clock=watch)
    state.started(job(spec))
    for done in (40_000, 41_000):
        state.progressed(job(spec), Progress(done, 50_000, accuracy=0.5))
        watch.now += 10
    assert state.left is not None
    assert state.left.seconds == pytest.approx(80)  # 9,000 at 100 per second, of which 10 s are over


def test_a_victim_in_training_is_part_of_what_is_left_and_others_that_wait_are_not_known() -> None:
    watch, spec = Watch(), make_spec("dfme", budget=10_000)
    state = RunState([spec], 2, Speeds(stated={"dfme": 100.0}), watch)
    assert state.left == Estimate(100.0, whole=False)
    victim = Job("victim-fmnist-lenet5", "victim", "x:y")
    state.started(victim)
    for epochs in (0, 1):
        state.progressed(victim, Progress(epochs, 11, "epochs", phase="victim"))
        watch.now += 30
    assert state.left is not None
    assert state.left.whole
    assert state.left.seconds == pytest.approx(270)


def test_a_standard_learner_that_comes_after_the_queries_is_known_from_trials_that_have_ended() -> None:
    watch = Watch()
    trials = [make_spec("dfme", seed=seed, budget=1_000, track="standard") for seed in (0, 1)]
    state = RunState(trials, clock=watch)
    state.started(job(trials[0]))
    for done in (0, 500):
        state.progressed(job(trials[0]), Progress(done, 1_000, accuracy=0.5))
        watch.now += 5
    assert state.left is not None
    assert not state.left.whole
    watch.now += 90
    state.ended(job(trials[0]), Outcome("done"))
    assert state.left == Estimate(pytest.approx(100.0))


def test_a_job_that_fails_teaches_nothing() -> None:
    watch = Watch()
    trials = [make_spec("dfme", seed=seed, budget=1_000) for seed in (0, 1)]
    state = RunState(trials, clock=watch)
    state.started(job(trials[0]))
    watch.now += 1
    state.progressed(job(trials[0]), Progress(10, 1_000))
    state.ended(job(trials[0]), Outcome("failed", reason="x"))
    assert state.left is None
    assert "left" not in state.summary()


def test_estimates_are_finite_and_of_two_units_at_most() -> None:
    assert str(Estimate(0.2)) == "about 1 s left"
    assert str(Estimate(7_500.0, whole=False)) == "at least 2 h 05 min left"
    assert not any(math.isinf(left.seconds) for _, left in told(Simulation(LENGTHS, {"dfme": 3_000.0}, 2)))
