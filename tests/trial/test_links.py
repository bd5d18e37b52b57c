"""Defences, detectors and recoveries of plugins in whole trials."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from trials import resolved, tiny_trial

from mebench.api.errors import ConfigurationError, PluginFaultError
from mebench.api.progress import Stopped
from mebench.api.random_streams import RandomStreams
from mebench.api.spec import Component, TrialSpec
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.channels.answers import LabelChannel
from mebench.plan.links import with_links
from mebench.registry.catalogue import registry
from mebench.registry.defence_entries import DefenceEntry, DetectorEntry, RecoveryEntry
from mebench.registry.entries import DatasetEntry
from mebench.results.leaderboard import build_leaderboard
from mebench.results.trial_folder import TrialFolder
from mebench.trial.links.building import Defences
from mebench.trial.links.calibration import mean_distance
from mebench.trial.links.owner import Owner
from mebench.trial.trial import run_trial

FILES = ("result.json", "curve.jsonl", "clone.safetensors")
POOL = resolved(Component("fashion-mnist-10k", {"rows": [600, 1000]}), DatasetEntry)
RESERVE = resolved(Component("fashion-mnist-10k", {"rows": [1000, 3000]}), DatasetEntry)
FIT = {"strategy.rounds": 4, "learner.epochs": 2}


@pytest.fixture(autouse=True)
def _plugin(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.getbasetemp() / "link-plugins"
    folder.mkdir(exist_ok=True)
    shutil.copy(Path(__file__).parent.parent / "helpers" / "linked_plugin.py", folder / "linked.py")
    monkeypatch.setenv("MEBENCH_PLUGIN_DIR", str(folder))


def chain(kind, *links) -> tuple[Component, ...]:
    named = [link if isinstance(link, Component) else Component(link) for link in links]
    return tuple(registry().get(kind, one.name).as_component(one.parameters) for one in named)


def trial(defences=(), recoveries=(), detectors=(), channel="probability", budget=200, **more) -> TrialSpec:
    """A fit on a few images of a pool, in four rounds."""
    spec = tiny_trial(
        more.pop("attack", "random-pool+fit"),
        channel,
        budget,
        parameters=more.pop("parameters", FIT),
        pool=POOL,
        evaluations=4,
        defences=chain(DefenceEntry, *defences),
        recoveries=chain(RecoveryEntry, *recoveries),
        detectors=chain(DetectorEntry, *detectors),
        **more,
    )
    return with_links(spec, registry())


def run(spec: TrialSpec, place: Path) -> dict:
    folder = TrialFolder.of(place, spec)
    assert run_trial(spec, folder) == "finished"
    return folder.result()


def contents(place: Path, spec: TrialSpec) -> dict[str, bytes]:
    return {name: (TrialFolder.of(place, spec).path / name).read_bytes() for name in FILES}


def mixing(share: float, **more) -> Component:
    return Component("mixing", {"share": share, **more})


def honest_probabilities(spec: TrialSpec) -> tuple[torch.Tensor, torch.Tensor]:
    victim = prepare_victim(spec.victim)
    with torch.no_grad():
        return torch.softmax(victim.victim(victim.test_inputs), 1), victim.test_labels


def test_a_trial_without_links_is_the_trial_that_it_was():
    plain = tiny_trial()
    assert with_links(replace(plain, reserve=RESERVE, clients=3), registry()) == plain
    assert not {"defences", "recoveries", "detectors", "reserve", "clients", "on_alarm"} & set(plain.to_json())


def test_a_trial_with_links_comes_back_from_json_as_it_was():
    spec = trial([mixing(0.5)], ["twice"], ["many"], reserve=RESERVE, clients=2, on_alarm="label")
    assert TrialSpec.from_json(json.loads(json.dumps(spec.to_json()))) == spec
    assert spec.variant == "clients=2,twice"
    assert "mixing" in spec.prefix


def test_what_honest_users_pay_is_measured_on_what_they_get(tmp_path):
    spec = trial([mixing(0.4)])
    metrics = run(spec, tmp_path)["metrics"]
    probabilities, labels = honest_probabilities(spec)
    moved = (0.6 * probabilities + 0.04 - probabilities).abs().sum(1)
    assert metrics["benign_l1"] == pytest.approx(moved.double().mean().item(), abs=1e-6)
    assert metrics["benign_l1_max"] == pytest.approx(moved.max().item(), abs=1e-6)
    assert metrics["benign_l1_95"] == pytest.approx(moved.quantile(0.95).item(), abs=2e-3)
    assert metrics["flips"] == 0
    right = (probabilities.argmax(1) == labels).double().mean().item()
    assert metrics["protected_accuracy"] == pytest.approx(right)
    assert 0 < metrics["attack_l1"] < 0.8
    assert metrics["served_fidelity"] == metrics["fidelity"]


def test_each_defence_of_a_chain_works_on_what_the_one_before_answers(tmp_path):
    metrics = run(trial([[mixing(0.5)][0], mixing(0.5)]), tmp_path)["metrics"]
    once = run(trial([mixing(0.75)]), tmp_path)["metrics"]
    assert metrics["benign_l1"] == pytest.approx(once["benign_l1"], abs=1e-6)


def test_a_defence_that_turns_answers_round_keeps_the_label_if_it_says_so(tmp_path):
    metrics = run(trial(["swapping"]), tmp_path)["metrics"]
    assert metrics["flips"] == 0
    assert metrics["attack_flips"] == 0
    assert metrics["exchanged"] > 0.9


def test_what_a_defence_has_learnt_is_learnt_once_for_a_victim(tmp_path, monkeypatch):
    from link_parts import Learning

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    Learning.fits = 0
    specs = [trial(["learning"], reserve=RESERVE, seed=seed) for seed in (0, 1)]
    metrics = [run(spec, tmp_path)["metrics"] for spec in specs]
    assert Learning.fits == 1
    assert metrics[0]["benign_l1"] == metrics[1]["benign_l1"]
    fewer = resolved(Component("fashion-mnist-10k", {"rows": [1000, 1500]}), DatasetEntry)
    run(trial(["learning"], reserve=fewer), tmp_path)
    assert Learning.fits == 2


def test_a_defence_of_inputs_comes_before_all_others_and_explanations_are_of_what_it_lets_through(tmp_path):
    metrics = run(trial([mixing(0.5), "grey"], channel="vg"), tmp_path)["metrics"]
    victim = prepare_victim(trial().victim)
    with torch.no_grad():
        answer = torch.softmax(victim.victim(torch.full_like(victim.test_inputs[:1], 0.5)), 1)
    assert metrics["benign_l1"] == pytest.approx((answer / 2 + 0.05 - answer).abs().sum().item(), abs=1e-5)
    assert metrics["benign_l1_max"] == pytest.approx(metrics["benign_l1"], abs=1e-5)
    assert metrics["protected_accuracy"] < 0.2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("broken", "perturb failed: RuntimeError: no luck"),
        ("not-a-number", "perturb returned values that are NaN"),
    ],
)
def test_a_defence_that_gives_no_valid_answer_fails_its_trial_and_is_named(name, message, tmp_path):
    with pytest.raises(PluginFaultError, match=rf"^defence {name} .*{message}"):
        run(trial([name]), tmp_path)


def test_a_recovery_that_loses_a_row_fails_its_trial_and_is_named(tmp_path):
    with pytest.raises(PluginFaultError, match=r"^recovery short .*recover returned labels"):
        run(trial((), ["short"]), tmp_path)


def test_an_operating_point_is_the_mean_distance_on_benign_answers(tmp_path):
    spec = trial([Component("mixing", {"l1": 0.5})], reserve=RESERVE)
    metrics = run(spec, tmp_path)["metrics"]
    assert metrics["benign_l1"] == pytest.approx(0.5, abs=0.03)  # other images than those that it was set on
    told = TrialFolder.of(tmp_path, spec).result()["links"]["operating_points"]["mixing(l1=0.5)"]
    assert told["reached"] == pytest.approx(0.5, abs=0.01)
    assert 0.2 < told["share"] < 0.5


def test_an_operating_point_is_not_set_on_a_handful_of_inputs(tmp_path):
    few = resolved(Component("fashion-mnist-10k", {"rows": [1000, 1001]}), DatasetEntry)
    with pytest.raises(ConfigurationError, match=r"needs 50 benign inputs, and half of the `reserve` is 0"):
        run(trial([Component("mixing", {"l1": 0.3})], reserve=few), tmp_path)


def test_a_recovery_of_which_a_row_costs_more_than_the_budget_is_refused_by_its_name(tmp_path):
    with pytest.raises(ConfigurationError, match=r"^recovery twice: one row costs more than the whole budget, 1 query"):
        run(trial((), ["twice"], budget=1), tmp_path)


def test_an_operating_point_is_measured_on_what_is_answered_where_entries_are_exchanged():
    rows = torch.tensor([[0.7, 0.2, 0.1]])
    turned = torch.tensor([[0.1, 0.2, 0.7]])
    assert mean_distance(lambda *_: turned, rows, rows) == pytest.approx(1.2)
    assert mean_distance(lambda *_: turned, rows, rows, keeps_argmax=True) == 0


def test_a_defence_that_learns_does_so_once_whatever_values_its_knob_is_tried_at(tmp_path, monkeypatch):
    from link_parts import LearntMixing

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    LearntMixing.fits = 0
    result = run(trial([Component("learnt-mixing", {"l1": 0.5})], reserve=RESERVE), tmp_path)
    assert result["links"]["operating_points"]["learnt-mixing(l1=0.5)"]["reached"] == pytest.approx(0.5, abs=0.01)
    assert LearntMixing.fits == 1


def test_an_operating_point_that_cannot_be_reached_is_said_before_anything_is_asked(tmp_path):
    with pytest.raises(
        ConfigurationError, match=r"^defence mixing: at its strongest it moves benign answers by 1\.\d+"
    ):
        run(trial([Component("mixing", {"l1": 1.99})], reserve=RESERVE), tmp_path)


def test_an_average_of_two_equal_answers_costs_twice_and_teaches_the_same(tmp_path):
    twice, once = trial((), ["twice"], budget=200), trial(budget=100)
    result = run(twice, tmp_path)
    assert result["ledger"]["spent"] == 200
    run(once, tmp_path)
    assert contents(tmp_path, twice)["clone.safetensors"] == contents(tmp_path, once)["clone.safetensors"]


def test_what_is_left_of_a_budget_that_no_row_fits_into_is_not_spent(tmp_path):
    assert run(trial((), ["twice"], budget=201), tmp_path)["ledger"]["spent"] == 200


def test_a_recovery_that_knows_the_mechanism_undoes_it(tmp_path):
    plain, undone = trial(), trial([mixing(0.5)], ["unmixing"])
    hurt = trial([mixing(0.5)])
    fidelity = [run(spec, tmp_path)["metrics"]["fidelity"] for spec in (plain, undone, hurt)]
    assert abs(fidelity[0] - fidelity[1]) < 0.02
    none = trial((), ["unmixing"])
    run(none, tmp_path)
    assert contents(tmp_path, none)["clone.safetensors"] == contents(tmp_path, plain)["clone.safetensors"]


CASES = {
    "state, fresh noise and a choosy recovery": lambda: trial(["counting", "drawing"], ["picky"]),
    "detectors and clients": lambda: trial(
        [mixing(0.3)], (), ["many", Component("unsure", {"threshold": 0.9})], clients=3
    ),
    "only labels after the alarm": lambda: trial((), (), ["many"], on_alarm="label", budget=400),
}


class StopAfter:
    def __init__(self, turns):
        self.turns = turns

    def __call__(self):
        self.turns -= 1
        return self.turns < 0


@pytest.mark.parametrize("name", CASES)
def test_a_stopped_trial_with_links_resumes_to_the_same_bytes(name, tmp_path):
    spec = CASES[name]()
    run(spec, tmp_path / "whole")
    folder = TrialFolder.of(tmp_path / "stopped", spec)
    stops = 0
    while run_trial(spec, folder, should_stop=StopAfter(1)) == "stopped":
        stops += 1
    assert stops > 1
    assert contents(tmp_path / "stopped", spec) == contents(tmp_path / "whole", spec)


def test_a_defence_that_does_not_tell_its_state_is_refused_at_a_checkpoint(tmp_path):
    spec = trial(["forgetting"])
    with pytest.raises(PluginFaultError, match=r"^defence forgetting .*its attribute rows changed"):
        run_trial(spec, TrialFolder.of(tmp_path, spec), should_stop=StopAfter(2))


def test_an_alarm_is_latched_at_the_query_that_raised_it(tmp_path):
    spec = trial((), (), ["many"], clients=2, budget=400)
    metrics = run(spec, tmp_path)["metrics"]
    assert metrics["first_alarm"] == 2 * 150 + 1  # the 151st of the first of two clients who take turns
    assert metrics["alarms"] == 1
    clients = TrialFolder.of(tmp_path, spec).result()["links"]["clients"]
    assert [(one["client"], one["queries"], one["alarm"], one["own_alarm"]) for one in clients] == [
        (0, 200, 301, 151),
        (1, 200, 302, 151),
    ]
    curve = TrialFolder.of(tmp_path, spec).curve()
    before = [point["fidelity"] for point in curve if point["queries"] <= 301]
    assert metrics["fidelity_at_alarm"] == before[-1]
    quiet = run(trial((), (), ["many"], clients=4, budget=400), tmp_path)["metrics"]
    assert (quiet["first_alarm"], quiet["alarms"]) == (None, 0)


def test_who_is_refused_after_an_alarm_ends_early(tmp_path):
    result = run(trial((), (), ["many"], on_alarm="refuse", budget=400), tmp_path)
    assert result["metrics"]["first_alarm"] == 151
    account = result["ledger"]
    assert account["spent"] == 200  # the request with the alarm is still answered, the next one is neither nor paid
    assert account["victim_forward"] == 200


def test_a_row_of_who_was_refused_is_valid_and_says_that_its_budget_is_unspent(tmp_path):
    run(trial((), (), ["many"], on_alarm="refuse", budget=400), tmp_path)
    (row,) = [one for one in build_leaderboard([tmp_path]).rows if one.kind == "attack"]
    assert (row.status, row.queries) == ("finished", 200)
    assert "unspent-budget" in row.flags


def test_after_the_alarm_a_client_gets_labels_alone(tmp_path):
    from mebench.api.contract import Response
    from mebench.toolkit.rows import with_labels_alone

    answers = torch.tensor([[0.6, 0.4], [0.3, 0.7]])
    told = with_labels_alone(Response(answers.argmax(1), answers), torch.tensor([False, True]))
    assert told.probabilities is not None
    assert told.probabilities.tolist() == [pytest.approx([0.6, 0.4]), [0, 1]]


def test_after_the_alarm_labels_are_answered_outside_all_defences(tmp_path):
    told = run(trial([mixing(0.5)], (), ["many"], on_alarm="label", budget=400), tmp_path)["metrics"]
    audited = run(trial([mixing(0.5)], (), ["many"], budget=400), tmp_path)["metrics"]
    assert told["attack_l1"] == audited["attack_l1"]  # the defence is given what the victim answered, alarm or not
    plain = trial((), (), ["many"], on_alarm="label", budget=400)
    behind = trial([mixing(0.0)], (), ["many"], on_alarm="label", budget=400)
    for spec in (plain, behind):
        run(spec, tmp_path)
    clones = [contents(tmp_path, spec)["clone.safetensors"] for spec in (plain, behind)]
    assert clones[0] == clones[1]


def test_a_threshold_is_calibrated_on_benign_streams_of_a_half_that_nothing_is_learnt_of(tmp_path):
    from mebench.guard.wrappers import guarded_channel
    from mebench.results.detection import calibrated
    from mebench.toolkit.streams import BENIGN_STREAMS
    from mebench.trial.links.building import armed_detectors
    from mebench.trial.links.owner import Owner

    spec = trial((), (), [Component("unsure", {"false_positives": 0.2})], reserve=RESERVE, budget=100)
    victim = prepare_victim(spec.victim)
    owner = Owner.of(spec, victim, torch.device("cpu"))
    learnt_of = {row.numpy().tobytes() for row in owner.data.inputs}
    assert len(owner.data) == len(owner.benign) == 1000
    assert sum(row.numpy().tobytes() in learnt_of for row in owner.benign.inputs) < 10  # a few pictures are there twice
    threshold = armed_detectors(owner, guarded_channel(spec.channel))[0].threshold
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    found = []
    for kind in ("iid", "skewed", "moved"):
        maxima = []
        for number in range(10):
            rows = order if kind == "skewed" else order[100 * number : 100 * number + 100]
            stream = BENIGN_STREAMS[kind](owner.benign.inputs[rows], owner.benign.labels[rows], 100, number)
            with torch.no_grad():
                maxima.append((1 - torch.softmax(victim.victim(stream), 1).amax(1)).max().item())
        found.append(calibrated(maxima, 0.2).threshold)
    assert threshold == pytest.approx(max(found))


def test_the_threshold_of_a_detector_is_set_once_for_all_channels(tmp_path, monkeypatch):
    from mebench.guard.wrappers import guarded_channel
    from mebench.trial.links import building

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    asked, calibrated = [], building.calibrated_threshold
    monkeypatch.setattr(building, "calibrated_threshold", lambda *all_of: asked.append(all_of) or calibrated(*all_of))
    thresholds = []
    for channel in ("label", "probability", "vg"):
        watched = Component("unsure", {"false_positives": 0.2})
        spec = trial((), (), [watched], reserve=RESERVE, budget=100, channel=channel)
        owner = Owner.of(spec, prepare_victim(spec.victim), torch.device("cpu"))
        thresholds.append(building.armed_detectors(owner, guarded_channel(spec.channel))[0].threshold)
    assert len(asked) == 1
    assert len(set(thresholds)) == 1


def test_a_stop_ends_a_calibration_in_its_midst_and_the_trial_ends_as_if_there_had_been_none(tmp_path, monkeypatch):
    from mebench.trial.links import thresholds

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    scored, scores_of = [], thresholds.scores_of
    monkeypatch.setattr(thresholds, "scores_of", lambda *all_of: scored.append(all_of) or scores_of(*all_of))
    spec = trial((), (), [Component("unsure", {"false_positives": 0.2})], reserve=RESERVE, budget=100)
    folder = TrialFolder.of(tmp_path / "stopped", spec)
    with pytest.raises(Stopped):
        run_trial(spec, folder, should_stop=lambda: len(scored) == 4)
    assert len(scored) == 4
    assert run_trial(spec, folder) == "finished"
    assert len(scored) == 4 + 30  # of three kinds ten streams each
    run(spec, tmp_path / "whole")
    assert contents(tmp_path / "stopped", spec) == contents(tmp_path / "whole", spec)


def test_maps_without_signs_are_compared_with_those_that_would_be_given(tmp_path):
    metrics = run(trial(["absolute-maps"], channel="vg"), tmp_path)["metrics"]
    assert metrics["explanation_spearman_absolute"] == pytest.approx(1)
    assert metrics["explanation_overlap"] == 1
    assert metrics["explanation_similarity"] == pytest.approx(1)
    assert metrics["explanation_spearman"] < 0.9
    assert metrics["explanation_deletion"] != 0
    assert metrics["flips"] == 0


def draws_of(*names: str) -> list[torch.Tensor]:
    """What each link of a chain adds to the same answers, to the same queries."""
    spec = trial([Component(name, {"drawn": drawn, "scale": 0.2}) for name, drawn in (one.split("/") for one in names)])
    owner = Owner.of(spec, prepare_victim(spec.victim), torch.device("cpu"))
    made = Defences(owner, LabelChannel()).ready(RandomStreams(0, torch.device("cpu")))
    queries, answers = torch.rand(4, 1, 8, 8), torch.full((4, 10), 0.1)
    return [one.perturb(queries, answers) for one in made]


@pytest.mark.parametrize("drawn", ["keyed", "fresh"])
def test_two_links_of_one_kind_draw_apart_and_the_first_draws_what_it_does_alone(drawn):
    torch.manual_seed(0)
    alone = draws_of(f"answer-noise/{drawn}")[0]
    torch.manual_seed(0)
    first, second = draws_of(f"answer-noise/{drawn}", f"answer-noise/{drawn}")
    assert torch.equal(first, alone)
    assert abs(torch.corrcoef(torch.stack([first.flatten(), second.flatten()]))[0, 1]) < 0.5


def test_false_alarms_are_counted_on_streams_of_the_test_set_at_the_frozen_threshold(tmp_path, monkeypatch):
    from mebench.trial.links.honest import honest_streams

    monkeypatch.setenv("MEBENCH_CACHE", str(tmp_path / "cache"))
    wanted = Component("detection", {"streams": 3, "others": "fashion-mnist-10k"})
    spec = trial((), (), ["many"], metrics=(wanted,), budget=160)
    result = run(spec, tmp_path)
    (told,) = result["links"]["detectors"]
    assert (told["clients"], told["alarmed"], told["first_alarm"]) == (1, 1, 151)
    assert told["fidelity_at_alarm"] == result["metrics"]["fidelity_at_alarm"]
    # `many` is alarmed of the 151st query: streams have 160, as the attack has.
    assert told["honest"]["iid"] == {"streams": 3, "alarms": 3, "watched": 3 * 151}
    assert {"repeating", "monitoring", "others, 5%", "others, 30%"} <= set(told["honest"])
    assert result["metrics"]["false_alarms"] == 1
    victim = prepare_victim(spec.victim)
    test = Owner.of(spec, victim, torch.device("cpu")).test
    rows = {bytes(row.numpy().tobytes()) for row in test.inputs}
    streams = [stream for kind, stream in honest_streams(test, 160, 3, False) if kind == "iid"]
    assert all(bytes(row.numpy()) in rows for stream in streams for row in stream)
    asked = [row.numpy().tobytes() for stream in streams for row in stream]
    assert len(set(asked)) == len(set(rows) & set(asked)) == 480  # parts share no input


def test_a_trial_that_asks_for_no_honest_streams_keeps_the_metric_that_it_had():
    assert list(trial((), (), ["many"]).metrics) == [Component("detection", {})]


@pytest.mark.parametrize(
    ("rows", "queries", "rate", "length"),
    [
        (1500, 400, 0.1, 150),
        (4000, 1000, 0.05, 210),
        (4000, 150, 0.05, 150),
        (900, 400, 0.01, 100),
        (8000, 900, 0, 800),
    ],
)
def test_benign_streams_are_as_many_as_a_rate_needs_and_no_longer_than_an_attack(rows, queries, rate, length):
    from mebench.trial.links.thresholds import stream_length

    assert stream_length(rows, queries, rate) == length


def test_what_links_took_is_told_beside_the_result_and_not_in_it(tmp_path):
    spec = trial([mixing(0.5)], (), ["many"])
    result = run(spec, tmp_path)
    timing = json.loads((TrialFolder.of(tmp_path, spec).path / "timing.json").read_text())
    assert timing["defence_ms_per_query"] > 0
    assert timing["detector_ms_per_query"] > 0
    assert "ms_per_query" not in json.dumps(result)
    plain = trial()
    run(plain, tmp_path)
    assert "defence_ms" not in (TrialFolder.of(tmp_path, plain).path / "timing.json").read_text()


def test_the_calibration_error_of_what_is_served_is_told_beside_the_victims_own(tmp_path):
    from mebench.trial.metrics.service import calibration_error

    metrics = run(trial([mixing(0.5)], metrics=(Component("calibration", {}),)), tmp_path)["metrics"]
    probabilities, labels = honest_probabilities(trial())
    right = probabilities.argmax(1) == labels
    own = calibration_error(probabilities, right)
    assert metrics["calibration_error"] == pytest.approx(own, abs=1e-6)
    served = calibration_error(0.5 * probabilities + 0.05, right)
    assert metrics["calibration_error_change"] == pytest.approx(served - own, abs=1e-6)
