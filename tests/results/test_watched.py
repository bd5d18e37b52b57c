"""What files say of detectors and curves is checked before anything is counted or drawn with it."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from make_results import make_spec, make_trial

from mebench.results.curves import Curve
from mebench.results.damage import damage
from mebench.results.leaderboard import build_leaderboard
from mebench.results.leaderboard.read.row_files import row_of
from mebench.results.leaderboard.read.saved import checked
from mebench.results.leaderboard.read.watched import watched_problem
from mebench.results.matrix.detectors import watch_of

TOLD = {
    "detector": "prada",
    "threshold": 0.9,
    "clients": 1,
    "alarmed": 1,
    "first_alarm": 20,
    "own_alarm": None,
    "fidelity_at_alarm": 0.5,
    "honest": {"iid": {"streams": 10, "alarms": 1, "watched": 900}},
}
ODD = (None, "x", [], {}, float("nan"), float("inf"), -1, 1.5, 10**400)


def without(key: str) -> dict[str, Any]:
    return {name: value for name, value in TOLD.items() if name != key}


def counting(**counts: Any) -> dict[str, Any]:
    return TOLD | {"honest": {"iid": TOLD["honest"]["iid"] | counts}}  # type: ignore[index]


WRONG = [
    *(without(key) for key in ("detector", "clients", "first_alarm", "fidelity_at_alarm")),
    *(TOLD | {"clients": value} for value in ODD),
    *(TOLD | {"first_alarm": value} for value in ODD if value is not None),
    *(TOLD | {"fidelity_at_alarm": value} for value in ODD if value is not None),
    *(TOLD | {"honest": value} for value in (None, [], "x", {"iid": None}, {"iid": []}, {"iid": {}})),
    *(counting(streams=value) for value in ODD),
    *(counting(watched=value) for value in ODD),
    counting(alarms=11),
]


def plain_row(tmp_path, told: dict[str, Any]) -> dict[str, Any]:
    """A row as it is committed, whose detector has told this."""
    make_trial(tmp_path, make_spec("dfme"), 0.5)
    (row,) = (one for one in build_leaderboard([tmp_path]).rows if one.attack == "dfme")
    plain: dict[str, Any] = copy.deepcopy(row.to_json())
    for seed in plain["per_seed"]:
        seed["detectors"] = [told]
        seed.pop("curve", None)
    return plain


def test_what_a_detector_has_told_is_taken(tmp_path) -> None:
    assert watched_problem(TOLD) == watched_problem(without("honest")) == ""
    watch = watch_of([row_of(plain_row(tmp_path, TOLD))])
    assert watch.honest["prada"]["iid"].streams == 10


def test_what_is_not_known_of_honest_clients_is_not_counted(tmp_path) -> None:
    watch = watch_of([row_of(plain_row(tmp_path, counting(limit=3, more="x")))])
    assert watch.honest["prada"]["iid"].alarms == 1


def test_kinds_of_honest_clients_without_a_stream_have_no_limit_below_1(tmp_path) -> None:
    watch = watch_of([row_of(plain_row(tmp_path, counting(streams=0, alarms=0)))])
    assert watch.honest["prada"]["iid"].limit == 1


@pytest.mark.parametrize("told", WRONG)
def test_what_no_detector_has_told_is_said_in_one_line(told: dict[str, Any]) -> None:
    assert watched_problem(told).startswith("detector")


def test_a_row_and_a_result_with_such_a_detector_do_not_count(tmp_path) -> None:
    told = counting(streams="10")
    with pytest.raises(ValueError, match=r"^detector prada: honest iid must have whole numbers of streams"):
        row_of(plain_row(tmp_path / "rows", told))
    folder = make_trial(tmp_path / "trials", make_spec("dfme"), 0.5)
    folder.finish(folder.result() | {"links": {"detectors": [told]}})
    (folder.path / "curve.jsonl").write_bytes(folder.curve_content() + b" ")
    assert "curve.jsonl" in damage(folder, folder.path.name)
    folder.finish(folder.result())
    assert [row.status for row in build_leaderboard([tmp_path / "trials"]).rows if row.attack == "dfme"] == ["invalid"]


@pytest.mark.parametrize("value", [float("inf"), float("nan"), -0.5, 2.0])
def test_a_curve_of_a_row_that_leaves_0_to_1_makes_the_row_invalid(tmp_path, value: float) -> None:
    make_trial(tmp_path, make_spec("dfme"), 0.5)
    (row,) = (one for one in build_leaderboard([tmp_path]).rows if one.attack == "dfme")
    (seed,) = row.per_seed
    ends = seed.curve.queries[-1], seed.curve.accuracy[-1], seed.curve.fidelity[-1]
    curve = Curve.from_columns({"queries": [10, ends[0]], "accuracy": [0.1, ends[1]], "fidelity": [value, ends[2]]})
    found = checked(replace(row, per_seed=(replace(seed, curve=curve),)))
    assert found.status == "invalid"
    assert found.reason.startswith("fidelity of a curve")
