"""How far the trials of a plan are, and which were made by other code than is here."""

from __future__ import annotations

from pathlib import Path

import pytest
from benchmark_texts import GOOD, load, toy_registry

from mebench.api.spec import TrialSpec
from mebench.plan.forecast import forecast
from mebench.plan.plan import Plan, make_plan
from mebench.plan.state import PlanState
from mebench.registry.code import Code
from mebench.registry.entries import AttackEntry
from mebench.results.trial_folder import TrialFolder

NOW = Code("toys", "1", "bbbb")
BEFORE = Code("toys", "1", "aaaa")
PART = "attack chooser"
CHANGE = "attack chooser is of toys 1 (bbbb), was of toys 1 (aaaa)"


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    known = toy_registry()
    known._codes[AttackEntry.kind, "chooser"] = NOW
    return make_plan(load(tmp_path, GOOD), registry=known)


def of_chooser(plan: Plan) -> list[TrialSpec]:
    return [trial for trial in plan.trials if trial.attack.name == "chooser"]


def begin(out: Path, trial: TrialSpec, code: Code | None = BEFORE, result: dict[str, object] | None = None) -> None:
    folder = TrialFolder.of(out, trial)
    folder.begin(trial, None if code is None else {PART: code})
    folder.checkpoint.touch()
    folder.append_curve({"queries": 400})
    if result is not None:
        folder.finish({"id": trial.id, "status": "finished"} | result)


def test_what_other_code_has_begun_or_finished_will_run_anew_alone(plan: Plan, tmp_path: Path) -> None:
    finished, half_run, failed, same = of_chooser(plan)[:4]
    for trial, code, result in (
        (finished, BEFORE, {}),
        (half_run, BEFORE, None),
        (failed, BEFORE, None),
        (same, NOW, {}),
    ):
        begin(tmp_path, trial, code, result)
    TrialFolder.of(tmp_path, failed).fail(failed, "boom")
    state = PlanState.of(plan, tmp_path)
    assert state.having("other code") == [finished, half_run]
    assert state.having("failed") == [failed]
    assert state.having("finished") == [same]
    assert state.other_code() == {CHANGE: 3}
    assert same not in state.pending
    assert len(state.pending) == len(plan.trials) - 1


def test_finished_results_of_other_code_can_be_kept_and_half_run_ones_cannot(plan: Plan, tmp_path: Path) -> None:
    finished, half_run = of_chooser(plan)[:2]
    begin(tmp_path, finished, result={})
    begin(tmp_path, half_run)
    state = PlanState.of(plan, tmp_path, keep_other_code=True)
    assert state.having("finished") == [finished]
    assert state.having("other code") == [half_run]
    assert state.other_code() == {CHANGE: 2}


def test_the_forecast_counts_all_queries_of_what_will_run_anew(plan: Plan, tmp_path: Path) -> None:
    finished, half_run, failed = of_chooser(plan)[:3]
    begin(tmp_path, finished, result={})
    begin(tmp_path, half_run)
    begin(tmp_path, failed)
    TrialFolder.of(tmp_path, failed).fail(failed, "boom")
    everything = sum(trial.budget for trial in plan.trials)
    ahead = forecast(plan, tmp_path)
    assert (ahead.queries, ahead.other_code) == (everything, {CHANGE: 3})
    assert ahead.states()["other code"] == 2
    kept = forecast(plan, tmp_path, keep_other_code=True)
    assert kept.queries == everything - finished.budget


@pytest.mark.parametrize("text", ["", "{", "[]", '{"attack chooser": 7}', "[" * 100_000, '{"attack chooser": {}}'])
def test_a_record_of_code_that_cannot_be_read_stops_nothing(text: str, plan: Plan, tmp_path: Path) -> None:
    trial = of_chooser(plan)[0]
    begin(tmp_path, trial, NOW, {})
    (TrialFolder.of(tmp_path, trial).path / "code.json").write_text(text)
    assert PlanState.of(plan, tmp_path).trials


@pytest.mark.parametrize(
    ("plugin", "change"),
    [
        ("toys 1", {}),
        ("toys 0.9", {"attack chooser is of toys 1, was of toys 0.9": 1}),
        ("a folder/toys.py 0.9", {"attack chooser is of toys 1, was of a folder/toys.py 0.9": 1}),
        (7, {}),
        ("", {}),
    ],
)
def test_an_older_result_is_told_by_the_version_in_it(
    plugin: object, change: dict[str, int], plan: Plan, tmp_path: Path
) -> None:
    begin(tmp_path, of_chooser(plan)[0], None, {"provenance": {"plugin": plugin}})
    assert PlanState.of(plan, tmp_path).other_code() == change


def test_results_of_before_code_was_written_down_are_taken_as_they_are(plan: Plan, tmp_path: Path) -> None:
    trials = of_chooser(plan)[:2]
    begin(tmp_path, trials[0], None, {})
    begin(tmp_path, trials[1], None)
    assert not PlanState.of(plan, tmp_path).changes


def test_a_plugin_that_is_not_asked_for_changes_nothing(plan: Plan, tmp_path: Path) -> None:
    other = next(trial for trial in plan.trials if trial.attack.name == "gradients")
    begin(tmp_path, other, result={})
    assert not PlanState.of(plan, tmp_path).changes
