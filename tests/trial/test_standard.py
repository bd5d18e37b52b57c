from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from test_trial import CASES, StopAt, files
from toys import SPEC
from trials import tiny_trial

from mebench.api.contract import Response
from mebench.api.errors import ResultsError
from mebench.api.spec import TrialSpec
from mebench.models.victims.loading import prepare_victim
from mebench.oracle.recording import QueryRecorder, RecordedQueries
from mebench.registry.catalogue import registry
from mebench.registry.entries import ChannelEntry
from mebench.results.trial_folder import TrialFolder
from mebench.trial.standard_track import standard_steps
from mebench.trial.trial import Trial, run_trial


def standard(spec: TrialSpec) -> TrialSpec:
    return TrialSpec.from_json(spec.to_json() | {"track": "standard"})


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr("mebench.trial.standard_track.LEAST_STEPS", 30)
    monkeypatch.setattr("mebench.trial.standard_track.EPOCHS", 2)


def answers(rows, probabilities=True, seed=0):
    generator = torch.Generator().manual_seed(seed)
    given = torch.softmax(torch.randn(rows, 10, generator=generator), 1) if probabilities else None
    return Response(torch.randint(10, (rows,), generator=generator), given)


def record(path, blocks, probabilities=True):
    recorder = QueryRecorder(path / "rows", SPEC, probabilities)
    recorder.start()
    for block in blocks:
        recorder.observe(block, answers(len(block), probabilities), "train")
    recorder.compact(path / "queries.safetensors")
    recorder.remove()
    return path / "queries.safetensors"


@pytest.mark.parametrize(
    ("inputs", "dtype"),
    [
        (torch.randint(256, (40, *SPEC.shape)).float() / 255, torch.uint8),
        (torch.rand(40, *SPEC.shape).half().float(), torch.float16),
        (torch.rand(40, *SPEC.shape), torch.float32),
        (torch.cat([torch.ones(39, *SPEC.shape), torch.full((1, *SPEC.shape), 0.3)]), torch.float32),
    ],
)
def test_inputs_are_kept_exactly_in_the_smallest_type(tmp_path, monkeypatch, inputs, dtype):
    monkeypatch.setattr("mebench.oracle.recording.CHUNK_BYTES", 5000)  # several chunks
    path = record(tmp_path, inputs.split(7))
    held = load_file(path)
    assert held["queries"].dtype == dtype
    read, _ = RecordedQueries(path).batch(np.arange(40))
    assert torch.equal(read, inputs)


@pytest.mark.parametrize("probabilities", [True, False])
def test_answers_are_kept_as_the_channel_gave_them(tmp_path, probabilities):
    path = record(tmp_path, [torch.rand(9, *SPEC.shape)], probabilities)
    expected = answers(9, probabilities)
    _, read = RecordedQueries(path).batch([8, 0, 3])
    assert torch.equal(read, (expected.probabilities if probabilities else expected.labels)[[8, 0, 3]])
    assert torch.equal(load_file(path)["labels"].long(), expected.labels)


def test_a_record_is_cut_off_where_the_checkpoint_was_taken(tmp_path):
    recorder = QueryRecorder(tmp_path / "rows", SPEC, True)
    recorder.start()
    inputs = torch.rand(10, *SPEC.shape)
    recorder.observe(inputs[:6], answers(6), "explore")
    six = recorder.state_dict()
    recorder.observe(inputs[6:], answers(4), "explore")
    recorder.flush()
    again = QueryRecorder(tmp_path / "rows", SPEC, True)
    again.load_state_dict(six)
    again.start()
    again.observe(inputs[:1], answers(1), "train")
    again.compact(tmp_path / "q.safetensors")
    read, _ = RecordedQueries(tmp_path / "q.safetensors").batch(np.arange(7))
    assert torch.equal(read, torch.cat([inputs[:6], inputs[:1]]))
    too_short = QueryRecorder(tmp_path / "rows", SPEC, True)
    too_short.load_state_dict(six | {"rows": 8})
    with pytest.raises(ResultsError, match="fewer queries"):
        too_short.start()
    others = QueryRecorder(tmp_path / "rows", SPEC, True)
    others.load_state_dict(six | {"rows": 7})
    with pytest.raises(ResultsError, match="other queries"):
        others.start()


@pytest.mark.parametrize("name", CASES)
def test_the_standard_track_resumes_to_the_same_bytes(name, tmp_path, quick):
    spec = standard(CASES[name]())
    whole = TrialFolder.of(tmp_path / "whole", spec)
    assert run_trial(spec, whole) == "finished"
    folder = TrialFolder.of(tmp_path / "stopped", spec)
    stops = 0
    for turn in (1, 0, 2, 3, 1):
        stops += run_trial(spec, folder, should_stop=StopAt(turn)) == "stopped"
    run_trial(spec, folder)
    assert stops >= 2
    assert files(folder) == files(whole)
    records = [(one.path / "queries.safetensors").read_bytes() for one in (folder, whole)]
    assert records[0] == records[1]
    assert not (folder.path / "queries.partial").exists()


def test_a_stop_while_the_standard_learner_trains_loses_nothing(tmp_path, quick):
    spec = standard(tiny_trial("noise", budget=64, parameters={"batch_size": 16}))
    whole, folder = TrialFolder.of(tmp_path / "whole", spec), TrialFolder.of(tmp_path / "stopped", spec)
    run_trial(spec, whole)
    assert run_trial(spec, folder, should_stop=StopAt(5)) == "stopped"  # four turns, then the second look of the fit
    assert (folder.path / "queries.safetensors").exists()
    assert run_trial(spec, folder) == "finished"
    assert files(folder) == files(whole)


def test_every_answered_query_is_recorded_and_the_score_is_the_standard_clones(tmp_path, quick):
    spec = standard(tiny_trial("dfme"))
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    result, victim = folder.result(), prepare_victim(spec.victim)
    held = load_file(folder.path / "queries.safetensors")
    assert len(held["queries"]) == len(held["labels"]) == result["ledger"]["spent"] == 700
    asked = victim.victim(held["queries"].float()).softmax(1)
    assert torch.allclose(asked, held["probabilities"], atol=1e-5)
    (point,) = folder.curve()
    assert {key: point[key] for key in result["metrics"]} == result["metrics"]
    trial = Trial(spec, TrialFolder.of(tmp_path / "b", spec), victim, torch.device("cpu"))
    clone = trial.attack.learner.clone
    clone.load_state_dict(load_file(folder.path / "clone.safetensors"))
    assert trial.exam.score(clone).accuracy == result["metrics"]["accuracy"]


def test_the_attack_asks_the_same_queries_on_either_track(tmp_path, quick):
    native = tiny_trial("megex", "vg")
    runs = {}
    for spec in (native, standard(native)):
        folder = TrialFolder.of(tmp_path, spec)
        run_trial(spec, folder)
        runs[spec.track] = folder
    ledgers = [folder.result()["ledger"] for folder in runs.values()]
    assert ledgers[0] == ledgers[1]
    samples = [(folder.path / "samples.png").read_bytes() for folder in runs.values()]
    assert samples[0] == samples[1]
    assert runs["native"].path.name != runs["standard"].path.name


def test_the_standard_learner_learns_from_real_images(tmp_path):
    spec = standard(CASES["random-pool"]())
    folder = TrialFolder.of(tmp_path, spec)
    run_trial(spec, folder)
    assert folder.result()["metrics"]["fidelity"] > 0.5


def test_the_number_of_steps_depends_on_the_number_of_answers_alone():
    assert standard_steps(100) == 1000
    assert standard_steps(128_000) == 10_000
    assert standard_steps(20_000_000) == 100_000


@pytest.mark.parametrize("channel", ["label", "probability", "vg", "sg", "ig", "white-box"])
def test_every_channel_can_be_recorded(channel, tmp_path, quick):
    attack = "noise" if channel != "label" else "random-pool"
    case = CASES[attack]().to_json()
    case["channel"] = {"name": channel, "parameters": registry().get(ChannelEntry, channel).resolve({})}
    spec = standard(TrialSpec.from_json(case | {"budget": 48}))
    assert run_trial(spec, TrialFolder.of(tmp_path, spec)) == "finished"
