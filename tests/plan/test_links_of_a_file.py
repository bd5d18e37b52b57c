"""Defences, recoveries and detectors in a benchmark file: what they make, and what is wrong with them in one line."""

from __future__ import annotations

import copy
import shutil
from pathlib import Path

import pytest
import yaml

from mebench.api.errors import ConfigurationError
from mebench.plan.file.load import load_benchmark
from mebench.plan.plan import make_plan

FILE = {
    "name": "links",
    "victims": {
        "ours": {
            "data": {"name": "fashion-mnist-10k", "rows": [0, 600]},
            "network": "mlp",
            "training": {"epochs": 1},
        }
    },
    "profiles": {
        "quick": {
            "scale": "reduced",
            "references": [],
            "runs": [
                {
                    "victims": ["ours"],
                    "clone": "mlp",
                    "budgets": [100],
                    "pool": {"name": "fashion-mnist-10k", "rows": [600, 900], "prior": "problem-domain"},
                    "reserve": {"name": "fashion-mnist-10k", "rows": [1000, 3000]},
                    "attacks": [{"attack": "random-pool", "channel": "probability"}],
                    "defences": ["none", {"name": "mixing", "l1": 0.5}, ["counting", "swapping"]],
                    "recoveries": ["none", "twice"],
                    "detectors": ["many"],
                }
            ],
        }
    },
}


@pytest.fixture(autouse=True)
def _plugin(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.getbasetemp() / "link-plugins"
    folder.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).parent.parent / "helpers" / "linked_plugin.py", folder / "linked.py")
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(folder))


def plan_of(tmp_path: Path, **run):
    content = copy.deepcopy(FILE)
    content["profiles"]["quick"]["runs"][0] |= run
    file = tmp_path / "file.yaml"
    file.write_text(yaml.safe_dump(content))
    return make_plan(load_benchmark(file))


def test_every_attack_meets_every_chain_of_defences_with_every_chain_of_recoveries(tmp_path):
    trials = plan_of(tmp_path).trials
    found = {(tuple(one.name for one in trial.defences), trial.variant) for trial in trials}
    chains = [(), ("mixing",), ("counting", "swapping")]
    assert found == {(chain, recovery) for chain in chains for recovery in ("default", "twice")}
    assert len(trials) == 6


def test_rows_behind_links_are_told_apart_by_channel_and_variant(tmp_path):
    plan = plan_of(tmp_path)
    assert {plan.names(trial)[3] for trial in plan.trials} == {
        "probability",
        "probability, mixing(l1=0.5)",
        "probability, counting, swapping",
    }


def test_a_run_that_names_no_link_makes_the_trials_that_it_made(tmp_path):
    none = plan_of(tmp_path, defences=["none"], recoveries=["none"], detectors=[])
    left_out = copy.deepcopy(FILE)
    run = left_out["profiles"]["quick"]["runs"][0]
    for key in ("defences", "recoveries", "detectors", "reserve"):
        del run[key]
    file = tmp_path / "plain.yaml"
    file.write_text(yaml.safe_dump(left_out))
    assert list(none.ids) == list(make_plan(load_benchmark(file)).ids)


def test_over_how_many_clients_an_attack_spreads_and_what_becomes_of_them_is_told_in_names(tmp_path):
    plan = plan_of(tmp_path, defences=["none", "counting"], clients=5, on_alarm="refuse")
    assert {plan.names(trial)[1] for trial in plan.trials} == {"clients=5", "clients=5,twice"}
    assert {plan.names(trial)[3] for trial in plan.trials} == {
        "probability, refusal after alarm",
        "probability, counting, refusal after alarm",
    }
    unwatched = plan_of(tmp_path, defences=["counting"], detectors=[])
    assert {plan.names(trial)[1] for trial in unwatched.trials} == {"default", "twice"}


WRONG = [
    ({"attacks": [{"attack": "random-pool", "channel": "label"}]}, "mixing changes the probability of an answer"),
    ({"defences": ["absolute-maps"]}, "absolute-maps changes the explanation of an answer, and probability gives none"),
    ({"reserve": None}, "mixing is set by l1 to an operating point, which needs data of the owner's own"),
    ({"defences": ["learning"], "reserve": None}, "learning needs data of the owner's own: give the run a reserve"),
    ({"defences": ["mixin"]}, "unknown defence 'mixin'. Did you mean 'mixing'"),
    ({"defences": [{"name": "mixing", "shar": 1}]}, "shar: mixing has no such parameter. Did you mean 'share'"),
    ({"defences": [{"name": "mixing", "l1": 3}]}, "l1: "),
    ({"defences": [{"name": "mixing", "l1": 0.5, "share": 0.1}]}, "l1: sets share: give one of the two"),
    ({"recoveries": ["unmixin"]}, "unknown recovery 'unmixin'. Did you mean 'unmixing'"),
    ({"recoveries": [["none", "twice"]]}, "none stands alone: leave it out of a list of links"),
    ({"recoveries": ["twice", "twice"]}, "is given twice"),
    ({"tracks": ["native", "standard"]}, "the standard learner learns from what was answered, before any recovery"),
    ({"detectors": ["unsure"]}, "unsure has no published threshold: give a threshold, or false_positives"),
    (
        {"detectors": [{"name": "unsure", "threshold": 1, "false_positives": 0.1}]},
        "unsure: give a threshold, or false_positives that calibrates it, not both",
    ),
    (
        {"detectors": [{"name": "unsure", "false_positives": 0.1}], "reserve": None, "defences": ["none"]},
        "unsure needs data of the owner's own",
    ),
    ({"detectors": [], "clients": 3}, "is for detectors, and the run has none"),
    ({"reserve": {"name": "fashion-mnist-10k", "rows": [500, 3000]}}, "shares rows with what victim 'ours'"),
    ({"reserve": {"name": "fashion-mnist-10k"}}, "shares rows with what victim 'ours'"),
    ({"reserve": {"name": "fashion-mnist-10k", "rows": [800, 3000]}}, "shares rows with the attacker's pool"),
    ({"reserve": "bbc-news"}, "bbc-news is for texts, and victim 'ours' is of images"),
    ({"on_alarm": "shout"}, "on_alarm"),
    (
        {"reserve": {"name": "fashion-mnist-10k", "rows": [1000, 9000]}},
        "asks rows up to 9,000 of fashion-mnist-10k, whose training split has 8,000",
    ),
    (
        {"pool": {"name": "mnist-10k", "rows": [0, 8001], "prior": "public"}},
        "asks rows up to 8,001 of mnist-10k, whose training split has 8,000",
    ),
]


@pytest.mark.parametrize(("run", "message"), WRONG, ids=[message[:40] for _, message in WRONG])
def test_links_that_do_not_fit_are_told_in_one_line(run, message, tmp_path):
    with pytest.raises(ConfigurationError) as raised:
        plan_of(tmp_path, **run)
    lines = [line for line in raised.value.problems if message in line]
    assert len(lines) == 1, raised.value.problems
    assert "file.yaml:" in lines[0]


@pytest.mark.parametrize("name", [{"name": "ours"}, ["ours"], [[]], None, 7, 1.5])
def test_what_is_no_name_of_a_victim_is_one_line_beside_links(name, tmp_path):
    with pytest.raises(ConfigurationError) as raised:
        plan_of(tmp_path, victims=["ours", name])
    (line,) = raised.value.problems
    assert "profiles.quick.runs[0].victims[1]" in line


@pytest.mark.parametrize("rows", [["2020-01-01", 600], ["a", "b"], [0, None], [[0], 600], [1], {}, "all", 7])
def test_rows_of_a_victim_that_are_no_range_are_one_line_beside_a_reserve(rows, tmp_path):
    content = copy.deepcopy(FILE)
    content["victims"]["ours"]["data"]["rows"] = rows
    (tmp_path / "file.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(ConfigurationError) as raised:
        load_benchmark(tmp_path / "file.yaml")
    (line,) = raised.value.problems
    assert "victims.ours.data.rows" in line


@pytest.mark.parametrize(
    ("link", "line"),
    [
        ({"detectors": ["prada"]}, "prada is for images, and victim 'ours' takes texts"),
        ({"detectors": [{"name": "seat", "threshold": 3}]}, "seat is for images, and victim 'ours' takes texts"),
        (
            {"detectors": [{"name": "mmd", "threshold": 0.1}]},
            "mmd is for images without features: logits, and victim 'ours' takes texts",
        ),
        (
            {"detectors": [{"name": "extraction-monitor", "threshold": 1.0}]},
            "extraction-monitor is for images, and victim 'ours' takes texts",
        ),
        ({"defences": ["eight-bit"]}, "eight-bit is for images, and victim 'ours' takes texts"),
        ({"recoveries": ["blinding"]}, "blinding is for images, and victim 'ours' takes texts"),
        ({"detectors": [{"name": "mmd", "features": "logits", "threshold": 0.1}]}, ""),
        ({"detectors": [{"name": "hoda", "threshold": 0.1}, {"name": "energy", "threshold": 0.1}]}, ""),
    ],
)
def test_what_is_for_images_is_told_of_a_victim_of_texts_in_one_line(link, line, tmp_path):
    content = copy.deepcopy(FILE)
    kim = {"name": "kim-cnn", "size": 8, "maps": 4}
    content["victims"]["ours"] = {
        "data": {"name": "made-up-topics", "rows": [0, 400]},
        "network": kim,
        "training": {"epochs": 1},
    }
    run = content["profiles"]["quick"]["runs"][0]
    del run["defences"], run["recoveries"], run["detectors"]
    run |= {"clone": kim, "pool": {"name": "made-up-topics", "rows": [400, 500], "prior": "problem-domain"}}
    run |= {"reserve": {"name": "made-up-topics", "rows": [500, 3000]}, **link}
    file = tmp_path / "texts.yaml"
    file.write_text(yaml.safe_dump(content))
    if not line:
        assert make_plan(load_benchmark(file)).trials
        return
    with pytest.raises(ConfigurationError) as raised:
        load_benchmark(file)
    assert len(raised.value.problems) == 1
    assert line in raised.value.problems[0]


def test_a_profile_measures_more_than_the_file_and_what_it_asks_is_checked(tmp_path):
    def problems_of(metrics, own):
        content = copy.deepcopy(FILE)
        content["metrics"] = metrics
        content["profiles"]["quick"]["metrics"] = own
        file = tmp_path / "measured.yaml"
        file.write_text(yaml.safe_dump(content))
        try:
            return [one.metrics for one in make_plan(load_benchmark(file)).trials]
        except ConfigurationError as error:
            return error.problems

    (found, *_) = problems_of(["transfer"], [{"name": "detection", "streams": 3}])
    assert [one.name for one in found][:2] == ["transfer", "detection"]
    assert found[1].parameters == {"streams": 3}
    assert [one.name for one in found].count("detection") == 1
    (twice,) = problems_of(["detection"], ["detection"])
    assert "profiles.quick.metrics[0]: detection is given twice" in twice
    (unknown,) = problems_of([], [{"name": "detection", "others": "mnist-11k"}])
    assert "unknown dataset 'mnist-11k'. Did you mean 'mnist-10k'" in unknown
