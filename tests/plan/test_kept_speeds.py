"""Speeds that were measured on this machine before anything ran."""

from __future__ import annotations

from dataclasses import replace

import pytest
from benchmark_texts import GOOD, load, toy_registry
from trials import VICTIM, tiny_trial

from mebench.plan.forecast import forecast
from mebench.plan.plan import make_plan
from mebench.plan.speeds import KeptSpeeds, speeds_file, training_key, trial_key


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def plan(tmp_path):
    return make_plan(load(tmp_path, GOOD), registry=toy_registry())


def trial_of(plan, attack, budget):
    return next(t for t in plan.trials if (t.attack.name, t.budget) == (attack, budget))


def test_a_speed_is_that_of_every_seed_and_budget_and_of_any_name_of_the_victim():
    trial = tiny_trial("noise", parameters={})
    key = trial_key(trial)
    assert trial_key(replace(trial, seed=5, budget=9, evaluations=2)) == key
    assert trial_key(replace(trial, victim=replace(VICTIM, name="other"))) == key
    assert training_key(replace(VICTIM, name="other")) == training_key(VICTIM)


def test_a_speed_is_not_that_of_another_network_attack_device_or_data():
    trial = tiny_trial("noise", parameters={})
    others = [
        replace(trial, victim=replace(VICTIM, image_size=(16, 16))),
        replace(trial, attack=replace(trial.attack, parameters={**trial.attack.parameters, "batch_size": 7})),
        replace(trial, kind="supervised"),
    ]
    keys = {trial_key(trial), trial_key(trial, "cuda"), *map(trial_key, others), training_key(VICTIM)}
    assert len(keys) == 6


def test_what_is_kept_is_read_again_beside_what_was_there():
    KeptSpeeds.read().keep({"a": 2.0})
    KeptSpeeds.read().keep({"b": 3.0})
    assert [KeptSpeeds.read().get(key) for key in "abc"] == [2.0, 3.0, None]


@pytest.mark.parametrize("text", ["", "[1]", "{", '{"a": "fast", "b": NaN, "c": -1, "d": 0, "e": true}', "[" * 100_000])
def test_a_damaged_file_of_speeds_is_as_good_as_none(text):
    speeds_file().parent.mkdir(parents=True)
    speeds_file().write_text(text)
    assert [KeptSpeeds.read().get(key) for key in "abcde"] == [None] * 5


def test_the_plan_takes_times_from_this_machine_rather_than_from_the_file(plan, tmp_path):
    trial = trial_of(plan, "chooser", 60_000)
    KeptSpeeds.read().keep({trial_key(trial): 200.0, trial_key(plan.trials[0]): 0.5, training_key(trial.victim): 0.1})
    ahead = forecast(plan, tmp_path / "out")
    rows = {(row.attack, row.budget): row for row in ahead.rows}
    assert (rows["chooser", 60_000].seconds, rows["chooser", 60_000].measured) == (600, "machine")
    assert (rows["chooser", 1000].seconds, rows["chooser", 1000].measured) == (10, "machine")
    assert rows["gradients", 1000].seconds is None
    assert plan.trials[0].kind == "supervised"
    assert rows["supervised", 0].seconds == pytest.approx(2 * len(rows["supervised", 0].seeds))
    assert ahead.trainings == {trial.victim.name: pytest.approx(10)}
