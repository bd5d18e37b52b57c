from types import SimpleNamespace

import numpy as np
import pytest
import torch
from mebench_controls.attacks import NoiseStrategy
from trials import tiny_trial

from mebench.api.contract import QueryStrategy
from mebench.api.errors import PluginFaultError
from mebench.guard.call import Guard
from mebench.guard.wrappers import GuardedStrategy
from mebench.results.trial_folder import TrialFolder
from mebench.trial.trial import run_trial

BAD = {
    "no mapping": ([("a", 1.0)], "returned a list, not a mapping"),
    "none": (None, "returned a NoneType, not a mapping"),
    "a truth value": ({"a": True}, "returned True as a"),
    "a word": ({"a": "high"}, "returned 'high' as a"),
    "a tensor": ({"a": torch.tensor(1.0)}, "returned tensor(1.) as a"),
    "a name with capitals": ({"Loss": 1.0}, "returned the name 'Loss'"),
    "a long name": ({"a" * 41: 1.0}, "only a-z"),
    "a number as name": ({1: 1.0}, "returned the name 1"),
    "too many": ({f"n{number}": 0.0 for number in range(33)}, "returned 33 numbers, more than 32"),
}


def noise_trial(**fields):
    return tiny_trial("noise", "probability", budget=60, parameters={"batch_size": 20}, evaluations=2, **fields)


def checked(returned):
    """What a guarded strategy hands on of what the plugin's own returned."""
    guard = Guard("attack odd (odd 1.0)")
    return GuardedStrategy(guard, SimpleNamespace(diagnostics=lambda: returned), torch.device("cpu")).diagnostics()


@pytest.fixture
def curve(tmp_path, monkeypatch):
    """Run a trial of noise whose strategy tells what a function returns; returns its curve."""

    def run(tell, **fields):
        monkeypatch.setattr(NoiseStrategy, "diagnostics", tell)
        folder = TrialFolder.of(tmp_path, noise_trial(**fields))
        run_trial(folder_spec := noise_trial(**fields), folder)
        assert folder.spec() == folder_spec
        return folder.curve()

    return run


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_mapping_of_names_to_numbers_is_a_fault_that_names_the_plugin(case):
    returned, words = BAD[case]
    with pytest.raises(PluginFaultError) as fault:
        checked(returned)
    assert str(fault.value).startswith("attack odd (odd 1.0): diagnostics returned")
    assert words in str(fault.value)


def test_numbers_of_any_kind_pass_and_those_that_are_not_finite_become_none():
    told = {"whole": 3, "numpy": np.float64(0.5), "nothing": None, "nan": float("nan"), "infinite": float("-inf")}
    assert checked(told) == {"whole": 3.0, "numpy": 0.5, "nothing": None, "nan": None, "infinite": None}


def test_a_strategy_tells_nothing_unless_it_says_so(curve):
    assert QueryStrategy.diagnostics.__qualname__ == "QueryStrategy.diagnostics"
    assert all("diagnostics" not in point for point in curve(QueryStrategy.diagnostics))


def test_each_evaluation_holds_what_the_strategy_tells_at_that_time(curve):
    asked = iter(range(100))
    points = curve(lambda _: {"accuracy": 10.0 + next(asked), "gap": None})
    assert [point["diagnostics"] for point in points] == [
        {"accuracy": 10.0 + number, "gap": None} for number in range(len(points))
    ]
    assert all(point["accuracy"] <= 1 for point in points)  # a diagnostic's name cannot collide with a metric's


def test_an_error_in_diagnostics_fails_the_trial_and_names_the_attack(curve):
    with pytest.raises(PluginFaultError, match=r"attack noise \(.*\): diagnostics failed: ZeroDivisionError"):
        curve(lambda _: 1 / 0)


def test_on_the_standard_track_the_only_point_has_them_too(curve, monkeypatch):
    monkeypatch.setattr("mebench.trial.standard_track.fit_standard", lambda *_, **__: None)
    (point,) = curve(lambda _: {"a": 1.0}, track="standard")
    assert point["diagnostics"] == {"a": 1.0}


def test_numbers_of_numpy_are_numbers_and_what_cannot_be_averaged_is_none():
    returned = {"a": np.float32(0.5), "b": np.int64(2), "c": 1e308, "d": 10**400}
    assert checked(returned) == {"a": 0.5, "b": 2.0, "c": None, "d": None}
