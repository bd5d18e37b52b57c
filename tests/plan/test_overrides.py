"""``--set KEY=VALUE``."""

from __future__ import annotations

import pytest
from benchmark_texts import GOOD, load, problems


def runs(benchmark, profile="quick"):
    return benchmark.profiles[profile].runs


def test_a_wildcard_changes_every_run_of_the_profile_that_is_run_and_no_other(tmp_path):
    benchmark = load(tmp_path, GOOD, "runs.*.budgets=[640]")
    assert [run.budgets for run in runs(benchmark)] == [[640]]
    assert [run.budgets for run in runs(benchmark, "paper")] == [[20_000_000]]
    benchmark = load(tmp_path, GOOD, "runs.*.budgets=[640]", profile="paper")
    assert [run.budgets for run in runs(benchmark, "paper")] == [[640]]


def test_a_path_may_start_at_the_top_of_the_file(tmp_path):
    benchmark = load(tmp_path, GOOD, "victims.small.training.epochs=1", "profiles.paper.seeds=3")
    assert benchmark.victims["small"].training.epochs == 1
    assert benchmark.profiles["paper"].seeds == [0, 1, 2]


def test_indices_are_written_with_dots_or_as_problems_show_them(tmp_path):
    for path in ("runs.0.attacks.1.parameters.rate", "runs[0].attacks[1].parameters.rate"):
        attack = runs(load(tmp_path, GOOD, f"{path}=7"))[0].attacks[1]
        assert attack.parameters == {"batch_size": 8, "loss": "kl", "rate": 7}


def test_a_wildcard_sets_a_parameter_only_where_the_attack_has_it(tmp_path):
    attacks = runs(load(tmp_path, GOOD, "runs.*.attacks.*.parameters.batch_size=3"))[0].attacks
    assert [attack.parameters.get("batch_size") for attack in attacks] == [3, 3, 3, None]


def test_a_change_behind_an_anchor_changes_one_use_of_it(tmp_path):
    attacks = runs(load(tmp_path, GOOD, "runs.0.attacks.0.parameters.batch_size=3"))[0].attacks
    assert [attack.parameters.get("batch_size") for attack in attacks] == [3, 8, None, None]


def test_a_name_alone_takes_a_parameter(tmp_path):
    attack = runs(load(tmp_path, GOOD, "runs.0.attacks.0.channel.score=logit", "runs.0.attacks.2.channel=vg"))[
        0
    ].attacks[0]
    assert (attack.channel.name, attack.channel.parameters) == ("vg", {"score": "logit"})


def test_an_optional_key_may_be_new(tmp_path):
    run = runs(load(tmp_path, GOOD, "runs.0.evaluations=3", "runs.0.clone.hidden=[4]", "runs.0.clone.name=mlp"))[0]
    assert (run.evaluations, run.clone.name, run.clone.parameters) == (3, "mlp", {"hidden": [4]})


def test_overrides_are_applied_in_their_order(tmp_path):
    assert runs(load(tmp_path, GOOD, "runs.0.budgets=[500, 600]", "runs.0.budgets.1=700"))[0].budgets == [500, 700]


WRONG = {
    "runs.*.budgts=[64]": "profiles.quick.runs[0] has no 'budgts'. Did you mean 'budgets'?",
    "run.0.budgets=[64]": "neither a profile nor the file has a key 'run'. Did you mean 'runs'?",
    "runs.7.budgets=[64]": "profiles.quick.runs has no '7': it has the items 0 to 0",
    "runs.0.budgets.x=3": "profiles.quick.runs[0].budgets has no 'x': it has the items 0 to 1",
    "runs.0.budgets.0.x=3": "profiles.quick.runs[0].budgets[0] has no 'x'",
    "victims.smal.seed=1": "victims has no 'smal'. Did you mean 'small'?",
    "victims.own.training.epochs=1": "victims.own has no 'training': give it in the file first",
    "runs.*.attacks.*.parameters.rat=1": "none of these has a parameter 'rat'. Did you mean 'rate'?",
    "runs.0.attacks.3.parameters.rate=1": (
        "profiles.quick.runs[0].attacks[3].parameters.rate: chooser has no such parameter"
    ),
    "runs.0.budgets=[-1]": "profiles.quick.runs[0].budgets[0]: must be at least 1, not -1",
    "runs.0.budgets=x": "profiles.quick.runs[0].budgets: must be a list, not 'x'",
    "runs.0.attacks.0.attack=gradient": (
        "profiles.quick.runs[0].attacks[0].attack: unknown attack 'gradient'. Did you mean 'gradients'?"
    ),
    "seeds=0": "profiles.quick.seeds: must be a number of seeds up to 10,000 or a list such as [0, 1], not 0",
    "seeds": "write KEY=VALUE with dots between keys, e.g. runs.0.budgets=[1000]",
    "=3": "write KEY=VALUE with dots between keys, e.g. runs.0.budgets=[1000]",
    "runs..budgets=3": "write KEY=VALUE with dots between keys, e.g. runs.0.budgets=[1000]",
    "runs.0.budgets=[1": "not valid YAML: expected ',' or ']', but got '<stream end>'",
    "title=!!python/name:os.system": "the tag tag:yaml.org,2002:python/name:os.system is not allowed",
}


@pytest.mark.parametrize(("override", "expected"), WRONG.items(), ids=WRONG)
def test_what_an_override_does_wrong_is_blamed_on_it(tmp_path, override, expected):
    assert problems(tmp_path, GOOD, override) == [f"--set {override}: {expected}"]


def test_problems_of_overrides_and_of_the_file_are_told_together(tmp_path):
    lines = problems(tmp_path, GOOD.replace("title: An", "titel: An"), "sedes=1", "seeds=x")
    assert [line.split(": ")[0] for line in lines] == ["--set sedes=1", "b.yaml:2:1", "--set seeds=x"]


def test_an_override_for_an_unknown_profile_names_the_near_one(tmp_path):
    assert problems(tmp_path, GOOD, "seeds=1", profile="papr") == ["b.yaml: no profile 'papr'. Did you mean 'paper'?"]
