import json
import shutil
from dataclasses import replace

import pytest
import torch
from trials import SMALL, tiny_trial

from mebench.api.errors import ResultsError
from mebench.api.spec import Component, TrialSpec
from mebench.models.state_file import load_state, save_state
from mebench.models.victims.loading import prepare_victim
from mebench.results.trial_folder import TrialFolder
from mebench.trial.metrics.builtin import BUILTIN
from mebench.trial.trial import Trial, run_trial

SMALL_MEGA = {"noise_vectors": 20, "noise_dim": 5, "generator_width": 4, "max_epochs": 1}
DETERMINISTIC = ["result.json", "curve.jsonl", "clone.safetensors", "samples-early.png", "samples.png"]
POOL = {"pool": Component("fashion-mnist-10k", {"rows": [1000, 1400], "root": None}), "data_prior": "problem-domain"}
CASES = {
    "dfme": lambda: tiny_trial("dfme"),
    "megex": lambda: tiny_trial("megex", "vg"),
    "random-generator": lambda: tiny_trial("random-generator"),
    "noise": lambda: tiny_trial("noise", parameters={"batch_size": 16}),
    "random-pool": lambda: tiny_trial("random-pool", "label", budget=300, parameters={"epochs": 3}, **POOL),
}


def files(folder):
    return {name: (folder.path / name).read_bytes() for name in DETERMINISTIC}


class StopAt:
    """Asks to stop at the n-th turn."""

    def __init__(self, turn):
        self.turns_left = turn

    def __call__(self):
        self.turns_left -= 1
        return self.turns_left < 0


@pytest.fixture
def finished(tmp_path):
    """Run a spec to its end; returns its folder."""

    def run(spec, name="whole", **options):
        folder = TrialFolder.of(tmp_path / name, spec)
        assert run_trial(spec, folder, **options) == "finished"
        return folder

    return run


def test_an_attack_gets_the_default_of_a_parameter_that_its_spec_leaves_out(finished):
    spec = tiny_trial("mega", "label", budget=40, parameters={**SMALL_MEGA, "brightness_lr": 0.0})
    late = {"brightness_lr", "brightness_spread"}
    kept = {name: value for name, value in spec.attack.parameters.items() if name not in late}
    shorter = replace(spec, attack=Component("mega", kept))
    assert shorter.id != spec.id
    clones = [finished(one, name).path / "clone.safetensors" for one, name in ((spec, "a"), (shorter, "b"))]
    assert clones[0].read_bytes() == clones[1].read_bytes()


def test_the_result_holds_the_last_clone_and_the_whole_account(finished):
    spec = tiny_trial()
    folder = finished(spec)
    result, curve = folder.result(), folder.curve()
    assert result["ledger"]["spent"] == result["ledger"]["budget"] == 700
    assert result["ledger"]["by_purpose"]["explore"] > 0
    assert result["metrics"] == {key: curve[-1][key] for key in result["metrics"]}
    assert set(result["metrics"]) == {entry.name for entry in BUILTIN}
    assert curve[-1]["queries"] == 700
    assert TrialSpec.from_json(result["spec"]) == spec
    assert folder.spec() == spec
    assert result["provenance"]["precision"] == {"dtype": "float32", "tf32": False, "autocast": False}
    assert result["victim"]["weights_hash"] == prepare_victim(spec.victim).weights_hash
    assert folder.status == "finished"
    assert not folder.checkpoint.exists()


def test_the_scores_are_those_of_the_saved_clone(finished):
    from safetensors.torch import load_file

    from mebench.models.clones import initial_clone

    spec = tiny_trial("megex", "vg")
    folder = finished(spec)
    victim = prepare_victim(spec.victim)
    clone = initial_clone(spec, victim).eval()
    clone.load_state_dict(load_file(folder.path / "clone.safetensors"))
    predicted = clone(victim.test_inputs).argmax(1)
    asked = victim.victim(victim.test_inputs).argmax(1)
    metrics = folder.result()["metrics"]
    assert metrics["accuracy"] == pytest.approx((predicted == victim.test_labels).float().mean().item())
    assert metrics["fidelity"] == pytest.approx((predicted == asked).float().mean().item())
    wrong = asked != victim.test_labels
    assert metrics["fidelity_on_errors"] == pytest.approx((predicted == asked)[wrong].float().mean().item())
    assert folder.result()["victim"]["accuracy"] == pytest.approx((~wrong).float().mean().item())


@pytest.mark.parametrize("name", CASES)
def test_a_stopped_trial_resumes_to_the_same_bytes_from_any_turn(name, finished, tmp_path):
    spec = CASES[name]()
    expected = files(finished(spec))
    folder = TrialFolder.of(tmp_path / "stopped", spec)
    stops = 0
    for turn in (1, 0, 2, 3, 5, 7, 1):  # turns between stops: at the start, in the middle, twice at one place
        if run_trial(spec, folder, should_stop=StopAt(turn)) == "finished":
            break
        stops += 1
        assert folder.checkpoint.exists()
    run_trial(spec, folder)
    assert stops >= 2
    assert files(folder) == expected


def test_evaluations_after_the_last_checkpoint_are_done_again(finished, tmp_path):
    spec = tiny_trial()
    expected = files(finished(spec))
    folder = TrialFolder.of(tmp_path / "killed", spec)
    run_trial(spec, folder, should_stop=StopAt(4))
    with (folder.path / "curve.jsonl").open("a") as handle:  # what a kill between two checkpoints leaves behind
        handle.write('{"queries": 999, "accuracy": 1.0, "fidelity": 1.0}\n{"queries": 1000, "acc')
    run_trial(spec, folder)
    assert files(folder) == expected


def test_a_damaged_checkpoint_costs_the_progress_but_not_the_result(finished, tmp_path):
    spec = tiny_trial()
    expected = files(finished(spec))
    folder = TrialFolder.of(tmp_path / "damaged", spec)
    run_trial(spec, folder, should_stop=StopAt(4))
    folder.checkpoint.write_bytes(folder.checkpoint.read_bytes()[:-100])
    heard = []
    run_trial(spec, folder, on_note=heard.append)
    assert files(folder) == expected
    assert len(heard) == 1
    assert heard[0].startswith(f"{folder.checkpoint}: damaged checkpoint")
    assert heard[0].endswith("the trial starts anew")


STATES = {
    "a key is missing": lambda state: state["chain"].pop("ledger"),
    "a ledger of 0": lambda state: state["chain"]["ledger"]["by_purpose"].update(train=0, explore=0),
    "a larger budget": lambda state: state["chain"]["ledger"].update(budget=10_000),
    "a line of the curve is missing": lambda state: state["evaluation"]["lines"].pop(),
    "a better best": lambda state: state["evaluation"]["best"].update(accuracy=0.99),
    "another shape": lambda state: state["learner"].update(clone={"weight": torch.zeros(3)}),
    "a list": lambda state: state.update(strategy=[1, 2]),
    "another place on the grid": lambda state: state["evaluation"].update(grid_passed=1),
}


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A folder of a trial that was stopped after some evaluations, and the files that it must end with."""
    root, spec = tmp_path_factory.mktemp("stopped"), tiny_trial()
    whole, half = TrialFolder.of(root / "whole", spec), TrialFolder.of(root / "half", spec)
    run_trial(spec, whole)
    run_trial(spec, half, should_stop=StopAt(12))
    assert len(half.curve()) > 1
    return half, files(whole)


@pytest.mark.parametrize("change", STATES.values(), ids=STATES)
def test_a_checkpoint_that_contradicts_itself_is_not_gone_on_with(change, stopped, tmp_path):
    folder = TrialFolder(shutil.copytree(stopped[0].path, tmp_path / stopped[0].path.name))
    state = load_state(folder.checkpoint)
    change(state)
    save_state(folder.checkpoint, state)
    heard = []
    assert run_trial(tiny_trial(), folder, on_note=heard.append) == "finished"
    assert len(heard) == 1
    assert files(folder) == stopped[1]


@pytest.mark.parametrize(
    "damage", [b"", b"\xff\x00" * 50, b'{"queries": 1}\n', None], ids=["empty", "binary", "cut", "gone"]
)
def test_a_curve_that_was_lost_while_stopped_comes_back_from_the_checkpoint(damage, stopped, tmp_path):
    folder = TrialFolder(shutil.copytree(stopped[0].path, tmp_path / stopped[0].path.name))
    curve = folder.path / "curve.jsonl"
    curve.unlink() if damage is None else curve.write_bytes(damage)
    heard = []
    assert run_trial(tiny_trial(), folder, on_note=heard.append) == "finished"
    assert heard == []
    assert files(folder) == stopped[1]


@pytest.mark.parametrize(
    "damage", [b"", b"[]", b'{"sessions": [{"seconds": "x"}]}', b"\xff", b"[" * 100_000], ids=range(5)
)
def test_a_damaged_timing_costs_the_time_and_not_the_trial(damage, stopped, tmp_path):
    folder = TrialFolder(shutil.copytree(stopped[0].path, tmp_path / stopped[0].path.name))
    (folder.path / "timing.json").write_bytes(damage)
    assert run_trial(tiny_trial(), folder) == "finished"
    assert files(folder) == stopped[1]
    assert len(json.loads((folder.path / "timing.json").read_text())["sessions"]) == 1


def test_another_seed_changes_the_result(finished):
    first, second = finished(tiny_trial(seed=0)), finished(tiny_trial(seed=1))
    assert first.result()["clone"] != second.result()["clone"]


def test_attacks_of_one_seed_start_from_the_same_clone(tmp_path):
    def initial(spec):
        trial = Trial(spec, TrialFolder.of(tmp_path, spec), prepare_victim(spec.victim), torch.device("cpu"))
        return trial.attack.learner.clone.state_dict()

    first, second = initial(tiny_trial("dfme")), initial(tiny_trial("megex", "vg"))
    assert all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("budget", [1, 17, 111])
@pytest.mark.parametrize("attack", ["dfme", "megex", "noise"])
def test_any_budget_is_spent_to_the_last_query(attack, budget, finished):
    parameters = {"batch_size": 16} if attack == "noise" else SMALL
    result = finished(tiny_trial(attack, "vg", budget=budget, parameters=parameters)).result()
    assert result["ledger"]["spent"] == budget
    assert result["ledger"]["refusals"] == 0


def test_an_exhausted_pool_ends_the_trial_with_its_budget_unspent(finished):
    spec = tiny_trial("random-pool", "label", budget=1000, parameters={"epochs": 2}, **POOL)
    folder = finished(spec)
    assert folder.result()["ledger"]["spent"] == 400
    assert folder.curve()[-1]["queries"] == 400


def test_the_pool_attack_learns_from_real_images(finished):
    spec = tiny_trial(
        "random-pool", "probability", budget=400, parameters={"epochs": 30, "learning_rate": 0.05}, **POOL
    )
    assert finished(spec).result()["metrics"]["fidelity"] > 0.6


def supervised() -> TrialSpec:
    fields = tiny_trial().to_json() | {"kind": "supervised", "budget": 0, "variant": "default"}
    fields["attack"], fields["channel"] = {"name": "supervised", "parameters": {}}, {"name": "none", "parameters": {}}
    return TrialSpec.from_json(fields)


def test_the_supervised_bound_is_trained_on_the_victims_data(finished):
    result = finished(supervised()).result()
    assert result["metrics"]["accuracy"] > 0.5
    assert result["ledger"]["spent"] == 0


def test_a_stopped_supervised_bound_goes_on_to_the_same_bytes(finished, tmp_path):
    whole = finished(supervised())
    folder, asked = TrialFolder.of(tmp_path / "stopped", supervised()), iter(range(1000))
    assert run_trial(supervised(), folder, should_stop=lambda: next(asked) >= 3) == "stopped"
    assert folder.checkpoint.exists()
    assert run_trial(supervised(), folder) == "finished"
    for file in ("result.json", "clone.safetensors"):
        assert (folder.path / file).read_bytes() == (whole.path / file).read_bytes(), file
    assert not folder.checkpoint.exists()


def test_a_collapsed_clone_is_flagged(finished):
    result = finished(tiny_trial("noise", budget=20, parameters={"batch_size": 16, "clone_lr": 0.0})).result()
    assert (result["flags"] == ["collapsed"]) == (result["metrics"]["accuracy"] <= 0.15)


def test_a_diverged_clone_stays_in_the_table_and_is_flagged(finished):
    result = finished(tiny_trial("noise", budget=200, parameters={"batch_size": 16, "clone_lr": 1e9})).result()
    assert "diverged" in result["flags"]
    assert result["metrics"]["kl"] is result["metrics"]["total_variation"] is None


def test_two_processes_cannot_run_one_trial(tmp_path):
    spec = tiny_trial()
    folder = TrialFolder.of(tmp_path, spec)
    with folder.locked(), pytest.raises(ResultsError, match="is running this trial"):
        run_trial(spec, folder)


def test_progress_is_told_in_queries(finished):
    told = []
    finished(tiny_trial(), on_progress=told.append)
    attack = [progress for progress in told if progress.phase == "attack"]
    assert [p.done for p in attack] == sorted(p.done for p in attack)
    assert (attack[-1].done, attack[-1].total, attack[-1].unit) == (700, 700, "queries")
    assert attack[-1].accuracy is not None


def test_time_is_kept_out_of_the_result(finished):
    folder = finished(tiny_trial())
    timing = json.loads((folder.path / "timing.json").read_text())
    assert timing["seconds"] > 0
    assert timing["queries_per_second"] > 0
    assert "seconds" not in json.dumps(folder.result())


def test_samples_are_a_picture_of_the_last_queries(finished):
    from PIL import Image

    with Image.open(finished(tiny_trial()).path / "samples.png") as image:
        assert image.size[0] > 100
        assert len(image.convert("L").getcolors(10_000)) > 10
