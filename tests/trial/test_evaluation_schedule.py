"""When clones are evaluated and on how many test inputs, and that it changes no score."""

from __future__ import annotations

import dataclasses
import math

import pytest
import torch
from toys import SPEC, context_of, perceptron
from trials import tiny_trial

from mebench.api.contract import Learner
from mebench.api.errors import ConfigurationError, PluginFaultError
from mebench.api.spec import Component, TrialSpec
from mebench.guard.call import Guard
from mebench.guard.wrappers import GuardedLearner
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.channels.answers import LabelChannel
from mebench.results.evaluation_grid import evaluation_grid
from mebench.results.trial_folder import TrialFolder
from mebench.toolkit.learners.fit import FitLearner
from mebench.trial.metrics.schedule import LEAST, PROBE, inputs_between, part_of
from mebench.trial.trial import Trial, run_trial

POOL = {"pool": Component("fashion-mnist-10k", {"rows": [1000, 1400], "root": None}), "data_prior": "problem-domain"}


def spec_of(**changes) -> TrialSpec:
    return dataclasses.replace(tiny_trial(), **changes)


def finished(folder, spec: TrialSpec) -> TrialFolder:
    made = TrialFolder.of(folder, spec)
    assert run_trial(spec, made) == "finished"
    return made


def test_the_evaluation_grid_is_even_and_starts_early():
    assert evaluation_grid(1000, 4) == [10, 20, 250, 500, 750, 1000]
    assert evaluation_grid(1, 20) == [1]


@pytest.mark.parametrize("budget", [60_000, 120_000, 437_000, 5_000_000])
@pytest.mark.parametrize("points", [1, 20, 37])
@pytest.mark.parametrize("share", [0.02, 0.05, 0.5])
def test_evaluations_take_no_more_than_their_share_of_forward_passes_nor_much_less(budget, points, share):
    spec = spec_of(budget=budget, evaluations=points, evaluation_share=share)
    each, before = inputs_between(spec, 10_000, 10), len(evaluation_grid(budget, points)) - 1
    allowed = share * 10 * budget - PROBE * (before + 1)
    assert each == LEAST or each * before + 10_000 <= allowed
    assert each == 10_000 or (each + 1) * before + 10_000 > allowed


def test_the_committed_results_on_2000_test_images_looked_at_what_they_would_look_at_now():
    assert inputs_between(spec_of(budget=100_000, evaluations=20), 2000, 10) == 2000
    assert inputs_between(spec_of(budget=20_000, evaluations=20), 2000, 10) == LEAST


@pytest.mark.parametrize("tests", [1, LEAST, LEAST + 1, 10**6])
def test_all_inputs_are_looked_at_where_the_share_is_1_or_the_clone_is_trained_for_many_epochs(tests):
    assert inputs_between(spec_of(budget=10, evaluation_share=1.0), tests, 10) == tests
    assert inputs_between(spec_of(budget=10), tests, math.inf) == tests
    assert inputs_between(spec_of(budget=10), tests, 10) == min(tests, LEAST)


def test_the_part_is_drawn_from_all_inputs_and_is_the_same_every_time():
    torch.manual_seed(3)
    part = part_of(10_000, 1000)
    assert part.tolist() == sorted(set(part.tolist()))
    assert len(part) == 1000
    assert abs(part.double().mean() - 5000) < 5 * 10_000 / math.sqrt(12 * 1000)
    assert torch.equal(part_of(10_000, 1000), part)
    assert set(part_of(10_000, 300).tolist()) < set(part.tolist())


def test_evaluations_before_the_last_look_at_a_part_and_no_score_depends_on_it(tmp_path):
    spec = tiny_trial()
    folder, whole = finished(tmp_path / "part", spec), finished(tmp_path / "whole", _all(spec))
    assert [line["test_inputs"] for line in folder.curve()] == [1000] * 5 + [2000]
    assert [line["test_inputs"] for line in whole.curve()] == [2000] * 6
    assert [line["queries"] for line in folder.curve()] == [line["queries"] for line in whole.curve()]
    assert folder.curve()[-1] == whole.curve()[-1]
    assert folder.result()["metrics"] == whole.result()["metrics"]
    assert folder.result()["victim"] == whole.result()["victim"]
    weights = [(one.path / "clone.safetensors").read_bytes() for one in (folder, whole)]
    assert weights[0] == weights[1]
    for part, other in zip(folder.curve()[:-1], whole.curve()[:-1], strict=True):
        assert part["accuracy"] == pytest.approx(other["accuracy"], abs=0.08)  # 5 standard errors
        assert part["gradient_cosine"] == other["gradient_cosine"]


def _all(spec: TrialSpec) -> TrialSpec:
    return dataclasses.replace(spec, evaluation_share=1.0)


def test_trials_of_other_attacks_and_seeds_look_at_the_same_part(tmp_path):
    specs = tiny_trial(), tiny_trial("megex", "vg", seed=3)
    first, second = (
        Trial(spec, TrialFolder.of(tmp_path, spec), prepare_victim(spec.victim), torch.device("cpu")) for spec in specs
    )
    assert len(first.evaluation.part) == 1000
    assert torch.equal(first.evaluation.part.inputs, second.evaluation.part.inputs)
    rows = part_of(2000, 1000)
    assert torch.equal(first.evaluation.part.labels, first.exam.labels[rows])
    assert torch.equal(first.evaluation.part.victim_logits, first.exam.victim_logits[rows])


def test_where_a_clone_is_trained_for_many_epochs_nothing_is_left_out(tmp_path):
    spec = tiny_trial("random-pool", "label", budget=300, parameters={"epochs": 1}, **POOL)
    curve = finished(tmp_path, spec).curve()
    assert len(curve) > 2
    assert {line["test_inputs"] for line in curve} == {2000}


def test_a_learner_that_says_nothing_counts_as_one_of_single_steps():
    options = {"epochs": 1, "batch_size": 4, "optimizer": "sgd", "learning_rate": 0.1}
    fit = FitLearner(context_of(LabelChannel(), perceptron()), **options)
    assert GuardedLearner(Guard("attack x"), fit).passes == math.inf
    assert Learner.passes == 10


@pytest.mark.parametrize("passes", [0, -1, float("nan"), "many", None])
def test_a_learner_whose_passes_are_no_number_above_0_is_named(passes):
    options = {"epochs": 1, "batch_size": 4, "optimizer": "sgd", "learning_rate": 0.1}
    fit = FitLearner(context_of(LabelChannel(), perceptron(SPEC)), **options)
    fit.passes = passes
    with pytest.raises(PluginFaultError, match="attack x: its learner's passes are"):
        _ = GuardedLearner(Guard("attack x"), fit).passes


def test_the_share_is_part_of_an_id_only_where_it_is_not_the_default():
    spec = tiny_trial()
    assert "evaluation_share" not in spec.to_json()
    assert _all(spec).id != spec.id
    assert TrialSpec.from_json(_all(spec).to_json()) == _all(spec)
    assert TrialSpec.from_json(spec.to_json()) == spec


def test_a_profile_says_how_much_evaluation_may_take(repository):
    from mebench.plan.file import load_benchmark
    from mebench.plan.plan import make_plan

    file = repository / "benchmarks" / "table1.yaml"
    asked = make_plan(load_benchmark(file, ["profiles.quick.evaluation_share=1"]), "quick").trials
    assert {trial.evaluation_share for trial in asked} == {0.05, 1.0}  # references are evaluated once
    assert {trial.evaluation_share for trial in asked if trial.kind == "attack"} == {1.0}
    with pytest.raises(ConfigurationError, match="evaluation_share"):
        load_benchmark(file, ["profiles.quick.evaluation_share=0"])
