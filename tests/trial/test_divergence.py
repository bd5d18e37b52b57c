import pytest
import torch
from mebench_controls.attacks import NoiseStrategy
from trials import SMALL, tiny_trial

from mebench.api.errors import NotFiniteQueryError
from mebench.results.leaderboard import build_leaderboard
from mebench.results.trial_folder import TrialFolder
from mebench.trial.divergence import first_not_finite
from mebench.trial.trial import run_trial

NAN, INFINITE = float("nan"), float("inf")
DIVERGING = {**SMALL, "clone_lr": 1e9}


def diverging(**fields):
    """The clone's weights overflow at its first step, and its gradients make the generator's weights NaN."""
    return tiny_trial("dfme", parameters=DIVERGING, **fields)


def asks_nan_from(turn, state=None):
    """A `propose` of the noise attack that is broken from a turn on."""
    asked = []

    def propose(self, oracle, clone):
        asked.append(0)
        images = torch.rand(min(16, oracle.remaining), 1, 8, 8)
        if len(asked) >= turn:
            images[0, 0, 0, 0] = NAN
            if state is not None:
                clone.load_state_dict({key: value * state for key, value in clone.state_dict().items()})
        return images

    return propose


@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE])
def test_the_first_tensor_that_is_not_finite_is_found_at_any_depth(value):
    state = {"a": [torch.ones(2), {"b": (torch.tensor([1.0, value]),)}], "c": torch.tensor(NAN)}
    assert first_not_finite({"learner": state}) == "learner.a.1.b.0"


def test_whole_numbers_and_numbers_that_are_no_tensors_are_no_sign_of_divergence():
    assert first_not_finite({"best": INFINITE, "labels": torch.tensor([1, 2]), "weights": torch.ones(2)}) is None


def test_an_attack_whose_training_diverges_ends_flagged_with_the_clone_of_that_time(tmp_path):
    spec = diverging()
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    result, curve = folder.result(), folder.curve()
    assert "diverged" in result["flags"]
    assert 0 < result["ledger"]["spent"] < spec.budget
    assert curve[-1]["queries"] == result["ledger"]["spent"]
    assert curve[-1]["accuracy"] == result["metrics"]["accuracy"]
    (row,) = [row for row in build_leaderboard([tmp_path]).rows if row.kind == "attack"]
    assert row.status == "finished"
    assert {"diverged", "unspent-budget"} <= set(row.flags)


def test_a_diverged_trial_that_was_stopped_before_ends_in_the_same_bytes(tmp_path):
    spec = diverging()
    whole, stopped = (TrialFolder.of(tmp_path / name, spec) for name in ("whole", "stopped"))
    run_trial(spec, whole)
    stops = iter([False, True])
    assert run_trial(spec, stopped, should_stop=lambda: next(stops)) == "stopped"
    run_trial(spec, stopped)
    for name in ("result.json", "curve.jsonl", "clone.safetensors"):
        assert (whole.path / name).read_bytes() == (stopped.path / name).read_bytes()


def test_on_the_standard_track_what_was_asked_before_is_learnt_from(tmp_path, monkeypatch):
    monkeypatch.setattr("mebench.trial.standard_track.fit_standard", lambda *_, **__: None)
    spec = diverging(track="standard")
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    assert "diverged" in folder.result()["flags"]


@pytest.mark.parametrize(
    ("turn", "factor"),
    [(3, None), (3, 2.0), (1, NAN)],
    ids=["a NaN from nowhere", "a NaN beside finite weights", "a NaN before anything was learnt"],
)
def test_a_query_that_is_not_finite_for_another_reason_stays_an_error(tmp_path, monkeypatch, turn, factor):
    monkeypatch.setattr(NoiseStrategy, "propose", asks_nan_from(turn, factor))
    spec = tiny_trial("noise", parameters={"batch_size": 16})
    folder = TrialFolder.of(tmp_path, spec)
    with pytest.raises(
        NotFiniteQueryError, match=r"attack noise \(.*\): asked a query with values outside \[0, 1\] or NaN"
    ):
        run_trial(spec, folder)
    assert folder.status == "partial"


def test_a_query_that_is_not_finite_beside_weights_that_are_not_is_divergence(tmp_path, monkeypatch):
    monkeypatch.setattr(NoiseStrategy, "propose", asks_nan_from(3, NAN))
    spec = tiny_trial("noise", parameters={"batch_size": 16})
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    result = folder.result()
    assert result["ledger"]["spent"] == 32
    assert "diverged" in result["flags"]


def test_divergence_that_is_noticed_at_an_evaluation_only_ends_the_trial_there(tmp_path, monkeypatch):
    """As on an accelerator, where checks do not wait for their outcome."""

    def propose(self, oracle, clone):
        if oracle.spent >= 32:
            clone.load_state_dict({key: value * NAN for key, value in clone.state_dict().items()})
        return torch.rand(16, 1, 8, 8)

    def raise_pending(oracle):
        if oracle.spent > 32:
            raise NotFiniteQueryError("attack noise: asked a query with values outside [0, 1] or NaN")

    monkeypatch.setattr(NoiseStrategy, "propose", propose)
    monkeypatch.setattr("mebench.oracle.oracle.BudgetedOracle.raise_pending", raise_pending)
    spec = tiny_trial("noise", parameters={"batch_size": 16}, budget=320)
    folder = TrialFolder.of(tmp_path, spec)
    assert run_trial(spec, folder) == "finished"
    result, curve = folder.result(), folder.curve()
    assert result["ledger"]["spent"] == curve[-1]["queries"] == 64  # the first evaluation after it
    assert [line["test_inputs"] for line in curve] == [1000, 2000]  # which so became the last
    assert "diverged" in result["flags"]
