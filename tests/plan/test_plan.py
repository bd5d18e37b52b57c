"""From a benchmark file to trials."""

from __future__ import annotations

import pytest
from benchmark_texts import GOOD, load, toy_registry

from mebench.api.errors import ConfigurationError
from mebench.api.spec import Component, TrainingRecipe, TrialSpec
from mebench.data.known_names import FASHION_MNIST
from mebench.plan.file import load_benchmark
from mebench.plan.plan import default_out, make_plan


def planned(folder, *overrides, profile=None, text=GOOD, **options):
    return make_plan(load(folder, text, *overrides, profile=profile), profile, registry=toy_registry(), **options)


def names(plan):
    return list(dict.fromkeys("/".join(plan.names(trial)) for trial in plan.trials))


def test_a_run_is_a_grid_of_attacks_budgets_and_seeds_with_a_supervised_reference_per_seed(tmp_path):
    plan = planned(tmp_path)
    attacks = [trial for trial in plan.trials if trial.kind == "attack"]
    assert len(attacks) == 4 * 2 * 2
    assert {(trial.budget, trial.seed) for trial in attacks} == {(60_000, 0), (60_000, 1), (1000, 0), (1000, 1)}
    supervised = plan.trials[:2]
    assert [trial.seed for trial in supervised] == [0, 1]
    assert supervised[0] == TrialSpec(
        kind="supervised",
        victim=attacks[0].victim,
        channel=Component("none"),
        attack=Component("supervised"),
        variant="default",
        clone=Component("lenet5", {}),
        budget=0,
        seed=0,
        evaluations=1,
    )


def test_a_trial_holds_all_parameters_with_their_defaults(tmp_path):
    trial = next(trial for trial in planned(tmp_path).trials if trial.variant == "kl")
    assert trial.attack == Component("gradients", {"loss": "kl", "rate": 0.1, "batch_size": 8})
    assert trial.channel == Component("vg", {"score": "probability", "classes": "all"})
    assert trial.evaluations == 20
    assert trial.victim.name == "small"
    assert trial.victim.image_size == (32, 32)
    assert trial.victim.training == TrainingRecipe(epochs=2, learning_rate=1e-3)
    assert trial.victim.data.parameters["rows"] == [0, 4000]


def test_a_late_parameter_is_part_of_a_trial_only_where_it_is_changed(tmp_path):
    def parameters(more):
        text = GOOD.replace("{name: vg, score: logit}}", f"{{name: vg, score: logit}}{more}}}")
        trials = planned(tmp_path, text=text).trials
        return next(one.attack.parameters for one in trials if one.channel.parameters.get("score") == "logit")

    assert "twist" not in parameters("")
    assert parameters(", parameters: {twist: 0}") == parameters("")
    assert parameters(", parameters: {twist: 0.5}") == {**parameters(""), "twist": 0.5}


def test_only_pool_attacks_get_the_pool_and_its_prior(tmp_path):
    trials = planned(tmp_path).trials
    (chooser, *_) = [trial for trial in trials if trial.attack.name == "chooser"]
    (other, *_) = [trial for trial in trials if trial.attack.name == "gradients"]
    assert (chooser.pool.name, chooser.data_prior) == ("fashion-mnist-10k", "problem-domain")
    assert chooser.pool.parameters["rows"] == [4000, 8000]
    assert (other.pool, other.data_prior) == (None, "none")


def test_the_paper_profile_has_no_supervised_rows_and_its_own_seeds(tmp_path):
    plan = planned(tmp_path, profile="paper")
    assert [(trial.kind, trial.seed) for trial in plan.trials] == [("attack", 0), ("attack", 3)]
    assert [victim.name for victim in plan.victims()] == ["own"]
    (victim,) = plan.victims()
    assert (victim.weights, victim.training, victim.mean) == ("own.safetensors", None, (0.5, 0.5, 0.5))


def test_a_run_may_replace_seeds_evaluations_and_references(tmp_path):
    plan = planned(tmp_path, "runs.0.seeds=[7]", "runs.0.evaluations=3", "runs.0.references=[victim]")
    assert {(trial.kind, trial.seed, trial.evaluations) for trial in plan.trials} == {("attack", 7, 3)}
    assert plan.metadata()["references"] == ["victim"]


def test_tracks_multiply_the_attacks_and_not_the_references(tmp_path):
    plan = planned(tmp_path, "tracks=[native,standard]", seeds=1)
    tracks = [(trial.kind, trial.track) for trial in plan.trials]
    assert tracks.count(("attack", "native")) == tracks.count(("attack", "standard")) == 8
    assert [track for kind, track in tracks if kind == "supervised"] == ["native"]
    assert len(plan.rows) == 17
    assert [trial.track for trial in planned(tmp_path, "runs.0.tracks=[standard]").trials].count("standard") == 16


def test_seeds_of_the_command_line_replace_those_of_the_file(tmp_path):
    assert {trial.seed for trial in planned(tmp_path, seeds=3).trials} == {0, 1, 2}
    assert {trial.seed for trial in planned(tmp_path, seeds=[5]).trials} == {5}
    with pytest.raises(ConfigurationError, match=r"^--seeds 0: must be at least 1 and at most 10,000$"):
        planned(tmp_path, seeds=0)


def test_the_same_file_gives_the_same_ids_whatever_the_order_of_its_keys(tmp_path):
    swapped = GOOD.replace("{epochs: 2, learning_rate: 1e-3}", "{learning_rate: 0.001, epochs: 2}")
    assert list(planned(tmp_path).ids) == list(planned(tmp_path, text=swapped).ids)
    assert set(planned(tmp_path).ids).isdisjoint(planned(tmp_path, "victims.small.seed=1").ids)


ONLY = {
    "gradients": ["supervised", "gradients/l1/small/vg", "gradients/kl/small/vg", "gradients/l1/small/vg(score=logit)"],
    "gradients/kl": ["supervised", "gradients/kl/small/vg"],
    "*/vg": ["supervised", "gradients/l1/small/vg", "gradients/kl/small/vg"],
    "chooser-default-small-label-q1000-s1-*": ["supervised", "chooser/default/small/label"],
    "supervised": ["supervised"],
}


@pytest.mark.parametrize(("pattern", "expected"), ONLY.items(), ids=ONLY)
def test_only_keeps_what_matches_and_the_references_that_belong_to_it(tmp_path, pattern, expected):
    plan = planned(tmp_path, only=[pattern])
    assert names(plan) == ["supervised/default/small/none" if name == "supervised" else name for name in expected]


def test_only_keeps_the_references_of_the_seeds_that_are_left(tmp_path):
    plan = planned(tmp_path, only=["chooser-*-q1000-s1-*"])
    assert [(trial.kind, trial.seed) for trial in plan.trials] == [("supervised", 1), ("attack", 1)]


def test_an_exclamation_mark_leaves_out_references_too(tmp_path):
    assert names(planned(tmp_path, only=["chooser", "!supervised"])) == ["chooser/default/small/label"]
    assert "supervised/default/small/none" not in names(planned(tmp_path, only=["!supervised"]))
    assert len(planned(tmp_path, only=["!supervised"]).trials) == 16


def test_only_that_matches_nothing_lists_what_there_is(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"--only gradient: matches no trial\. There is: .*gradients/kl/small/vg"
    ):
        planned(tmp_path, only=["gradient"])
    with pytest.raises(ConfigurationError, match=r"--only chooser --only !\*: leaves no trial"):
        planned(tmp_path, only=["chooser", "!*"])


def test_an_unknown_profile_is_an_error_with_the_near_one(tmp_path):
    benchmark = load(tmp_path, GOOD)
    with pytest.raises(ConfigurationError, match=r"b\.yaml: no profile 'quik'\. Did you mean 'quick'\?$"):
        make_plan(benchmark, "quik", registry=toy_registry())


def test_the_default_profile_may_be_another_than_the_first(tmp_path):
    plan = planned(tmp_path, text=GOOD.replace("title: An example", "default_profile: paper"))
    assert plan.profile == "paper"
    assert default_out(plan.benchmark, plan.profile).parts == ("runs", "example", "paper")


def test_metadata_is_what_a_results_folder_must_know(tmp_path):
    plan = planned(tmp_path)
    about = plan.metadata()
    assert about.pop("trials") == [trial.id for trial in plan.trials]
    assert about.pop("settings") == {trial.id: trial.settings_digest for trial in plan.trials}
    assert about == {
        "format": 1,
        "name": "example",
        "title": "An example",
        "paper": {"title": "A paper", "id": "arXiv:0000.00000", "table": "1"},
        "profile": "quick",
        "scale": "reduced",
        "note": "a small one",
        "references": ["victim", "supervised"],
        "reported": [
            {
                "attack": "gradients",
                "variant": "l1",
                "victim": "own",
                "budget": 20_000_000,
                "channel": None,
                "accuracy": 92.3,
                "fidelity": None,
                "metrics": {},
                "source": "Table 1",
                "note": "",
            }
        ],
        "prices": None,
        "class_names": {"small": list(FASHION_MNIST)},
        "file": "b.yaml",
    }


FEW = "The pool fashion-mnist-10k holds 4,000 inputs, and the budget is 60,000: attacks that ask nothing twice end"


def test_notes_tell_the_scale_the_gpu_and_a_pool_that_the_victim_was_trained_on(tmp_path):
    large = "runs.0.pool={name: mnist, prior: public}"
    assert planned(tmp_path, large).notes() == ["Reduced scale: not the paper's. a small one."]
    assert planned(tmp_path, profile="paper").notes()[1] == "This profile needs a GPU to end in reasonable time."
    *_, overlap = planned(tmp_path, "runs.0.pool.rows=[3999, 8000]").notes()
    assert overlap.startswith("The pool of chooser holds images that small was trained on")


def test_a_note_tells_of_a_pool_smaller_than_a_budget(tmp_path):
    (_, few) = planned(tmp_path).notes()
    assert few == f"{FEW} when it is empty."
    assert len(planned(tmp_path, "runs.0.budgets=[4000]").notes()) == 1
    (_, few) = planned(tmp_path, "runs.0.budgets=[4001]").notes()
    assert "4,000 inputs, and the budget is 4,001" in few
    (_, few) = planned(tmp_path, "runs.0.pool={name: mnist-10k, prior: public}", "runs.0.budgets=[8001]").notes()
    assert few.startswith("The pool mnist-10k holds 8,000 inputs")


@pytest.mark.parametrize(("rows", "notes"), [("[3000, 5000]", 1), ("[4000, 5000]", 0)])
def test_a_note_tells_of_honest_queries_that_the_victim_was_trained_on(tmp_path, rows, notes):
    hidden = f"{{name: honest-mixing, data: fashion-mnist-10k, rows: {rows}}}"
    file = tmp_path / "b.yaml"
    file.write_text(HIDDEN.replace("HIDDEN", hidden))
    found = [note for note in make_plan(load_benchmark(file)).notes() if note.startswith("honest-mixing asks images")]
    assert len(found) == notes


HIDDEN = """
name: hidden
title: An attack that hides
victims: {small: {data: {name: fashion-mnist-10k, rows: [0, 4000]}, network: lenet5, training: {epochs: 1}}}
profiles:
  quick:
    scale: reduced
    runs:
      - victims: [small]
        clone: lenet5
        budgets: [100]
        attacks: [{attack: noise, channel: probability}]
        recoveries: [HIDDEN]
"""


def test_seeds_make_trials_and_no_rows(tmp_path):
    plan = planned(tmp_path, seeds=1112)
    assert len(plan.trials) > 10_000
    assert len(plan.rows) == 9


def test_names_of_classes_are_those_of_the_file_or_else_of_the_data_set_and_change_no_id(tmp_path):
    plan = planned(tmp_path)
    own = [f"class {letter}" for letter in "ABCDEFGHIJ"]
    text = GOOD.replace("    image_size: [32, 32]\n", f"    image_size: [32, 32]\n    class_names: {own}\n", 1)
    named = planned(tmp_path, text=text)
    assert named.metadata()["class_names"] == {"small": own}
    assert [trial.to_json() for trial in named.trials] == [trial.to_json() for trial in plan.trials]
